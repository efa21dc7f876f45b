package io.github.flashspring.engine.text;

import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Makes tool calls of what stands in an answer: checks that it can only mean one call,
 * and gives arguments the types of the tool's schema.
 */
final class ToolCallReader {

	/** Keys of an object that is a call, next to name and arguments. */
	private static final Set<String> CALL_KEYS = Set.of("name", "tool_name", "type", "function", "id", "tool_call_id",
			"index", "parameters", "arguments");

	/** Schemas may refer to themselves. */
	private static final int MAX_DEPTH = 32;

	private final Map<String, JsonNode> schemas = new HashMap<>();

	private final Supplier<String> ids;

	private final Set<String> usedIds = new HashSet<>();

	/**
	 * A reader.
	 * @param tools tools that were given to the model
	 * @param ids makes ids for calls that the model does not name
	 */
	ToolCallReader(Iterable<ToolDefinition> tools, Supplier<String> ids) {
		this.ids = ids;
		for (ToolDefinition tool : tools) {
			this.schemas.put(tool.name(), schema(tool.parametersJsonSchema()));
		}
	}

	private static JsonNode schema(String json) {
		try {
			return ModelFiles.JSON.readTree(json);
		}
		catch (JacksonException ex) {
			// a schema that cannot be read says nothing about types
			return ModelFiles.JSON.createObjectNode();
		}
	}

	boolean knows(String tool) {
		return this.schemas.containsKey(tool);
	}

	/**
	 * Whether a text is the beginning of a known tool's name, or all of it.
	 * @param beginning the text
	 * @return whether a tool's name begins so
	 */
	boolean knowsBeginning(String beginning) {
		return this.schemas.keySet().stream().anyMatch((name) -> name.startsWith(beginning));
	}

	/**
	 * Whether a tool has a parameter.
	 * @param tool the tool's name
	 * @param parameter the parameter's name
	 * @return true or false, null if the tool's schema names no parameters
	 */
	@Nullable Boolean hasParameter(String tool, String parameter) {
		JsonNode properties = properties(tool);
		return properties.isEmpty() ? null : properties.has(parameter);
	}

	/**
	 * The only parameter that a value without name can be for.
	 * @param tool the tool's name
	 * @return the only parameter or the only required one, null if there are several
	 */
	@Nullable String onlyParameter(String tool) {
		JsonNode properties = properties(tool);
		if (properties.size() == 1) {
			return properties.propertyNames().iterator().next();
		}
		JsonNode required = schemaOf(tool).path("required");
		return (required.isArray() && required.size() == 1) ? required.get(0).stringValue(null) : null;
	}

	/**
	 * The types of a tool's parameter.
	 * @param tool the tool's name
	 * @param parameter the parameter's name
	 * @return the types that the schema allows; empty if it does not say
	 */
	Set<String> types(String tool, String parameter) {
		Set<String> types = new LinkedHashSet<>();
		collectTypes(properties(tool).path(parameter), schemaOf(tool), types, 0);
		return types;
	}

	private JsonNode properties(String tool) {
		return schemaOf(tool).path("properties");
	}

	private JsonNode schemaOf(String tool) {
		JsonNode schema = this.schemas.get(tool);
		return (schema != null) ? schema : ModelFiles.JSON.missingNode();
	}

	/**
	 * A call.
	 * @param name the tool's name
	 * @param id the call's id, null if the model gives none
	 * @param arguments its arguments
	 * @return the call, with arguments of the types that the tool's schema asks for
	 */
	ToolCall call(String name, @Nullable String id, ObjectNode arguments) {
		JsonNode schema = schemaOf(name);
		String own = (id != null && !id.isBlank() && this.usedIds.add(id)) ? id : this.ids.get();
		return new ToolCall(own, name, typed(arguments, schema, schema, 0).toString());
	}

