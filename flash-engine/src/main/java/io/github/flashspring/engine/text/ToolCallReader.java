package io.github.flashspring.engine.text;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Makes tool calls of what stands in an answer: checks that it can only mean one call,
 * and gives arguments the types of the tool's schema.
 */
final class ToolCallReader {

	/** Keys of an object that is a call, next to name and arguments. */
	private static final Set<String> CALL_KEYS = Set.of("name", "tool_name", "type", "function", "id", "tool_call_id",
			"index", "parameters", "arguments");

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
		return new SchemaPlace(properties(tool).path(parameter), schemaOf(tool)).types();
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
		String own = (id != null && !id.isBlank() && this.usedIds.add(id)) ? id : this.ids.get();
		return new ToolCall(own, name, parameters(name).typed(arguments).toString());
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
		return SchemaPlace.untyped(types(tool, parameter), text, string);
	}

	/**
	 * Where the arguments of a tool are described.
	 * @param tool the tool's name
	 * @return the place
	 */
	SchemaPlace parameters(String tool) {
		return new SchemaPlace(schemaOf(tool), schemaOf(tool));
	}

}
