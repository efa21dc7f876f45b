package io.github.flashspring.engine.generate.grammar;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

import org.jspecify.annotations.Nullable;

/**
 * Turns a JSON Schema into rules for its values, as models write them: properties in the
 * order of the schema and then the additional ones, and at most one space, or one line
 * break with an indentation, between tokens. Numbers have no exponent if they have
 * bounds, and integers have no fraction.
 */
final class SchemaCompiler {

	/** Schemas, and sets of them that hold together. */
	static final int MAX_RULES = 50_000;

	/** Spaces or tabs behind a line break. */
	private static final int INDENTATION = 20;

	/** Levels of a value of which the schema says nothing. */
	private static final int FREE_LEVELS = 8;

	/** What stands between single quotes in Python. */
	private static final Regex SINGLE_QUOTED = PatternParser.parse("^([^'\\\\\\x00-\\x1f]|\\\\[\\\\'\"nrt])*$");

	/** Keys that stand between single quotes as they are. */
	private static final Regex SINGLE_QUOTED_KEY = PatternParser.parse("^[^'\\\\\\x00-\\x1f]*$");

	private static final Regex UNQUOTED = PatternParser.parse("^[A-Za-z_][A-Za-z0-9_.-]*$");

	static final SortedSet<String> ROOT = Collections.unmodifiableSortedSet(new TreeSet<>(Set.of("")));

	private final Grammar grammar;

	private final SchemaReader reader;

	private final Notation notation;

	private final Map<SortedSet<String>, Expr.Rule> rules = new HashMap<>();

	private final Deque<SortedSet<String>> open = new ArrayDeque<>();

	private final Map<List<Object>, Expr.Rule> texts = new HashMap<>();

	private final Expr.Rule space;

	private Expr.@Nullable Rule anything;

	private final PatternCompiler patterns;

	private final ConstantWriter constants;

	private final UndeclaredNames names;

	private final MemberCompiler members;

	private final ItemCompiler items;

	/**
	 * A compiler.
	 * @param grammar gets the rules
	 * @param reader reads the schema
	 * @param notation how values are written
	 */
	SchemaCompiler(Grammar grammar, SchemaReader reader, Notation notation) {
		this.grammar = grammar;
		this.reader = reader;
		this.notation = notation;
		this.patterns = new PatternCompiler(reader.ignored());
		this.names = new UndeclaredNames(reader, this.patterns);
		this.members = new MemberCompiler(grammar, reader);
		this.space = grammar.declare("White space");
		this.constants = new ConstantWriter(notation, this.space);
		this.items = new ItemCompiler(grammar, this.space, this::rule);
		Expr indentation = new Expr.Repeat(Expr.literals(List.of(" ", "\t")), 0, INDENTATION);
		grammar.define(this.space, Expr.alt(Expr.EMPTY, Expr.literal(" "), Expr.seq(Expr.literal("\n"), indentation)));
	}

	/**
	 * Adds the rules of a schema.
	 * @param grammar gets the rules
	 * @param reader reads the schema
	 * @return a reference to the rule of its values
	 * @throws GrammarException if it cannot be enforced
	 */
	static Expr.Rule compile(Grammar grammar, SchemaReader reader) {
		SchemaCompiler compiler = new SchemaCompiler(grammar, reader, Notation.JSON);
		Expr.Rule root = compiler.rule(ROOT);
		compiler.complete();
		return root;
	}

	/**
	 * Adds the rules of a schema's objects, whether it says that it is of objects or not.
	 * @param grammar gets the rules
	 * @param reader reads the schema
	 * @return a reference to the rule of the objects
	 * @throws GrammarException if it cannot be enforced
	 */
	static Expr.Rule compileObject(Grammar grammar, SchemaReader reader) {
		SchemaCompiler compiler = new SchemaCompiler(grammar, reader, Notation.JSON);
		List<Shape> objects = reader.shapes(ROOT)
			.stream()
			.filter((shape) -> shape instanceof Shape.Obj
					|| shape instanceof Shape.Const constant && constant.value().isObject())
			.toList();
		Expr.Rule root = grammar.add("The JSON Schema of an object", compiler.union(objects, ""));
		compiler.complete();
		return root;
	}

	PatternCompiler patterns() {
		return this.patterns;
	}

	UndeclaredNames names() {
		return this.names;
	}