	/**
	 * Reads {@code {"name": …, "arguments": {…}}}.
	 * @param node an object
	 * @param mustBeKnown whether the tool must be one of those that were given, and its
	 * arguments be there
	 * @param keyed whether the object may also be {@code {NAME: {…}}}
	 * @return the call, null if the object is something else
	 */
	@Nullable ToolCall object(JsonNode node, boolean mustBeKnown, boolean keyed) {
		if (keyed && node.isObject() && node.size() == 1) {
			String only = node.propertyNames().iterator().next();
			if (knows(only) && node.get(only) instanceof ObjectNode arguments) {
				return call(only, null, arguments);
			}
		}
		JsonNode inner = node.path("function").isObject() ? node.path("function") : node;
		String name = name(inner);
		if (name == null || name.isBlank() || mustBeKnown && !knows(name)) {
			return null;
		}
		boolean both = inner.has("arguments") && inner.has("parameters");
		if (both && !inner.get("arguments").equals(inner.get("parameters"))) {
			return null;
		}
		JsonNode written = inner.has("arguments") ? inner.get("arguments") : inner.path("parameters");
		if (mustBeKnown && written.isMissingNode() || hasStrayArguments(inner, name, written.isMissingNode())) {
			return null;
		}
		ObjectNode arguments = arguments(written);
		return (arguments != null) ? call(name, node.path("id").stringValue(null), arguments) : null;
	}

	private static @Nullable String name(JsonNode object) {
		for (String key : new String[] { "name", "tool_name", "function" }) {
			String name = object.path(key).stringValue(null);
			if (name != null) {
				return name;
			}
		}
		return null;
	}

	/** Whether arguments stand next to the name: then a bracket is at the wrong place. */
	private boolean hasStrayArguments(JsonNode object, String tool, boolean argumentsMissing) {
		return object.propertyNames()
			.stream()
			.filter((key) -> !CALL_KEYS.contains(key))
			.anyMatch((key) -> argumentsMissing || !knows(tool) || Boolean.TRUE.equals(hasParameter(tool, key)));
	}

	/** Arguments as an object, as the text of one, or missing. */
	private static @Nullable ObjectNode arguments(JsonNode written) {
		if (written.isMissingNode() || written.isNull()) {
			return ModelFiles.JSON.createObjectNode();
		}
		JsonNode node = written;
		if (written.isString()) {
			String text = written.stringValue();
			node = text.isBlank() ? ModelFiles.JSON.createObjectNode() : LenientJson.parse(text);
		}
		return (node instanceof ObjectNode object) ? object : null;
	}

	static boolean isCallKey(String key) {
		return CALL_KEYS.contains(key);
	}

	/**
	 * The value of a parameter that is written without quotes, by its type in the tool's
	 * schema.
	 * @param tool the tool's name
	 * @param parameter the parameter's name
	 * @param text what is written
	 * @param string whether the model says that it is a string, null if it does not say
	 * @return the value
	 */
	JsonNode untyped(String tool, String parameter, String text, @Nullable Boolean string) {
		return untyped(types(tool, parameter), text, string);
	}

	private static JsonNode untyped(Set<String> types, String text, @Nullable Boolean string) {
		JsonNode raw = ModelFiles.JSON.getNodeFactory().stringNode(text);
		boolean stringOnly = types.size() == 1 && types.contains("string");
		if (Boolean.TRUE.equals(string) || string == null && stringOnly) {
			return raw;
		}
		JsonNode parsed = LenientJson.parse(text);
		if (parsed == null || string == null && parsed.isString()) {
			return raw;
		}
		boolean mayBeString = types.contains("string") && string == null;
		return (mayBeString && !isOf(parsed, types)) ? raw : parsed;
	}

	/**
	 * Where the arguments of a tool are described.
	 * @param tool the tool's name
	 * @return the place
	 */
	Place parameters(String tool) {
		return new Place(schemaOf(tool), schemaOf(tool));
	}

	/**
	 * Converts what has another type than the schema wants, where that means one value.
	 */
	private static JsonNode typed(JsonNode value, JsonNode schema, JsonNode root, int depth) {
		JsonNode known = resolve(schema, root);
		Set<String> types = new LinkedHashSet<>();
		collectTypes(known, root, types, 0);
		JsonNode typed = value;
		if (!types.isEmpty() && !isOf(value, types)) {
			typed = converted(value, types);
		}
		if (depth == MAX_DEPTH) {
			return typed;
		}
		if (typed instanceof ObjectNode object) {
			JsonNode properties = known.path("properties");
			for (String name : Set.copyOf(object.propertyNames())) {
				if (properties.has(name)) {
					object.replace(name, typed(object.get(name), properties.get(name), root, depth + 1));
				}
			}
		}
		else if (typed instanceof ArrayNode array && known.path("items").isObject()) {
			for (int i = 0; i < array.size(); i++) {
				array.set(i, typed(array.get(i), known.get("items"), root, depth + 1));
			}
		}
		return typed;
	}

