package io.github.flashspring.engine.generate.grammar;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

import io.github.flashspring.engine.text.CallSyntax;
import io.github.flashspring.engine.text.ToolDefinition;

/**
 * Turns the JSON Schema of a tool's arguments into rules for arguments that are written
 * one by one: between tags, as in Python, or as Gemma does. Parameters come in the order
 * of the schema. Others come after them where the schema declares none, or says what the
 * others are.
 */
final class ParameterCompiler {

	/** What Java takes for white space, which readers of values strip. */
	private static final CodePoints SPACES = CodePoints
		.of(IntStream.rangeClosed(0, Character.MAX_CODE_POINT).filter(Character::isWhitespace).toArray());

	private static final Regex SPACE = new Regex.Repeat(new Regex.Chars(SPACES), 0, Expr.UNBOUNDED);

	private static final Regex NUMBER = PatternParser.parse("-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?");

	private static final String CDATA_END = "]]>";

	private final SchemaReader reader;

	private final SchemaCompiler values;

	private final ToolDefinition tool;

	private final CallSyntax syntax;

	private final Expr separator;

	private final Writer writer;

	private ParameterCompiler(SchemaReader reader, SchemaCompiler values, ToolDefinition tool, CallSyntax syntax,
			Expr separator, Writer writer) {
		this.reader = reader;
		this.values = values;
		this.tool = tool;
		this.syntax = syntax;
		this.separator = separator;
		this.writer = writer;
	}

	/**
	 * Adds the rules of a tool's arguments.
	 * @param grammar gets the rules
	 * @param reader reads the tool's schema
	 * @param tool the tool
	 * @param syntax how arguments are written
	 * @param separator between arguments
	 * @param writer writes one argument
	 * @return a reference to the rule of all arguments
	 * @throws GrammarException if the schema cannot be enforced
	 */
	static Expr.Rule compile(Grammar grammar, SchemaReader reader, ToolDefinition tool, CallSyntax syntax,
			Expr separator, Writer writer) {
		Notation notation = switch (syntax.values()) {
			case TEXT -> Notation.pythonWithin(syntax.tags());
			case TYPED -> Notation.jsonWithin(syntax.tags());
			case PYTHON -> Notation.PYTHON;
			case QUOTED -> Notation.quoted(syntax.quote(), Markers.marker(syntax.quote()));
			case JSON -> Notation.JSON;
		};
		SchemaCompiler values = new SchemaCompiler(grammar, reader, notation);
		ParameterCompiler compiler = new ParameterCompiler(reader, values, tool, syntax, separator, writer);
		List<Expr> choices = new ArrayList<>();
		for (Shape shape : reader.shapes(SchemaCompiler.ROOT)) {
			if (shape instanceof Shape.Obj object) {
				choices.add(compiler.parameters(object));
			}
		}
		Expr.Rule root = grammar.add("The arguments of the tool '" + tool.name() + "'", new Expr.Alt(choices));
		values.complete();
		return root;
	}

	private Expr parameters(Shape.Obj object) {
		for (String name : object.required()) {
			if (!this.syntax.canNameParameter(name)) {
				throw new UnsupportedSchemaException("/required", "required",
						"names '" + name + "', which the model's format of calls cannot write",
						"Use letters, digits and '_' alone.");
			}
		}
		return this.values.members()
			.compile(object, "",
					new MemberCompiler.Members(this.separator, Expr.EMPTY, Expr.EMPTY,
							(name) -> this.syntax.canNameParameter(name)
									? parameter(name, Expr.literal(name), object.property(name)) : Expr.NOTHING,
							(nameShapes, declared, tick) -> others(object, nameShapes, declared, tick)));
	}

	/** Parameters that are not declared by name. */
	private Expr others(Shape.Obj object, List<Shape> nameShapes, List<String> declared, Expr tick) {
		boolean described = object.sides()
			.stream()
			.anyMatch((side) -> !side.others().isEmpty() || !side.patterns().isEmpty());
		if (!declared.isEmpty() && !described) {
			return Expr.NOTHING;
		}
		Regex names = PatternParser
			.parse((this.syntax.values() == CallSyntax.Values.TEXT || this.syntax.values() == CallSyntax.Values.TYPED)
					? "^[^\\s\\x00-\\x1f<>\"=]{1,32}$" : "^[A-Za-z_][A-Za-z0-9_]{0,31}$");
		UndeclaredNames.Names others = this.values.names().names(object, declared, nameShapes, "", names, null);
		List<Expr> choices = new ArrayList<>();
		if (others != null) {
			others.schemas().forEach((label, schemas) -> {
				Expr name = this.values.patterns().text(others.automaton(), Map.of(label, Expr.EMPTY), "/properties");
				choices.add(parameter("", name, schemas));
			});
		}
		return Expr.seq(tick, new Expr.Alt(choices));
	}

