package io.github.flashspring.engine.generate.grammar;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Predicate;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads a JSON Schema (draft 2020-12) as unions of {@link Shape}s: references are
 * followed, {@code allOf} is merged, {@code anyOf} distributed. Keywords that are not
 * enforced are refused, or ignored and noted.
 *
 * @see <a href=
 * "https://json-schema.org/draft/2020-12/json-schema-validation">Validation</a>
 */
final class SchemaReader {

	static final int MAX_CHARACTERS = 4 << 20;

	private static final int MAX_NESTING = 200;

	/** References and combinations that lead to a value. */
	private static final int MAX_OPEN = 200;

	private static final int MAX_SHAPES = 100_000;

	/** Shapes of all schemas together, each counted whenever it is merged. */
	private static final int MAX_WORK = 4_000_000;

	/** Merging two objects takes as long as merging so many other shapes. */
	private static final int OBJECT_WORK = 100;

	private static final JsonMapper JSON = JsonMapper
		.builder(JsonFactory.builder()
			.streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(MAX_NESTING).build())
			.enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
			.build())
		.enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
		.enable(DeserializationFeature.USE_BIG_INTEGER_FOR_INTS)
		.enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
		.build();

	private static final String SUPPORTED = "Supported are type, enum, const, properties, required, additionalProperties,"
			+ " patternProperties, propertyNames, items, prefixItems, minItems, maxItems, minLength, maxLength, pattern, format,"
			+ " minimum, maximum, exclusiveMinimum, exclusiveMaximum, anyOf, allOf, oneOf of disjoint schemas, and $ref within"
			+ " the schema. Leave the keyword out, or set the schema mode to lenient, which ignores it.";

	private static final Set<String> REFUSED = Set.of("not", "if", "then", "else", "dependentRequired",
			"dependentSchemas", "dependencies", "contains", "minContains", "maxContains", "unevaluatedProperties",
			"unevaluatedItems", "$dynamicRef", "$recursiveRef", "additionalItems");

	private final JsonNode root;

	private final boolean strict;

	private final Map<SortedSet<String>, List<Shape>> known = new HashMap<>();

	private final Map<Set<String>, TextAutomaton> matchers = new HashMap<>();

	private final Set<String> ignored = new LinkedHashSet<>();

	private @Nullable Map<String, String> anchors;

	private int work;

	SchemaReader(String schema, boolean strict) {
		if (schema.length() > MAX_CHARACTERS) {
			throw new GrammarException("The JSON Schema has %d characters, expected at most %d"
				.formatted(schema.length(), MAX_CHARACTERS));
		}
		try {
			this.root = JSON.readTree(schema);
		}
		catch (JacksonException ex) {
			throw new GrammarException("The JSON Schema is not valid JSON: " + ex.getOriginalMessage());
		}
		this.strict = strict;
	}

	/** Keywords that are not enforced, as pointers. */
	Set<String> ignored() {
		return this.ignored;
	}

	/**
	 * The shapes of values that satisfy schemas.
	 * @param pointers where the schemas are; all of them hold
	 * @return a union
	 */
	List<Shape> shapes(SortedSet<String> pointers) {
		List<Shape> shapes = this.known.get(pointers);
		if (shapes == null) {
			shapes = anything();
			for (String pointer : pointers) {
				shapes = and(shapes, shapes(pointer, new HashSet<>(), pointer), pointer);
			}
			this.known.put(pointers, shapes);
		}
		return shapes;
	}

	private static List<Shape> anything() {
		return List.of(new Shape.Null(), new Shape.Bool(), new Shape.Num(NumberRange.ALL), Shape.Str.ANY, Shape.Arr.ANY,
				Shape.Obj.ANY);
	}

	private List<Shape> shapes(String pointer, Set<String> open, String from) {
		if (open.size() > MAX_OPEN) {
			throw new UnsupportedSchemaException(from, last(from),
					"leads through more than " + MAX_OPEN + " schemas to a value", "Refer to it directly.");
		}
		if (!open.add(pointer)) {
			throw new UnsupportedSchemaException(from, "$ref", "refers to itself with no value in between", SUPPORTED);
		}
		JsonNode schema = at(pointer);
		if (schema.isBoolean()) {
			open.remove(pointer);
			return schema.booleanValue() ? anything() : List.of();
		}
		if (!schema.isObject()) {
			throw new UnsupportedSchemaException(pointer, last(pointer), "is " + shortened(schema) + ", no schema",
					"Expected an object, true or false.");
		}
		refuse(schema, pointer);
		List<Shape> shapes = typed(schema, pointer);
		if (schema.has("const")) {
			shapes = consts(List.of(schema.get("const")), shapes);
		}
		if (schema.has("enum")) {
			JsonNode values = expect(schema, "enum", pointer, JsonNode::isArray, "a list");
			shapes = consts(values.valueStream().toList(), shapes);
		}
		if (schema.has("$ref")) {
			String target = target(schema, pointer);
			shapes = and(shapes, shapes(target, open, pointer + "/$ref"), pointer + "/$ref");
		}
		for (String keyword : List.of("allOf", "anyOf", "oneOf")) {
			if (schema.has(keyword)) {
				JsonNode parts = expect(schema, keyword, pointer, (node) -> node.isArray() && !node.isEmpty(),
						"a list of schemas");
				String place = pointer + "/" + keyword;
				List<List<Shape>> each = new ArrayList<>();
				for (int i = 0; i < parts.size(); i++) {
					each.add(shapes(place + "/" + i, open, place + "/" + i));
				}
				shapes = combine(keyword, place, shapes, each);
			}
		}
		open.remove(pointer);
		return shapes;
	}

	private List<Shape> combine(String keyword, String place, List<Shape> shapes, List<List<Shape>> parts) {
		if (keyword.equals("allOf")) {
			List<Shape> all = shapes;
			for (List<Shape> part : parts) {
				all = and(all, part, place);
			}
			return all;
		}
		List<List<Shape>> choices = new ArrayList<>();
		parts.forEach((part) -> choices.add(and(shapes, part, place)));
		if (keyword.equals("oneOf") && !areDisjoint(choices)) {
			unsupported(place, keyword, "has schemas that the same value may satisfy");
		}
		List<Shape> union = choices.stream().flatMap(List::stream).toList();
		bound(union.size(), place);
		return union;
	}

	private void refuse(JsonNode schema, String pointer) {
		for (String keyword : schema.propertyNames()) {
			if (REFUSED.contains(keyword)) {
				unsupported(pointer + "/" + keyword, keyword, "is not supported");
			}
		}
		if (schema.path("uniqueItems").asBoolean(false)) {
			unsupported(pointer + "/uniqueItems", "uniqueItems", "is not supported");
		}
		if (!pointer.isEmpty() && schema.has("$id")) {
			unsupported(pointer + "/$id", "$id", "within the schema is not supported");
		}
	}

	private void unsupported(String pointer, String keyword, String problem) {
		if (this.strict) {
			throw new UnsupportedSchemaException(pointer, keyword, problem, SUPPORTED);
		}
		this.ignored.add(pointer);
	}

	private static JsonNode expect(JsonNode schema, String keyword, String pointer, Predicate<JsonNode> test,
			String expected) {
		JsonNode value = schema.get(keyword);
		if (!test.test(value)) {
			throw new UnsupportedSchemaException(pointer + "/" + keyword, keyword, "is " + shortened(value),
					"Expected " + expected + ".");
		}
		return value;
	}

	private static String shortened(JsonNode value) {
		String text = value.toString();
		return (text.length() > 60) ? text.substring(0, 60) + "…" : text;
	}

	private static int count(JsonNode schema, String keyword, String pointer, int otherwise) {
		if (!schema.has(keyword)) {
			return otherwise;
		}
		JsonNode value = expect(schema, keyword, pointer, (node) -> node.isNumber() && node.decimalValue().signum() >= 0
				&& node.decimalValue().stripTrailingZeros().scale() <= 0, "a whole number of 0 or more");
		return value.decimalValue().min(BigDecimal.valueOf(Expr.UNBOUNDED)).intValue();
	}

	private List<Shape> typed(JsonNode schema, String pointer) {
		Set<String> types = new LinkedHashSet<>();
		if (schema.has("type")) {
			JsonNode type = expect(schema, "type", pointer,
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
				BigDecimal bound = expect(schema, keyword, pointer, SchemaReader::isBound,
						"a number of at most " + NumberRange.MAX_DIGITS + " digits")
					.decimalValue();
				boolean exclusive = keyword.startsWith("exclusive");
				boolean min = keyword.endsWith("inimum");
				range = range.and(new NumberRange(min ? bound : null, min && exclusive, min ? null : bound,
						!min && exclusive, NumberRange.FRACTION));
			}
		}
		if (schema.has("multipleOf")) {
			BigDecimal factor = expect(schema, "multipleOf", pointer,
					(node) -> isBound(node) && node.decimalValue().signum() > 0, "a number above 0")
				.decimalValue()
				.stripTrailingZeros();
			boolean power = factor.unscaledValue().equals(BigInteger.ONE) && factor.scale() >= 0;
			if (!power && !(integer && dividesIntegers(factor))) {
				unsupported(pointer + "/multipleOf", "multipleOf",
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
			String source = expect(schema, "pattern", pointer, JsonNode::isString, "a regular expression")
				.stringValue();
			regex(source, pointer + "/pattern", "pattern").ifPresent((regex) -> patterns.put(source, regex));
		}
		if (schema.has("format")) {
			String format = expect(schema, "format", pointer, JsonNode::isString, "a name").stringValue();
			Regex regex = Formats.pattern(format);
			if (regex != null) {
				patterns.put("format " + format, regex);
			}
			else if (!Formats.NUMBERS.contains(format)) {
				if (this.strict) {
					throw new UnsupportedSchemaException(pointer + "/format", "format",
							"is '" + format + "', which is not supported", "Supported are " + Formats.supported()
									+ ". Use pattern instead, or set the schema mode to lenient, which ignores it.");
				}
				this.ignored.add(pointer + "/format");
			}
		}
		return new Shape.Str(patterns, count(schema, "minLength", pointer, 0),
				count(schema, "maxLength", pointer, Expr.UNBOUNDED));
	}

	private Optional<Regex> regex(String source, String pointer, String keyword) {
		try {
			return Optional.of(PatternParser.parse(source));
		}
		catch (GrammarException ex) {
			unsupported(pointer, keyword,
					"is the expression '" + shortened(JSON.valueToTree(source)) + "', in which " + ex.getMessage());
			return Optional.empty();
		}
	}

	private Shape array(JsonNode schema, String pointer) {
		List<SortedSet<String>> prefix = new ArrayList<>();
		if (schema.has("prefixItems")) {
			JsonNode parts = expect(schema, "prefixItems", pointer, JsonNode::isArray, "a list of schemas");
			for (int i = 0; i < parts.size(); i++) {
				prefix.add(one(pointer + "/prefixItems/" + i));
			}
		}
		SortedSet<String> items = new TreeSet<>();
		if (schema.has("items")) {
			expect(schema, "items", pointer, (node) -> node.isObject() || node.isBoolean(),
					"a schema; a list of schemas is called prefixItems since draft 2020-12");
			items = one(pointer + "/items");
		}
		return new Shape.Arr(prefix, items, count(schema, "minItems", pointer, 0),
				count(schema, "maxItems", pointer, Expr.UNBOUNDED));
	}

	private static SortedSet<String> one(String pointer) {
		return new TreeSet<>(Set.of(pointer));
	}

	private Shape object(JsonNode schema, String pointer) {
		Map<String, SortedSet<String>> properties = new LinkedHashMap<>();
		if (schema.has("properties")) {
			expect(schema, "properties", pointer, JsonNode::isObject, "an object of schemas").propertyNames()
				.forEach((name) -> properties.put(name, one(pointer + "/properties/" + escaped(name))));
		}
		List<Shape.PatternProperty> patterns = new ArrayList<>();
		if (schema.has("patternProperties")) {
			for (String source : expect(schema, "patternProperties", pointer, JsonNode::isObject,
					"an object of schemas")
				.propertyNames()) {
				String place = pointer + "/patternProperties/" + escaped(source);
				regex(source, place, "patternProperties").ifPresent((regex) -> patterns
					.add(new Shape.PatternProperty(regex, automaton(List.of(regex), place), one(place))));
			}
		}
		SortedSet<String> others = new TreeSet<>();
		if (schema.has("additionalProperties")) {
			expect(schema, "additionalProperties", pointer, (node) -> node.isObject() || node.isBoolean(), "a schema");
			others = one(pointer + "/additionalProperties");
		}
		Set<String> required = new LinkedHashSet<>();
		if (schema.has("required")) {
			expect(schema, "required", pointer,
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
				count(schema, "minProperties", pointer, 0), count(schema, "maxProperties", pointer, Expr.UNBOUNDED),
				names);
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

	private List<Shape> consts(List<JsonNode> values, List<Shape> within) {
		List<Shape> shapes = new ArrayList<>();
		Set<Object> seen = new HashSet<>();
		for (JsonNode value : values) {
			if (accepts(within, value) && seen.add(canonical(value))) {
				shapes.add(new Shape.Const(value));
			}
		}
		return shapes;
	}

	/** Equal for equal values: 1 and 1.0 are one number, and properties have no order. */
	static Object canonical(JsonNode value) {
		if (value.isNumber()) {
			return value.decimalValue().stripTrailingZeros();
		}
		if (value.isArray()) {
			return value.valueStream().map(SchemaReader::canonical).toList();
		}
		if (value.isObject()) {
			Map<String, Object> map = new HashMap<>();
			value.propertyStream().forEach((property) -> map.put(property.getKey(), canonical(property.getValue())));
			return map;
		}
		return value.isString() ? value.stringValue() : value;
	}

	/** Whether a value satisfies one of the shapes. */
	boolean accepts(List<Shape> shapes, JsonNode value) {
		return shapes.stream().anyMatch((shape) -> accepts(shape, value));
	}

	private boolean accepts(Shape shape, JsonNode value) {
		return switch (shape) {
			case Shape.Null _ -> value.isNull();
			case Shape.Bool _ -> value.isBoolean();
			case Shape.Const constant -> canonical(constant.value()).equals(canonical(value));
			case Shape.Num number -> value.isNumber() && number.range().contains(value.decimalValue());
			case Shape.Str string -> value.isString() && accepts(string, value.stringValue());
			case Shape.Arr array -> {
				boolean fits = value.isArray() && value.size() >= array.min() && value.size() <= array.max();
				for (int i = 0; fits && i < value.size(); i++) {
					fits = accepts(shapes(array.item(i)), value.get(i));
				}
				yield fits;
			}
			case Shape.Obj object -> value.isObject() && value.size() >= object.min() && value.size() <= object.max()
					&& object.required().stream().allMatch(value::has)
					&& value.propertyStream()
						.allMatch((property) -> accepts(shapes(object.property(property.getKey())), property.getValue())
								&& accepts(shapes(object.names()), JSON.valueToTree(property.getKey())));
		};
	}

	private boolean accepts(Shape.Str string, String text) {
		int length = text.codePointCount(0, text.length());
		return length >= string.min() && length <= string.max()
				&& (string.patterns().isEmpty()
						|| this.matchers
							.computeIfAbsent(string.patterns().keySet(),
									(_) -> TextAutomaton.of(List.copyOf(string.patterns().values()), true, 0,
											Expr.UNBOUNDED))
							.label(text) == 1);
	}

	private List<Shape> and(List<Shape> left, List<Shape> right, String pointer) {
		List<Shape> both = new ArrayList<>();
		// Constants count once, however many shapes have them. Sets of shapes would be
		// slow:
		// the hash codes of objects that require different names are often equal.
		Set<Shape> constants = Collections.newSetFromMap(new IdentityHashMap<>());
		for (Shape a : left) {
			for (Shape b : right) {
				this.work += (a instanceof Shape.Obj && b instanceof Shape.Obj) ? OBJECT_WORK : 1;
				and(a, b).filter((shape) -> !(shape instanceof Shape.Const) || constants.add(shape))
					.ifPresent(both::add);
			}
			bound(both.size(), pointer);
		}
		return both;
	}

	private void bound(int shapes, String pointer) {
		if (shapes > MAX_SHAPES || this.work > MAX_WORK) {
			throw new UnsupportedSchemaException(pointer, last(pointer),
					"has too many alternatives once they are combined",
					"Use fewer alternatives in anyOf, oneOf and enum that hold together.");
		}
	}

	private Optional<Shape> and(Shape left, Shape right) {
		if (left instanceof Shape.Const constant) {
			return accepts(right, constant.value()) ? Optional.of(left) : Optional.empty();
		}
		if (right instanceof Shape.Const constant) {
			return accepts(left, constant.value()) ? Optional.of(right) : Optional.empty();
		}
		if (left.equals(right)) {
			return Optional.of(left);
		}
		if (left instanceof Shape.Num a && right instanceof Shape.Num b) {
			return Optional.of(new Shape.Num(a.range().and(b.range())));
		}
		if (left instanceof Shape.Str a && right instanceof Shape.Str b) {
			Map<String, Regex> patterns = new LinkedHashMap<>(a.patterns());
			patterns.putAll(b.patterns());
			return Optional.of(new Shape.Str(patterns, Math.max(a.min(), b.min()), Math.min(a.max(), b.max())));
		}
		if (left instanceof Shape.Arr a && right instanceof Shape.Arr b) {
			List<SortedSet<String>> prefix = new ArrayList<>();
			for (int i = 0; i < Math.max(a.prefix().size(), b.prefix().size()); i++) {
				prefix.add(or(a.item(i), b.item(i)));
			}
			return Optional.of(new Shape.Arr(prefix, or(a.items(), b.items()), Math.max(a.min(), b.min()),
					Math.min(a.max(), b.max())));
		}
		if (left instanceof Shape.Obj a && right instanceof Shape.Obj b) {
			List<Shape.Side> sides = new ArrayList<>(a.sides());
			b.sides().stream().filter((side) -> !a.sides().contains(side)).forEach(sides::add);
			Set<String> required = new LinkedHashSet<>(a.required());
			required.addAll(b.required());
			return Optional.of(new Shape.Obj(sides, required, Math.max(a.min(), b.min()), Math.min(a.max(), b.max()),
					or(a.names(), b.names())));
		}
		return Optional.empty();
	}

	private static SortedSet<String> or(SortedSet<String> a, SortedSet<String> b) {
		SortedSet<String> both = new TreeSet<>(a);
		both.addAll(b);
		return both;
	}

	/** Whether no value can satisfy two of the choices. */
	private boolean areDisjoint(List<List<Shape>> choices) {
		for (int i = 0; i < choices.size(); i++) {
			for (int j = 0; j < i; j++) {
				if (!areDisjoint(choices.get(i), choices.get(j), 0)) {
					return false;
				}
			}
		}
		return true;
	}

	private boolean areDisjoint(List<Shape> left, List<Shape> right, int depth) {
		this.work += left.size() * right.size();
		bound(0, "/oneOf");
		return left.stream().allMatch((a) -> right.stream().allMatch((b) -> areDisjoint(a, b, depth)));
	}

	private boolean areDisjoint(Shape left, Shape right, int depth) {
		if (left instanceof Shape.Const constant) {
			return !accepts(right, constant.value());
		}
		if (right instanceof Shape.Const constant) {
			return !accepts(left, constant.value());
		}
		if (left instanceof Shape.Num a && right instanceof Shape.Num b) {
			return a.range().isDisjointFrom(b.range());
		}
		if (left instanceof Shape.Str a && right instanceof Shape.Str b) {
			return a.min() > b.max() || b.min() > a.max();
		}
		if (left instanceof Shape.Arr a && right instanceof Shape.Arr b) {
			return a.min() > b.max() || b.min() > a.max();
		}
		if (left instanceof Shape.Obj a && right instanceof Shape.Obj b) {
			Set<String> names = new LinkedHashSet<>(a.required());
			names.addAll(b.required());
			return depth < 8 && names.stream()
				.anyMatch((name) -> areDisjoint(shapes(a.property(name)), shapes(b.property(name)), depth + 1)
						&& (a.required().contains(name) && b.required().contains(name)
								|| shapes(a.property(name)).isEmpty() || shapes(b.property(name)).isEmpty()));
		}
		return !left.getClass().equals(right.getClass());
	}

	private JsonNode at(String pointer) {
		JsonNode node = this.root.at(pointer);
		if (node.isMissingNode()) {
			throw new UnsupportedSchemaException(pointer, last(pointer), "is missing", "Correct the reference to it.");
		}
		return node;
	}

	private String target(JsonNode schema, String pointer) {
		String reference = expect(schema, "$ref", pointer, JsonNode::isString, "a reference").stringValue();
		String id = this.root.path("$id").stringValue("");
		String local = (!id.isEmpty() && reference.startsWith(id)) ? reference.substring(id.length()) : reference;
		if (local.isEmpty() && !reference.isEmpty()) {
			return "";
		}
		if (!local.startsWith("#")) {
			throw new UnsupportedSchemaException(pointer + "/$ref", "$ref", "is '" + reference + "', another document",
					"Put the schema into $defs and refer to it as '#/$defs/name'.");
		}
		String fragment;
		try {
			fragment = URLDecoder.decode(local.substring(1).replace("+", "%2B"), StandardCharsets.UTF_8);
		}
		catch (IllegalArgumentException ex) {
			fragment = local.substring(1);
		}
		String target = (fragment.isEmpty() || fragment.startsWith("/")) ? fragment : anchors().get(fragment);
		if (target == null || this.root.at(target).isMissingNode()) {
			throw new UnsupportedSchemaException(pointer + "/$ref", "$ref",
					"is '" + reference + "', but there is no such schema", "Correct the reference.");
		}
		if (!target.isEmpty() && crossesId(target)) {
			unsupported(pointer + "/$ref", "$ref", "leads into a schema with an $id of its own");
		}
		return target;
	}

	private boolean crossesId(String target) {
		int end = target.indexOf('/', 1);
		while (end > 0) {
			if (this.root.at(target.substring(0, end)).has("$id")) {
				return true;
			}
			end = target.indexOf('/', end + 1);
		}
		return false;
	}

	private Map<String, String> anchors() {
		Map<String, String> found = this.anchors;
		if (found == null) {
			found = new HashMap<>();
			collectAnchors(this.root, "", found);
			this.anchors = found;
		}
		return found;
	}

	private static void collectAnchors(JsonNode node, String pointer, Map<String, String> to) {
		if (node.isObject()) {
			if (node.path("$anchor").isString()) {
				to.putIfAbsent(node.get("$anchor").stringValue(), pointer);
			}
			node.propertyStream()
				.filter((property) -> !Set.of("enum", "const", "default", "examples").contains(property.getKey()))
				.forEach((property) -> collectAnchors(property.getValue(), pointer + "/" + escaped(property.getKey()),
						to));
		}
		else if (node.isArray()) {
			for (int i = 0; i < node.size(); i++) {
				collectAnchors(node.get(i), pointer + "/" + i, to);
			}
		}
	}

	static String escaped(String name) {
		return name.replace("~", "~0").replace("/", "~1");
	}

	private static String last(String pointer) {
		String name = pointer.substring(pointer.lastIndexOf('/') + 1);
		return name.isEmpty() ? "#" : name;
	}

}
