package io.github.flashspring.engine.generate.grammar;

import java.math.BigDecimal;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.StringNode;

/**
 * Turns a JSON Schema into rules for its values, as models write them: properties in the
 * order of the schema and then the additional ones, and at most one space, or one line
 * break with an indentation, between tokens. Numbers have no exponent if they have
 * bounds, and integers have no fraction.
 */
final class SchemaCompiler {

	/** Schemas, and sets of them that hold together. */
	private static final int MAX_RULES = 50_000;

	/** Steps of the construction of all patterns: some seconds. */
	private static final int MAX_PATTERN_WORK = 1 << 24;

	/** States of the automata of all patterns: 16 MiB while compiling. */
	private static final int MAX_PATTERN_STATES = 1 << 17;

	/** Spaces or tabs behind a line break. */
	private static final int INDENTATION = 20;

	/** Levels of a value of which the schema says nothing. */
	private static final int FREE_LEVELS = 8;

	/** Lengths of strings that are counted where their content is restricted. */
	private static final int MAX_COUNTED = 256;

	/** Keys without quotes end with a colon. */
	private static final Pattern UNQUOTED_KEY = Pattern.compile("[\\p{L}_$][\\p{L}\\p{Nd}_.$-]*");

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

	private int patternWork;

	private int patternStates;

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
		this.space = grammar.declare("White space");
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
				case Shape.Null _ -> constants.addAll(words("null"));
				case Shape.Bool _ -> {
					constants.addAll(words("true"));
					constants.addAll(words("false"));
				}
				case Shape.Const constant when constant.value().isString() -> texts.add(constant.value().stringValue());
				case Shape.Const constant when constant.value().isNumber() -> constants.add(number(constant.value()));
				case Shape.Const constant when constant.value().isContainer() ->
					choices.add(container(constant.value()));
				case Shape.Const constant -> constants.addAll(words(constant.value().toString()));
				case Shape.Num number -> choices.add(number(number.range()));
				case Shape.Str string -> choices.add(string(string, pointer));
				case Shape.Arr array -> choices.add(array(array));
				case Shape.Obj object -> choices.add(object(object, pointer));
			}
		}
		if (!texts.isEmpty()) {
			choices.add(texts(texts));
		}
		if (!constants.isEmpty()) {
			choices.add(Expr.literals(constants));
		}
		return new Expr.Alt(choices);
	}

	private List<String> words(String json) {
		if (this.notation.style() != Notation.Style.PYTHON) {
			return List.of(json);
		}
		return List.of(json, switch (json) {
			case "true" -> "True";
			case "false" -> "False";
			default -> "None";
		});
	}

	private static String number(JsonNode value) {
		BigDecimal number = value.decimalValue().stripTrailingZeros();
		return (Math.abs((long) number.scale()) <= 50) ? number.toPlainString() : number.toString();
	}

	/** Strings, with their quotes; those that cannot be written are left out. */
	private Expr texts(List<String> texts) {
		Regex without = this.notation.without();
		TextAutomaton forbidden = (without != null) ? TextAutomaton.of(List.of(without), false, 0, Expr.UNBOUNDED)
				: null;
		List<String> allowed = texts.stream()
			.filter((text) -> forbidden == null || forbidden.label(text) == 0)
			.toList();
		if (this.notation.style() == Notation.Style.QUOTED) {
			return Expr.seq(this.notation.quote(), Expr.literals(allowed), this.notation.quote());
		}
		List<String> written = new ArrayList<>();
		for (String text : allowed) {
			String quoted = quoted(text);
			written.add(quoted);
			// apostrophes and escapes are written with quotation marks alone
			if (this.notation.style() == Notation.Style.PYTHON && quoted.length() == text.length() + 2
					&& text.indexOf('\'') < 0) {
				written.add("'" + text + "'");
			}
		}
		return Expr.literals(written);
	}

	private Expr container(JsonNode value) {
		List<Expr> parts = new ArrayList<>();
		if (value.isObject()) {
			value.propertyStream().forEach((property) -> {
				parts.add(Expr.literal((parts.isEmpty() ? "{" : ",")));
				parts.add(this.space);
				parts.add(key(property.getKey()));
				parts.add(this.space);
				parts.add(union(List.of(new Shape.Const(property.getValue())), ""));
			});
			parts.addAll(parts.isEmpty() ? List.of(Expr.literal("{}")) : List.of(this.space, Expr.literal("}")));
		}
		else {
			value.valueStream().forEach((item) -> {
				parts.add(Expr.literal((parts.isEmpty() ? "[" : ",")));
				parts.add(this.space);
				parts.add(union(List.of(new Shape.Const(item)), ""));
			});
			parts.addAll(parts.isEmpty() ? List.of(Expr.literal("[]")) : List.of(this.space, Expr.literal("]")));
		}
		return new Expr.Seq(parts);
	}

	/** A key that is known, with its colon. */
	private Expr key(String name) {
		boolean bare = this.notation.style() == Notation.Style.QUOTED && UNQUOTED_KEY.matcher(name).matches();
		return bare ? Expr.literal(name + ":") : Expr.seq(texts(List.of(name)), Expr.literal(":"));
	}

	private static String quoted(String text) {
		return StringNode.valueOf(text).toString();
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
			TextAutomaton automaton = automaton(string, this.notation.without(), place);
			content = (this.notation.style() == Notation.Style.QUOTED) ? text(automaton, Map.of(1, quote), place)
					: content(automaton, Map.of(1, quote), place);
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
		TextAutomaton automaton = automaton(List.of(SINGLE_QUOTED), this.notation.without(), true, 0, Expr.UNBOUNDED,
				pointer);
		return Expr.seq(Expr.literal("'"), text(automaton, Map.of(1, Expr.literal("'")), pointer));
	}

	/**
	 * Runs what a string must be.
	 * @param string the string
	 * @param without what it must not contain, null: anything may be in it
	 * @param pointer where it comes from, for errors
	 * @return the automaton, with the label 1
	 */
	TextAutomaton automaton(Shape.Str string, @Nullable Regex without, String pointer) {
		List<Regex> patterns = List.copyOf(string.patterns().values());
		boolean counted = string.min() > MAX_COUNTED || string.max() != Expr.UNBOUNDED && string.max() > MAX_COUNTED;
		if (without != null && counted) {
			this.reader.ignored().add(pointer.replace("/pattern", "/maxLength"));
			return automaton(patterns, without, true, Math.min(string.min(), MAX_COUNTED), Expr.UNBOUNDED, pointer);
		}
		return automaton(patterns, without, true, string.min(), string.max(), pointer);
	}

	private TextAutomaton automaton(List<Regex> regexes, @Nullable Regex without, boolean all, int min, int max,
			String pointer) {
		TextAutomaton automaton;
		try {
			automaton = TextAutomaton.of(regexes, without, all, min, max);
		}
		catch (GrammarException ex) {
			throw new UnsupportedSchemaException(pointer, "pattern", "has an expression in which " + ex.getMessage(),
					"Use a simpler one, or fewer together.");
		}
		this.patternWork += automaton.work();
		bound(pointer);
		return automaton;
	}

	/**
	 * A text as it is.
	 * @param automaton what it must be
	 * @param exits label to what follows
	 * @param pointer where it comes from, for errors
	 * @return the expression
	 */
	Expr text(TextAutomaton automaton, Map<Integer, Expr> exits, String pointer) {
		Expr.Machine machine = automaton.toText(exits);
		this.patternStates += machine.states().size();
		bound(pointer);
		return machine;
	}

	private Expr content(TextAutomaton automaton, Map<Integer, Expr> exits, String pointer) {
		Expr.Machine machine = automaton.toJson(exits);
		this.patternStates += machine.states().size();
		bound(pointer);
		return machine;
	}

	private void bound(String pointer) {
		if (this.patternWork > MAX_PATTERN_WORK || this.patternStates > MAX_PATTERN_STATES) {
			throw new UnsupportedSchemaException(pointer, "pattern", "is one of too many that are too complex together",
					"Use simpler ones, or fewer.");
		}
	}

	private Expr array(Shape.Arr array) {
		if (array.min() > array.max()) {
			return Expr.NOTHING;
		}
		Expr end = Expr.seq(this.space, Expr.literal("]"));
		int first = Math.min(Math.min(array.prefix().size(), array.max()), MAX_RULES);
		Expr after;
		if (array.max() > first) {
			Expr item = Expr.seq(Expr.literal(","), this.space, rule(array.items()));
			int written = Math.max(first, 1);
			int max = (array.max() == Expr.UNBOUNDED) ? Expr.UNBOUNDED : array.max() - written;
			after = Expr.seq(new Expr.Repeat(item, Math.max(0, array.min() - written), max), end);
		}
		else {
			after = end;
		}
		for (int i = first - 1; i >= 0; i--) {
			Expr rest = (i == first - 1) ? after : Expr.seq(Expr.literal(","), this.space, after);
			if (i < first - 1 && array.min() <= i + 1) {
				rest = Expr.alt(end, rest);
			}
			after = this.grammar.add("Items", Expr.seq(rule(array.prefix().get(i)), rest));
		}
		if (first == 0 && array.max() > 0) {
			after = Expr.seq(rule(array.items()), after);
		}
		Expr content = (array.max() == 0) ? Expr.literal("]")
				: (array.min() == 0) ? Expr.alt(Expr.literal("]"), after) : after;
		return Expr.seq(Expr.literal("["), this.space, content);
	}

	private Expr object(Shape.Obj object, String pointer) {
		Expr end = Expr.seq(this.space, Expr.literal("}"));
		Expr comma = Expr.seq(Expr.literal(","), this.space);
		return Expr.seq(Expr.literal("{"), this.space,
				members(object, pointer, new Members(comma, end, Expr.literal("}"),
						(name) -> Expr.seq(key(name), this.space, rule(object.property(name))),
						(nameShapes, declared, tick) -> additional(object, declared, nameShapes, tick, pointer))));
	}

	/**
	 * Members of an object: those that are declared in their order, then others.
	 * @param object the object
	 * @param pointer where it comes from, for errors
	 * @param form how members are written
	 * @return the expression
	 */
	Expr members(Shape.Obj object, String pointer, Members form) {
		Set<String> names = new LinkedHashSet<>();
		object.sides().forEach((side) -> names.addAll(side.properties().keySet()));
		names.addAll(object.required());
		List<Shape> nameShapes = object.names().isEmpty() ? List.of() : this.reader.shapes(object.names());
		if (!object.names().isEmpty()) {
			names.removeIf((name) -> !this.reader.accepts(nameShapes, quotedNode(name)));
			if (!names.containsAll(object.required())) {
				return Expr.NOTHING;
			}
		}
		if (object.min() > object.max() || object.min() > Math.max(1, object.required().size())) {
			if (object.min() <= object.max()) {
				throw new UnsupportedSchemaException(pointer + "/minProperties", "minProperties",
						"is " + object.min() + ", more than the properties that are required",
						"Supported are 0, 1, and up to the number of required properties.");
			}
			return Expr.NOTHING;
		}
		boolean counted = object.max() != Expr.UNBOUNDED;
		List<String> order = List.copyOf(names);
		int required = object.required().size();
		Expr.Rule rest = this.grammar.declare("Properties");
		Expr.Rule key = this.grammar.declare("Properties");
		Expr more = form.additional().write(nameShapes, order, counted ? new Expr.Tick(0) : Expr.EMPTY);
		this.grammar.define(key, Expr.seq(more, rest));
		// Checked before the comma, behind which there would be no way out.
		Expr comma = Expr.seq(counted ? new Expr.TickLeft() : Expr.EMPTY, form.comma());
		this.grammar.define(rest, Expr.alt(form.end(), Expr.seq(comma, key)));
		int after = 0;
		for (String name : order.reversed()) {
			Expr member = form.member().apply(name);
			if (counted) {
				member = Expr.seq(new Expr.Tick(after), member);
			}
			boolean needed = object.required().contains(name);
			Expr here = Expr.seq(member, rest);
			key = this.grammar.add("Properties", needed ? here : Expr.alt(here, key));
			after += needed ? 1 : 0;
			Expr next = Expr.seq(comma, key);
			rest = this.grammar.add("Properties", (after > 0) ? next : Expr.alt(form.end(), next));
			if (this.grammar.size() > MAX_RULES) {
				throw new GrammarException("The JSON Schema is too large: it has more than %d schemas and properties"
					.formatted(MAX_RULES));
			}
		}
		boolean empty = required == 0 && object.min() == 0;
		Expr content = empty ? Expr.alt(form.empty(), key) : key;
		if (counted) {
			content = new Expr.Counted(object.max(), content);
		}
		return (object.max() < required) ? Expr.NOTHING : content;
	}

	private static JsonNode quotedNode(String name) {
		return StringNode.valueOf(name);
	}

	/**
	 * A property that is not declared by name: its name, and a value that this allows.
	 */
	private Expr additional(Shape.Obj object, List<String> declared, List<Shape> nameShapes, Expr tick,
			String pointer) {
		boolean free = this.notation.without() == null && this.notation.style() != Notation.Style.QUOTED;
		SortedSet<String> others = others(object);
		if (free && declared.isEmpty() && object.names().isEmpty() && others != null && hasNoPatterns(object)) {
			return Expr.seq(tick, anyKey(), this.space, rule(others));
		}
		boolean bare = this.notation.style() == Notation.Style.QUOTED;
		Regex names = bare ? UNQUOTED : null;
		Expr quote = this.notation.quote();
		Others found = others(object, declared, nameShapes, pointer, names, bare ? null : this.notation.without());
		if (found == null) {
			return Expr.NOTHING;
		}
		Map<Integer, Expr> exits = new LinkedHashMap<>();
		found.schemas()
			.forEach((label, schemas) -> exits.put(label,
					Expr.seq(bare ? Expr.EMPTY : quote, Expr.literal(":"), this.space, rule(schemas))));
		String place = pointer + "/properties";
		Expr written = bare ? text(found.automaton(), exits, place)
				: Expr.seq(quote, content(found.automaton(), exits, place));
		if (this.notation.style() == Notation.Style.PYTHON) {
			Others single = Objects.requireNonNull(
					others(object, declared, nameShapes, pointer, SINGLE_QUOTED_KEY, this.notation.without()));
			Map<Integer, Expr> ends = new LinkedHashMap<>();
			single.schemas()
				.forEach((label, schemas) -> ends.put(label, Expr.seq(Expr.literal("':"), this.space, rule(schemas))));
			written = Expr.alt(written, Expr.seq(Expr.literal("'"), text(single.automaton(), ends, place)));
		}
		return Expr.seq(tick, written);
	}

	private static boolean hasNoPatterns(Shape.Obj object) {
		return object.sides().stream().allMatch((side) -> side.patterns().isEmpty());
	}

	/** Schemas of properties that nothing else declares, null: there are none. */
	private @Nullable SortedSet<String> others(Shape.Obj object) {
		SortedSet<String> others = new TreeSet<>();
		object.sides().forEach((side) -> others.addAll(side.others()));
		boolean closed = !others.isEmpty() && this.reader.shapes(others).isEmpty();
		return (closed && hasNoPatterns(object)) ? null : others;
	}

	/**
	 * Names that are not declared.
	 * @param object the object
	 * @param declared names that are
	 * @param nameShapes what names must be
	 * @param pointer where the object comes from, for errors
	 * @param whole what names must match in this notation, null: anything
	 * @param without what names must not contain, null: anything may be in them
	 * @return the names, null: there are none
	 */
	@Nullable Others others(Shape.Obj object, List<String> declared, List<Shape> nameShapes, String pointer,
			@Nullable Regex whole, @Nullable Regex without) {
		List<Shape.PatternProperty> patterns = object.sides()
			.stream()
			.flatMap((side) -> side.patterns().stream())
			.toList();
		if (others(object) == null) {
			return null;
		}
		List<Regex> regexes = new ArrayList<>(patterns.stream().map(Shape.PatternProperty::regex).toList());
		if (!object.names().isEmpty()) {
			List<Regex> allowed = names(nameShapes, pointer);
			if (allowed == null) {
				return null;
			}
			regexes.addAll(allowed);
		}
		if (whole != null) {
			regexes.add(Regex.whole(whole));
		}
		int conditions = regexes.size();
		List<Regex> refused = new ArrayList<>();
		if (!declared.isEmpty()) {
			refused.add(Regex.whole(Notation.any(declared)));
		}
		if (without != null) {
			refused.add(without);
		}
		if (!refused.isEmpty()) {
			regexes.add(new Regex.Alt(refused));
		}
		if (regexes.size() > 30) {
			throw new UnsupportedSchemaException(pointer + "/patternProperties", "patternProperties",
					"has more than 29 expressions that hold together", "Use fewer.");
		}
		TextAutomaton automaton = automaton(regexes, null, false, 0, Expr.UNBOUNDED,
				pointer + (patterns.isEmpty() ? "/properties" : "/patternProperties"));
		Map<Integer, SortedSet<String>> found = new LinkedHashMap<>();
		for (int label : automaton.labels()) {
			boolean isRefused = !refused.isEmpty() && (label >> conditions & 1) != 0;
			boolean allowed = IntStream.range(patterns.size(), conditions).allMatch((i) -> (label >> i & 1) != 0);
			if (!isRefused && allowed) {
				found.put(label, schemas(object, label));
			}
		}
		return new Others(automaton, found);
	}

	private static SortedSet<String> schemas(Shape.Obj object, int label) {
		SortedSet<String> schemas = new TreeSet<>();
		int index = 0;
		for (Shape.Side side : object.sides()) {
			boolean matched = false;
			for (Shape.PatternProperty pattern : side.patterns()) {
				if ((label >> index++ & 1) != 0) {
					matched = true;
					schemas.addAll(pattern.schemas());
				}
			}
			if (!matched) {
				schemas.addAll(side.others());
			}
		}
		return schemas;
	}

	/** Expressions that a name must match, null if no name is allowed. */
	private static @Nullable List<Regex> names(List<Shape> shapes, String pointer) {
		List<Shape.Str> texts = shapes.stream().filter(Shape.Str.class::isInstance).map(Shape.Str.class::cast).toList();
		List<Regex> constants = shapes.stream()
			.filter((shape) -> shape instanceof Shape.Const constant && constant.value().isString())
			.map((shape) -> Regex.literal(((Shape.Const) shape).value().stringValue()))
			.toList();
		if (texts.isEmpty()) {
			return constants.isEmpty() ? null : List.of(Regex.whole(new Regex.Alt(constants)));
		}
		if (texts.size() > 1 || !constants.isEmpty()) {
			throw new UnsupportedSchemaException(pointer + "/propertyNames", "propertyNames", "has alternatives",
					"Supported are one string schema, or values of enum.");
		}
		Shape.Str text = texts.getFirst();
		List<Regex> regexes = new ArrayList<>(text.patterns().values());
		if (text.min() > 0 || text.max() != Expr.UNBOUNDED) {
			if (text.min() > PatternParser.MAX_REPEAT
					|| text.max() != Expr.UNBOUNDED && text.max() > PatternParser.MAX_REPEAT) {
				throw new UnsupportedSchemaException(pointer + "/propertyNames", "propertyNames",
						"has a length above " + PatternParser.MAX_REPEAT, "Use a smaller one.");
			}
			regexes.add(Regex.whole(new Regex.Repeat(new Regex.Chars(CodePoints.ALL), text.min(), text.max())));
		}
		return regexes;
	}

	/** Any key, with its colon. */
	private Expr anyKey() {
		Expr key = string(Shape.Str.ANY, "");
		if (this.notation.style() == Notation.Style.QUOTED) {
			key = text(automaton(List.of(Regex.whole(UNQUOTED)), null, true, 0, Expr.UNBOUNDED, ""),
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

	/**
	 * How members of an object are written.
	 *
	 * @param comma between members
	 * @param end behind the last
	 * @param empty where there are none
	 * @param member a declared member, by its name
	 * @param additional another member
	 */
	record Members(Expr comma, Expr end, Expr empty, Function<String, Expr> member, Additional additional) {

	}

	/**
	 * Names of members that are not declared.
	 *
	 * @param automaton runs names
	 * @param schemas label of the allowed names to the schemas of their values
	 */
	record Others(TextAutomaton automaton, Map<Integer, SortedSet<String>> schemas) {

	}

	/** Writes members that are not declared. */
	interface Additional {

		Expr write(List<Shape> nameShapes, List<String> declared, Expr tick);

	}

}
