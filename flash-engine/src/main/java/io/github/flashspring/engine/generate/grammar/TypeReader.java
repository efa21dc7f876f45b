package io.github.flashspring.engine.generate.grammar;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.StringNode;

/**
 * Reads the keywords of a schema that say of what types values are, and what holds for
 * the values of each type.
 */
final class TypeReader {

	private final SchemaDocument document;

	TypeReader(SchemaDocument document) {
		this.document = document;
	}

	/**
	 * The shapes that a schema allows by its types.
	 * @param schema the schema
	 * @param pointer where it is
	 * @return a shape for each type
	 */
	List<Shape> shapes(JsonNode schema, String pointer) {
		Set<String> types = new LinkedHashSet<>();
		if (schema.has("type")) {
			JsonNode type = SchemaDocument.expect(schema, "type", pointer,
					(node) -> node.isString() || node.isArray() && node.valueStream().allMatch(JsonNode::isString),
					"a name or a list of names");
			if (type.isString()) {
				types.add(type.stringValue());
			}
			type.valueStream().forEach((each) -> types.add(each.stringValue()));
		}
		else {
			types.addAll(List.of("null", "boolean", "number", "string", "array", "object"));
		}
		List<Shape> shapes = new ArrayList<>();
		for (String type : types) {
			switch (type) {
				case "null" -> shapes.add(new Shape.Null());
				case "boolean" -> shapes.add(new Shape.Bool());
				case "number" -> shapes.add(number(schema, pointer, false));
				case "integer" -> {
					if (!types.contains("number")) {
						shapes.add(number(schema, pointer, true));
					}
				}
				case "string" -> shapes.add(string(schema, pointer));
				case "array" -> shapes.add(array(schema, pointer));
				case "object" -> shapes.add(object(schema, pointer));
				default -> throw new UnsupportedSchemaException(pointer + "/type", "type", "is '" + type + "'",
						"Expected null, boolean, number, integer, string, array or object.");
			}
		}
		return shapes;
	}

	private Shape number(JsonNode schema, String pointer, boolean integer) {
		NumberRange range = new NumberRange(null, false, null, false, integer ? 0 : NumberRange.FRACTION);
		for (String keyword : List.of("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")) {
			if (schema.has(keyword)) {
				BigDecimal bound = SchemaDocument
					.expect(schema, keyword, pointer, TypeReader::isBound,
							"a number of at most " + NumberRange.MAX_DIGITS + " digits")
					.decimalValue();
				boolean exclusive = keyword.startsWith("exclusive");
				boolean min = keyword.endsWith("inimum");
				range = range.and(new NumberRange(min ? bound : null, min && exclusive, min ? null : bound,
						!min && exclusive, NumberRange.FRACTION));
			}
		}
		if (schema.has("multipleOf")) {
			BigDecimal factor = SchemaDocument
				.expect(schema, "multipleOf", pointer, (node) -> isBound(node) && node.decimalValue().signum() > 0,
						"a number above 0")
				.decimalValue()
				.stripTrailingZeros();
			boolean power = factor.unscaledValue().equals(BigInteger.ONE) && factor.scale() >= 0;
			if (!power && !(integer && dividesIntegers(factor))) {
				this.document.unsupported(pointer + "/multipleOf", "multipleOf",
						"is " + factor + ", but only 1, 0.1, 0.01 … are supported");
			}
			else if (power) {
				range = range.and(new NumberRange(null, false, null, false, factor.scale()));
			}
		}
		if (schema.path("format").isString()) {
			BigDecimal bound = switch (schema.get("format").stringValue()) {
				case "int32" -> BigDecimal.valueOf(Integer.MAX_VALUE);
				case "int64" -> BigDecimal.valueOf(Long.MAX_VALUE);
				default -> null;
			};
			if (bound != null) {
				range = range.and(new NumberRange(bound.negate().subtract(BigDecimal.ONE), false, bound, false, 0));
			}
		}
		return new Shape.Num(range);
	}

	private static boolean dividesIntegers(BigDecimal factor) {
		return BigDecimal.ONE.remainder(factor).signum() == 0;
	}

	private static boolean isBound(JsonNode node) {
		return node.isNumber() && Math.abs((long) node.decimalValue().scale()) <= NumberRange.MAX_DIGITS
				&& node.decimalValue().precision() <= NumberRange.MAX_DIGITS;
	}

