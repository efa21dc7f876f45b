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
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
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

	private static final SortedSet<String> ROOT = Collections.unmodifiableSortedSet(new TreeSet<>(Set.of("")));

	private final Grammar grammar;

	private final SchemaReader reader;

	private final Map<SortedSet<String>, Expr.Rule> rules = new HashMap<>();

	private final Deque<SortedSet<String>> open = new ArrayDeque<>();

	private final Map<List<Object>, Expr.Rule> texts = new HashMap<>();

	private final Expr.Rule space;

	private Expr.@Nullable Rule anything;

	private int patternWork;

	private int patternStates;

	private SchemaCompiler(Grammar grammar, SchemaReader reader) {
		this.grammar = grammar;
		this.reader = reader;
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
		SchemaCompiler compiler = new SchemaCompiler(grammar, reader);
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
		SchemaCompiler compiler = new SchemaCompiler(grammar, reader);
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
	private void complete() {
		while (!this.open.isEmpty()) {
			SortedSet<String> pointers = this.open.pop();
			this.grammar.define(rule(pointers), union(this.reader.shapes(pointers), pointers.first()));
		}
	}

	private Expr.Rule rule(SortedSet<String> pointers) {
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

	private Expr union(List<Shape> shapes, String pointer) {
		List<Expr> choices = new ArrayList<>();
		List<String> constants = new ArrayList<>();
		for (Shape shape : shapes) {
			switch (shape) {
				case Shape.Null _ -> constants.add("null");
				case Shape.Bool _ -> constants.addAll(List.of("true", "false"));
				case Shape.Const constant when !constant.value().isContainer() ->
					constants.add(scalar(constant.value()));
				case Shape.Const constant -> choices.add(container(constant.value()));
				case Shape.Num number -> choices.add(number(number.range()));
				case Shape.Str string -> choices.add(string(string, pointer));
				case Shape.Arr array -> choices.add(array(array));
				case Shape.Obj object -> choices.add(object(object, pointer));
			}
		}
		if (!constants.isEmpty()) {
			choices.add(Expr.literals(constants));
		}
		return new Expr.Alt(choices);
	}

	private static String scalar(JsonNode value) {
		if (value.isNumber()) {
			BigDecimal number = value.decimalValue().stripTrailingZeros();
			return (Math.abs((long) number.scale()) <= 50) ? number.toPlainString() : number.toString();
		}
		return value.toString();
	}

	private Expr container(JsonNode value) {
		List<Expr> parts = new ArrayList<>();
		if (value.isObject()) {
			value.propertyStream().forEach((property) -> {
				parts.add(Expr.literal((parts.isEmpty() ? "{" : ",")));
				parts.add(this.space);
				parts.add(Expr.literal(quoted(property.getKey()) + ":"));
				parts.add(this.space);
				parts.add(constant(property.getValue()));
			});
			parts.addAll(parts.isEmpty() ? List.of(Expr.literal("{}")) : List.of(this.space, Expr.literal("}")));
		}
		else {
			value.valueStream().forEach((item) -> {
				parts.add(Expr.literal((parts.isEmpty() ? "[" : ",")));
				parts.add(this.space);
				parts.add(constant(item));
			});
			parts.addAll(parts.isEmpty() ? List.of(Expr.literal("[]")) : List.of(this.space, Expr.literal("]")));
		}
		return new Expr.Seq(parts);
	}

	private Expr constant(JsonNode value) {
		return value.isContainer() ? container(value) : Expr.literal(scalar(value));
	}

	private static String quoted(String text) {
		return StringNode.valueOf(text).toString();
	}

	private Expr number(NumberRange range) {
		return this.texts.computeIfAbsent(List.of(range), (_) -> this.grammar.add("A number", range.toExpr()));
	}

	private Expr string(Shape.Str string, String pointer) {
		Expr.Rule known = this.texts.get(List.of(string.patterns().keySet(), string.min(), string.max()));
		if (known != null) {
			return known;
		}
		Expr content;
		if (string.patterns().isEmpty()) {
			content = Expr.seq(new Expr.JsonText(string.min(), string.max()), Expr.literal("\""));
		}
		else {
			String place = pointer + "/pattern";
			content = content(
					automaton(List.copyOf(string.patterns().values()), true, string.min(), string.max(), place),
					Map.of(1, Expr.literal("\"")), place);
		}
		Expr.Rule rule = this.grammar.add("A text", Expr.seq(Expr.literal("\""), content));
		this.texts.put(List.of(string.patterns().keySet(), string.min(), string.max()), rule);
		return rule;
	}

	private TextAutomaton automaton(List<Regex> regexes, boolean all, int min, int max, String pointer) {
		TextAutomaton automaton;
		try {
			automaton = TextAutomaton.of(regexes, all, min, max);
		}
		catch (GrammarException ex) {
			throw new UnsupportedSchemaException(pointer, "pattern", "has an expression in which " + ex.getMessage(),
					"Use a simpler one, or fewer together.");
		}
		this.patternWork += automaton.work();
		bound(pointer);
		return automaton;
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
		Expr end = Expr.seq(this.space, Expr.literal("}"));
		Expr.Rule rest = this.grammar.declare("Properties");
		Expr.Rule key = this.grammar.declare("Properties");
		Expr more = additional(object, order, nameShapes, counted, pointer);
		this.grammar.define(key, Expr.seq(more, rest));
		// Checked before the comma, behind which there would be no way out.
		Expr comma = Expr.seq(counted ? new Expr.TickLeft() : Expr.EMPTY, Expr.literal(","), this.space);
		this.grammar.define(rest, Expr.alt(end, Expr.seq(comma, key)));
		int after = 0;
		for (String name : order.reversed()) {
			Expr member = Expr.seq(Expr.literal(quoted(name) + ":"), this.space, rule(object.property(name)));
			if (counted) {
				member = Expr.seq(new Expr.Tick(after), member);
			}
			boolean needed = object.required().contains(name);
			Expr here = Expr.seq(member, rest);
			key = this.grammar.add("Properties", needed ? here : Expr.alt(here, key));
			after += needed ? 1 : 0;
			Expr next = Expr.seq(comma, key);
			rest = this.grammar.add("Properties", (after > 0) ? next : Expr.alt(end, next));
			if (this.grammar.size() > MAX_RULES) {
				throw new GrammarException("The JSON Schema is too large: it has more than %d schemas and properties"
					.formatted(MAX_RULES));
			}
		}
		boolean empty = required == 0 && object.min() == 0;
		Expr content = empty ? Expr.alt(Expr.literal("}"), key) : key;
		if (counted) {
			content = new Expr.Counted(object.max(), content);
		}
		return (object.max() < required) ? Expr.NOTHING : Expr.seq(Expr.literal("{"), this.space, content);
	}

	private static JsonNode quotedNode(String name) {
		return StringNode.valueOf(name);
	}

	/**
	 * A property that is not declared by name: its name, and a value that this allows.
	 */
	private Expr additional(Shape.Obj object, List<String> declared, List<Shape> nameShapes, boolean counted,
			String pointer) {
		Expr tick = counted ? new Expr.Tick(0) : Expr.EMPTY;
		List<Shape.PatternProperty> patterns = object.sides()
			.stream()
			.flatMap((side) -> side.patterns().stream())
			.toList();
		SortedSet<String> others = new TreeSet<>();
		object.sides().forEach((side) -> others.addAll(side.others()));
		boolean closed = !others.isEmpty() && this.reader.shapes(others).isEmpty();
		if (closed && patterns.isEmpty()) {
			return Expr.NOTHING;
		}
		List<Regex> regexes = new ArrayList<>(patterns.stream().map(Shape.PatternProperty::regex).toList());
		if (!object.names().isEmpty()) {
			List<Regex> allowed = names(nameShapes, pointer);
			if (allowed == null) {
				return Expr.NOTHING;
			}
			regexes.addAll(allowed);
		}
		int conditions = regexes.size();
		if (!declared.isEmpty()) {
			regexes.add(Regex.whole(new Regex.Alt(declared.stream().map(Regex::literal).toList())));
		}
		Expr quote = Expr.literal("\"");
		if (regexes.isEmpty()) {
			return Expr.seq(tick, quote, new Expr.JsonText(0, Expr.UNBOUNDED), Expr.literal("\":"), this.space,
					rule(others));
		}
		if (regexes.size() > 30) {
			throw new UnsupportedSchemaException(pointer + "/patternProperties", "patternProperties",
					"has more than 29 expressions that hold together", "Use fewer.");
		}
		TextAutomaton automaton = automaton(regexes, false, 0, Expr.UNBOUNDED,
				pointer + (patterns.isEmpty() ? "/properties" : "/patternProperties"));
		Map<Integer, Expr> exits = new LinkedHashMap<>();
		for (int label : automaton.labels()) {
			boolean isDeclared = !declared.isEmpty() && (label >> conditions & 1) != 0;
			boolean allowed = IntStream.range(patterns.size(), conditions).allMatch((i) -> (label >> i & 1) != 0);
			if (!isDeclared && allowed) {
				exits.put(label, Expr.seq(Expr.literal("\":"), this.space, rule(schemas(object, label))));
			}
		}
		return Expr.seq(tick, quote, content(automaton, exits, pointer + "/properties"));
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

	/** Any value, of a bounded depth. */
	private Expr.Rule anything() {
		Expr.Rule known = this.anything;
		if (known == null) {
			Expr text = string(Shape.Str.ANY, "");
			Expr scalar = Expr.alt(Expr.literals(List.of("null", "true", "false")), number(NumberRange.ALL), text);
			Expr.Rule value = this.grammar.add("A value", scalar);
			Expr comma = Expr.seq(Expr.literal(","), this.space);
			for (int level = 0; level < FREE_LEVELS; level++) {
				Expr member = Expr.seq(text, Expr.literal(":"), this.space, value);
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