	/**
	 * A parameter.
	 * @param name its name, empty: any that the schema does not declare
	 * @param written its name as it is written
	 * @param schemas of its value
	 */
	private Expr parameter(String name, Expr written, SortedSet<String> schemas) {
		if (this.syntax.values() == CallSyntax.Values.PYTHON || this.syntax.values() == CallSyntax.Values.QUOTED) {
			return this.writer.write(written, this.values.rule(schemas), "");
		}
		List<Shape> shapes = this.reader.shapes(schemas);
		String pointer = schemas.isEmpty() ? "" : schemas.first();
		List<Expr> choices = new ArrayList<>();
		if (this.syntax.values() == CallSyntax.Values.TYPED) {
			for (Shape shape : shapes) {
				Expr value = isText(shape) ? text(shape, null, pointer) : this.values.union(List.of(shape), pointer);
				choices.add(this.writer.write(written, value, type(shape)));
			}
			return new Expr.Alt(choices);
		}
		Set<String> types = name.isEmpty() ? Set.of() : CallSyntax.types(this.tool, name);
		List<Shape> others = shapes.stream()
			.filter((shape) -> !isText(shape) && (!types.contains("string") || types.contains(type(shape))
					|| type(shape).equals("number") && types.contains("integer")))
			.toList();
		boolean onlyText = types.equals(Set.of("string"));
		if (!onlyText && !others.isEmpty()) {
			choices.add(this.values.union(others, pointer));
		}
		Regex taken = onlyText ? null : taken(shapes, types);
		for (Shape shape : shapes) {
			if (isText(shape)) {
				choices.add(text(shape, taken, pointer));
			}
		}
		return this.writer.write(written, new Expr.Alt(choices), "");
	}

	private static boolean isText(Shape shape) {
		return shape instanceof Shape.Str || shape instanceof Shape.Const constant && constant.value().isString();
	}

	private static String type(Shape shape) {
		return switch (shape) {
			case Shape.Null _ -> "null";
			case Shape.Bool _ -> "boolean";
			case Shape.Num _ -> "number";
			case Shape.Str _ -> "string";
			case Shape.Arr _ -> "array";
			case Shape.Obj _ -> "object";
			case Shape.Const constant -> type(constant.value());
		};
	}

	private static String type(JsonNode value) {
		return switch (value.getNodeType()) {
			case NULL -> "null";
			case BOOLEAN -> "boolean";
			case NUMBER -> "number";
			case ARRAY -> "array";
			case OBJECT -> "object";
			default -> "string";
		};
	}

	/**
	 * Texts that a reader takes for something else than a string, and which as that do
	 * not satisfy the schema for sure.
	 * @param shapes what the schema allows
	 * @param types the types that the reader looks for; empty: all
	 * @return an expression, null if there are none
	 */
	private static @Nullable Regex taken(List<Shape> shapes, Set<String> types) {
		boolean any = !types.contains("string");
		List<Regex> taken = new ArrayList<>();
		if ((any || types.contains("null")) && !shapes.contains(new Shape.Null())) {
			taken.add(word(Notation.any(List.of("null", "None"))));
		}
		if ((any || types.contains("boolean")) && !shapes.contains(new Shape.Bool())) {
			taken.add(word(Notation.any(List.of("true", "false", "True", "False"))));
		}
		boolean whole = types.contains("integer") && !types.contains("number");
		boolean numbers = any || types.contains("number") || types.contains("integer");
		if (numbers && shapes.stream()
			.noneMatch((shape) -> shape instanceof Shape.Num number && number.range().min() == null
					&& number.range().max() == null && (whole || number.range().fraction() >= NumberRange.FRACTION))) {
			taken.add(word(NUMBER));
		}
		if ((any || types.contains("object")) && !shapes.contains(Shape.Obj.ANY)) {
			taken.add(new Regex.Seq(List.of(new Regex.Start(), SPACE, Regex.literal("{"))));
		}
		if ((any || types.contains("array")) && !shapes.contains(Shape.Arr.ANY)) {
			taken.add(new Regex.Seq(List.of(new Regex.Start(), SPACE, Regex.literal("["))));
		}
		return taken.isEmpty() ? null : new Regex.Alt(taken);
	}

	private static Regex word(Regex regex) {
		return Regex.whole(new Regex.Seq(List.of(SPACE, regex, SPACE)));
	}

	/**
	 * A string as it stands between tags.
	 * @param shape the string
	 * @param taken what it must not match in addition to the tags
	 * @param pointer where it comes from, for errors
	 */
	private Expr text(Shape shape, @Nullable Regex taken, String pointer) {
		Shape.Str string = (shape instanceof Shape.Str any) ? any
				: constant(((Shape.Const) shape).value().stringValue());
		Regex tags = Notation.any(this.syntax.tags());
		String place = pointer + "/pattern";
		List<Regex> refused = new ArrayList<>(List.of(tags));
		if (taken != null) {
			refused.add(taken);
		}
		String quote = this.syntax.quote();
		if (quote.isEmpty()) {
			return this.values.patterns()
				.text(this.values.patterns().automaton(string, new Regex.Alt(refused), place), Map.of(1, Expr.EMPTY),
						place);
		}
		Expr quoted = this.values.patterns()
			.text(this.values.patterns().automaton(string, tags, place), Map.of(1, Markers.marker(CDATA_END)), place);
		refused.add(new Regex.Seq(List.of(new Regex.Start(), Regex.literal(quote))));
		refused.add(new Regex.Seq(List.of(Regex.literal(CDATA_END), new Regex.End())));
		return Expr.alt(this.values.patterns()
			.text(this.values.patterns().automaton(string, new Regex.Alt(refused), place), Map.of(1, Expr.EMPTY),
					place),
				Expr.seq(Markers.marker(quote), quoted));
	}

	private static Shape.Str constant(String text) {
		return new Shape.Str(Map.of("const", Regex.whole(Regex.literal(text))), 0, Expr.UNBOUNDED);
	}

	/** Writes a parameter. */
	interface Writer {

		/**
		 * Writes a parameter.
		 * @param name its name
		 * @param value its value
		 * @param type the type of the value, as JSON Schema names it
		 * @return the expression
		 */
		Expr write(Expr name, Expr value, String type);

	}

}