	MemberCompiler members() {
		return this.members;
	}

	/** Works rules off one after the other, so that schemas may be nested deeply. */
	void complete() {
		while (!this.open.isEmpty()) {
			SortedSet<String> pointers = this.open.pop();
			this.grammar.define(rule(pointers), union(this.reader.shapes(pointers), pointers.first()));
		}
	}

	/**
	 * The rule of values that satisfy schemas.
	 * @param pointers where the schemas are
	 * @return a reference to it
	 */
	Expr.Rule rule(SortedSet<String> pointers) {
		if (pointers.isEmpty()) {
			return anything();
		}
		Expr.Rule known = this.rules.get(pointers);
		if (known == null) {
			known = this.grammar.declare("The JSON Schema at '" + pointers.first() + "'");
			this.rules.put(pointers, known);
			this.open.push(pointers);
			if (this.grammar.size() > MAX_RULES) {
				throw new GrammarException("The JSON Schema is too large: it has more than %d schemas and properties"
					.formatted(MAX_RULES));
			}
		}
		return known;
	}

	/**
	 * Values of any of some shapes.
	 * @param shapes the shapes
	 * @param pointer where they come from, for errors
	 * @return the expression
	 */
	Expr union(List<Shape> shapes, String pointer) {
		List<Expr> choices = new ArrayList<>();
		List<String> constants = new ArrayList<>();
		List<String> texts = new ArrayList<>();
		for (Shape shape : shapes) {
			switch (shape) {
				case Shape.Null _ -> constants.addAll(this.constants.words("null"));
				case Shape.Bool _ -> {
					constants.addAll(this.constants.words("true"));
					constants.addAll(this.constants.words("false"));
				}
				case Shape.Const constant when constant.value().isString() -> texts.add(constant.value().stringValue());
				case Shape.Const constant when constant.value().isNumber() ->
					constants.add(ConstantWriter.number(constant.value()));
				case Shape.Const constant when constant.value().isContainer() ->
					choices.add(this.constants.container(constant.value()));
				case Shape.Const constant -> constants.addAll(this.constants.words(constant.value().toString()));
				case Shape.Num number -> choices.add(number(number.range()));
				case Shape.Str string -> choices.add(string(string, pointer));
				case Shape.Arr array -> choices.add(this.items.compile(array));
				case Shape.Obj object -> choices.add(object(object, pointer));
			}
		}
		if (!texts.isEmpty()) {
			choices.add(this.constants.texts(texts));
		}
		if (!constants.isEmpty()) {
			choices.add(Expr.literals(constants));
		}
		return new Expr.Alt(choices);
	}

	private Expr number(NumberRange range) {
		return this.texts.computeIfAbsent(List.of(range), (_) -> this.grammar.add("A number", range.toExpr()));
	}

	private Expr string(Shape.Str string, String pointer) {
		List<Object> key = List.of(string.patterns().keySet(), string.min(), string.max());
		Expr.Rule known = this.texts.get(key);
		if (known != null) {
			return known;
		}
		Expr quote = this.notation.quote();
		Expr content;
		if (string.patterns().isEmpty() && this.notation.without() == null) {
			content = Expr.seq(new Expr.JsonText(string.min(), string.max()), quote);
		}
		else {
			String place = pointer + "/pattern";
			TextAutomaton automaton = this.patterns.automaton(string, this.notation.without(), place);
			content = (this.notation.style() == Notation.Style.QUOTED)
					? this.patterns.text(automaton, Map.of(1, quote), place)
					: this.patterns.content(automaton, Map.of(1, quote), place);
		}
		Expr all = Expr.seq(quote, content);
		if (this.notation.style() == Notation.Style.PYTHON && string.equals(Shape.Str.ANY)) {
			all = Expr.alt(all, singleQuoted(pointer));
		}
		Expr.Rule rule = this.grammar.add("A text", all);
		this.texts.put(key, rule);
		return rule;
	}

	/** A string of Python in single quotes. */
	private Expr singleQuoted(String pointer) {
		TextAutomaton automaton = this.patterns.automaton(List.of(SINGLE_QUOTED), this.notation.without(), true, 0,
				Expr.UNBOUNDED, pointer);
		return Expr.seq(Expr.literal("'"), this.patterns.text(automaton, Map.of(1, Expr.literal("'")), pointer));
	}

