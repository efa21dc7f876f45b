package io.github.flashspring.engine.generate.grammar;

import java.math.BigDecimal;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
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
 * The document of a JSON Schema: its schemas by pointer, the values of their keywords,
 * and where references lead.
 */
final class SchemaDocument {

	static final int MAX_CHARACTERS = 4 << 20;

	private static final int MAX_NESTING = 200;

	private static final JsonMapper JSON = JsonMapper
		.builder(JsonFactory.builder()
			.streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(MAX_NESTING).build())
			.enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
			.build())
		.enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
		.enable(DeserializationFeature.USE_BIG_INTEGER_FOR_INTS)
		.enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
		.build();

	static final String SUPPORTED = "Supported are type, enum, const, properties, required, additionalProperties,"
			+ " patternProperties, propertyNames, items, prefixItems, minItems, maxItems, minLength, maxLength, pattern, format,"
			+ " minimum, maximum, exclusiveMinimum, exclusiveMaximum, anyOf, allOf, oneOf of disjoint schemas, and $ref within"
			+ " the schema. Leave the keyword out, or set the schema mode to lenient, which ignores it.";

	private final JsonNode root;

	private final boolean strict;

	private final Set<String> ignored = new LinkedHashSet<>();

	private @Nullable Map<String, String> anchors;

	SchemaDocument(String schema, boolean strict) {
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

	JsonNode at(String pointer) {
		JsonNode node = this.root.at(pointer);
		if (node.isMissingNode()) {
			throw new UnsupportedSchemaException(pointer, last(pointer), "is missing", "Correct the reference to it.");
		}
		return node;
	}

	void unsupported(String pointer, String keyword, String problem) {
		unsupported(pointer, keyword, problem, SUPPORTED);
	}

	/**
	 * Refuses a keyword, or ignores it and notes that.
	 * @param pointer where it is
	 * @param keyword its name
	 * @param problem what is wrong with it
	 * @param supported what can be used instead
	 */
	void unsupported(String pointer, String keyword, String problem, String supported) {
		if (this.strict) {
			throw new UnsupportedSchemaException(pointer, keyword, problem, supported);
		}
		this.ignored.add(pointer);
	}

	static JsonNode expect(JsonNode schema, String keyword, String pointer, Predicate<JsonNode> test, String expected) {
		JsonNode value = schema.get(keyword);
		if (!test.test(value)) {
			throw new UnsupportedSchemaException(pointer + "/" + keyword, keyword, "is " + shortened(value),
					"Expected " + expected + ".");
		}
		return value;
	}

	static String shortened(JsonNode value) {
		String text = value.toString();
		return (text.length() > 60) ? text.substring(0, 60) + "…" : text;
	}

	static int count(JsonNode schema, String keyword, String pointer, int otherwise) {
		if (!schema.has(keyword)) {
			return otherwise;
		}
		JsonNode value = expect(schema, keyword, pointer, (node) -> node.isNumber() && node.decimalValue().signum() >= 0
				&& node.decimalValue().stripTrailingZeros().scale() <= 0, "a whole number of 0 or more");
		return value.decimalValue().min(BigDecimal.valueOf(Expr.UNBOUNDED)).intValue();
	}

	String target(JsonNode schema, String pointer) {
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

	static String last(String pointer) {
		String name = pointer.substring(pointer.lastIndexOf('/') + 1);
		return name.isEmpty() ? "#" : name;
	}

}