	private Shape string(JsonNode schema, String pointer) {
		Map<String, Regex> patterns = new LinkedHashMap<>();
		if (schema.has("pattern")) {
			String source = SchemaDocument
				.expect(schema, "pattern", pointer, JsonNode::isString, "a regular expression")
				.stringValue();
			regex(source, pointer + "/pattern", "pattern").ifPresent((regex) -> patterns.put(source, regex));
		}
		if (schema.has("format")) {
			String format = SchemaDocument.expect(schema, "format", pointer, JsonNode::isString, "a name")
				.stringValue();
			Regex regex = Formats.pattern(format);
			if (regex != null) {
				patterns.put("format " + format, regex);
			}
			else if (!Formats.NUMBERS.contains(format)) {
				this.document.unsupported(pointer + "/format", "format", "is '" + format + "', which is not supported",
						"Supported are " + Formats.supported()
								+ ". Use pattern instead, or set the schema mode to lenient, which ignores it.");
			}
		}
		return new Shape.Str(patterns, SchemaDocument.count(schema, "minLength", pointer, 0),
				SchemaDocument.count(schema, "maxLength", pointer, Expr.UNBOUNDED));
	}

	private Optional<Regex> regex(String source, String pointer, String keyword) {
		try {
			return Optional.of(PatternParser.parse(source));
		}
		catch (GrammarException ex) {
			this.document.unsupported(pointer, keyword, "is the expression '"
					+ SchemaDocument.shortened(StringNode.valueOf(source)) + "', in which " + ex.getMessage());
			return Optional.empty();
		}
	}

	private Shape array(JsonNode schema, String pointer) {
		List<SortedSet<String>> prefix = new ArrayList<>();
		if (schema.has("prefixItems")) {
			JsonNode parts = SchemaDocument.expect(schema, "prefixItems", pointer, JsonNode::isArray,
					"a list of schemas");
			for (int i = 0; i < parts.size(); i++) {
				prefix.add(one(pointer + "/prefixItems/" + i));
			}
		}
		SortedSet<String> items = new TreeSet<>();
		if (schema.has("items")) {
			SchemaDocument.expect(schema, "items", pointer, (node) -> node.isObject() || node.isBoolean(),
					"a schema; a list of schemas is called prefixItems since draft 2020-12");
			items = one(pointer + "/items");
		}
		return new Shape.Arr(prefix, items, SchemaDocument.count(schema, "minItems", pointer, 0),
				SchemaDocument.count(schema, "maxItems", pointer, Expr.UNBOUNDED));
	}

	private static SortedSet<String> one(String pointer) {
		return new TreeSet<>(Set.of(pointer));
	}

	private Shape object(JsonNode schema, String pointer) {
		Map<String, SortedSet<String>> properties = new LinkedHashMap<>();
		if (schema.has("properties")) {
			SchemaDocument.expect(schema, "properties", pointer, JsonNode::isObject, "an object of schemas")
				.propertyNames()
				.forEach((name) -> properties.put(name, one(pointer + "/properties/" + SchemaDocument.escaped(name))));
		}
		List<Shape.PatternProperty> patterns = new ArrayList<>();
		if (schema.has("patternProperties")) {
			for (String source : SchemaDocument
				.expect(schema, "patternProperties", pointer, JsonNode::isObject, "an object of schemas")
				.propertyNames()) {
				String place = pointer + "/patternProperties/" + SchemaDocument.escaped(source);
				regex(source, place, "patternProperties").ifPresent((regex) -> patterns
					.add(new Shape.PatternProperty(regex, automaton(List.of(regex), place), one(place))));
			}
		}
		SortedSet<String> others = new TreeSet<>();
		if (schema.has("additionalProperties")) {
			SchemaDocument.expect(schema, "additionalProperties", pointer,
					(node) -> node.isObject() || node.isBoolean(), "a schema");
			others = one(pointer + "/additionalProperties");
		}
		Set<String> required = new LinkedHashSet<>();
		if (schema.has("required")) {
			SchemaDocument
				.expect(schema, "required", pointer,
						(node) -> node.isArray() && node.valueStream().allMatch(JsonNode::isString), "a list of names")
				.valueStream()
				.forEach((name) -> required.add(name.stringValue()));
		}
		SortedSet<String> names = new TreeSet<>();
		if (schema.has("propertyNames")) {
			names = one(pointer + "/propertyNames");
		}
		boolean declares = !properties.isEmpty() || !patterns.isEmpty() || !others.isEmpty();
		return new Shape.Obj(declares ? List.of(new Shape.Side(properties, patterns, others)) : List.of(), required,
				SchemaDocument.count(schema, "minProperties", pointer, 0),
				SchemaDocument.count(schema, "maxProperties", pointer, Expr.UNBOUNDED), names);
	}

	private TextAutomaton automaton(List<Regex> regexes, String pointer) {
		try {
			return TextAutomaton.of(regexes, false, 0, Expr.UNBOUNDED);
		}
		catch (GrammarException ex) {
			throw new UnsupportedSchemaException(pointer, "patternProperties",
					"has an expression in which " + ex.getMessage(), "Use a simpler one.");
		}
	}

}