	private Expr object(Shape.Obj object, String pointer) {
		Expr end = Expr.seq(this.space, Expr.literal("}"));
		Expr comma = Expr.seq(Expr.literal(","), this.space);
		return Expr.seq(Expr.literal("{"), this.space,
				this.members.compile(object, pointer, new MemberCompiler.Members(comma, end, Expr.literal("}"),
						(name) -> Expr.seq(this.constants.key(name), this.space, rule(object.property(name))),
						(nameShapes, declared, tick) -> additional(object, declared, nameShapes, tick, pointer))));
	}

	/**
	 * A property that is not declared by name: its name, and a value that this allows.
	 */
	private Expr additional(Shape.Obj object, List<String> declared, List<Shape> nameShapes, Expr tick,
			String pointer) {
		boolean free = this.notation.without() == null && this.notation.style() != Notation.Style.QUOTED;
		SortedSet<String> others = this.names.schemas(object);
		if (free && declared.isEmpty() && object.names().isEmpty() && others != null
				&& UndeclaredNames.hasNoPatterns(object)) {
			return Expr.seq(tick, anyKey(), this.space, rule(others));
		}
		boolean bare = this.notation.style() == Notation.Style.QUOTED;
		Regex names = bare ? UNQUOTED : null;
		Expr quote = this.notation.quote();
		UndeclaredNames.Names found = this.names.names(object, declared, nameShapes, pointer, names,
				bare ? null : this.notation.without());
		if (found == null) {
			return Expr.NOTHING;
		}
		Map<Integer, Expr> exits = new LinkedHashMap<>();
		found.schemas()
			.forEach((label, schemas) -> exits.put(label,
					Expr.seq(bare ? Expr.EMPTY : quote, Expr.literal(":"), this.space, rule(schemas))));
		String place = pointer + "/properties";
		Expr written = bare ? this.patterns.text(found.automaton(), exits, place)
				: Expr.seq(quote, this.patterns.content(found.automaton(), exits, place));
		if (this.notation.style() == Notation.Style.PYTHON) {
			UndeclaredNames.Names single = Objects.requireNonNull(this.names.names(object, declared, nameShapes,
					pointer, SINGLE_QUOTED_KEY, this.notation.without()));
			Map<Integer, Expr> ends = new LinkedHashMap<>();
			single.schemas()
				.forEach((label, schemas) -> ends.put(label, Expr.seq(Expr.literal("':"), this.space, rule(schemas))));
			written = Expr.alt(written,
					Expr.seq(Expr.literal("'"), this.patterns.text(single.automaton(), ends, place)));
		}
		return Expr.seq(tick, written);
	}

	/** Any key, with its colon. */
	private Expr anyKey() {
		Expr key = string(Shape.Str.ANY, "");
		if (this.notation.style() == Notation.Style.QUOTED) {
			key = this.patterns.text(
					this.patterns.automaton(List.of(Regex.whole(UNQUOTED)), null, true, 0, Expr.UNBOUNDED, ""),
					Map.of(1, Expr.EMPTY), "");
		}
		return Expr.seq(key, Expr.literal(":"));
	}

	/** Any value, of a bounded depth. */
	private Expr.Rule anything() {
		Expr.Rule known = this.anything;
		if (known == null) {
			Expr text = string(Shape.Str.ANY, "");
			Expr key = this.grammar.add("A key", anyKey());
			Expr scalar = Expr.alt(union(List.of(new Shape.Null(), new Shape.Bool()), ""), number(NumberRange.ALL),
					text);
			Expr.Rule value = this.grammar.add("A value", scalar);
			Expr comma = Expr.seq(Expr.literal(","), this.space);
			for (int level = 0; level < FREE_LEVELS; level++) {
				Expr member = Expr.seq(key, this.space, value);
				Expr members = Expr.alt(Expr.literal("}"),
						Expr.seq(member, Expr.many(Expr.seq(comma, member)), this.space, Expr.literal("}")));
				Expr items = Expr.alt(Expr.literal("]"),
						Expr.seq(value, Expr.many(Expr.seq(comma, value)), this.space, Expr.literal("]")));
				value = this.grammar.add("A value", Expr.alt(scalar, Expr.seq(Expr.literal("{"), this.space, members),
						Expr.seq(Expr.literal("["), this.space, items)));
			}
			known = value;
			this.anything = known;
		}
		return known;
	}

}