	private static JsonNode converted(JsonNode value, Set<String> types) {
		if (value.isString()) {
			JsonNode parsed = LenientJson.parse(value.stringValue());
			return (parsed != null && !parsed.isString() && isOf(parsed, types)) ? parsed : value;
		}
		boolean scalar = value.isNumber() || value.isBoolean();
		return (scalar && types.contains("string")) ? ModelFiles.JSON.getNodeFactory().stringNode(value.toString())
				: value;
	}

	private static boolean isOf(JsonNode value, Set<String> types) {
		return switch (value.getNodeType()) {
			case STRING -> types.contains("string");
			case NUMBER -> types.contains("number") || types.contains("integer")
					&& (value.isIntegralNumber() || value.decimalValue().stripTrailingZeros().scale() <= 0);
			case BOOLEAN -> types.contains("boolean");
			case NULL -> types.contains("null");
			case OBJECT -> types.contains("object");
			case ARRAY -> types.contains("array");
			default -> false;
		};
	}

	/** The types that a schema allows; none: it does not say. */
	private static void collectTypes(JsonNode schema, JsonNode root, Set<String> types, int depth) {
		JsonNode known = resolve(schema, root);
		if (depth == MAX_DEPTH || !known.isObject()) {
			return;
		}
		JsonNode type = known.path("type");
		if (type.isString()) {
			types.add(type.stringValue());
		}
		type.values().forEach((each) -> types.add(each.stringValue("")));
		for (String key : new String[] { "anyOf", "oneOf", "allOf" }) {
			known.path(key).values().forEach((each) -> collectTypes(each, root, types, depth + 1));
		}
		if (types.isEmpty()) {
			known.path("enum").values().forEach((each) -> types.add(typeOf(each)));
			if (known.has("const")) {
				types.add(typeOf(known.get("const")));
			}
		}
		if (known.path("nullable").booleanValue(false) && !types.isEmpty()) {
			types.add("null");
		}
	}

	private static String typeOf(JsonNode value) {
		return switch (value.getNodeType()) {
			case NUMBER -> value.isIntegralNumber() ? "integer" : "number";
			default -> value.getNodeType().name().toLowerCase(Locale.ROOT);
		};
	}

	/** Follows references within the schema. */
	private static JsonNode resolve(JsonNode schema, JsonNode root) {
		JsonNode known = schema;
		for (int i = 0; i < MAX_DEPTH && known.path("$ref").isString(); i++) {
			String reference = known.path("$ref").stringValue();
			try {
				known = reference.startsWith("#/") ? root.at(reference.substring(1)) : ModelFiles.JSON.missingNode();
			}
			catch (IllegalArgumentException ex) {
				// no pointer: the schema says nothing about this type
				return ModelFiles.JSON.missingNode();
			}
		}
		return known;
	}

	/**
	 * A part of a tool's schema.
	 *
	 * @param schema what it says; missing: nothing
	 * @param root all of it
	 */
	record Place(JsonNode schema, JsonNode root) {

		Place property(String name) {
			JsonNode known = resolve(this.schema, this.root);
			JsonNode declared = known.path("properties").path(name);
			return new Place(declared.isMissingNode() ? known.path("additionalProperties") : declared, this.root);
		}

		Place item() {
			return new Place(resolve(this.schema, this.root).path("items"), this.root);
		}

		/** Whether values are objects and no arrays. */
		boolean isObject() {
			Set<String> types = types();
			return types.contains("object") && !types.contains("array");
		}

		/**
		 * The value of a text, by its type.
		 * @param text what is written
		 * @return the value
		 */
		JsonNode value(String text) {
			Set<String> types = types();
			if (text.isBlank() && types.equals(Set.of("array"))) {
				return ModelFiles.JSON.createArrayNode();
			}
			if (text.isBlank() && types.equals(Set.of("object"))) {
				return ModelFiles.JSON.createObjectNode();
			}
			return untyped(types, text, null);
		}

		private Set<String> types() {
			Set<String> types = new LinkedHashSet<>();
			collectTypes(this.schema, this.root, types, 0);
			return types;
		}

	}

}
