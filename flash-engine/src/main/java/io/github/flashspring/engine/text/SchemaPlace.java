package io.github.flashspring.engine.text;

import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A part of a tool's schema: the types that values have there, and values converted to
 * them.
 *
 * @param schema what it says; missing: nothing
 * @param root all of it
 */
record SchemaPlace(JsonNode schema, JsonNode root) {

	/** Schemas may refer to themselves. */
	private static final int MAX_DEPTH = 32;

	SchemaPlace property(String name) {
		JsonNode known = resolve(this.schema, this.root);
		JsonNode declared = known.path("properties").path(name);
		return new SchemaPlace(declared.isMissingNode() ? known.path("additionalProperties") : declared, this.root);
	}

	SchemaPlace item() {
		return new SchemaPlace(resolve(this.schema, this.root).path("items"), this.root);
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

	/** The types that the schema allows; none: it does not say. */
	Set<String> types() {
		Set<String> types = new LinkedHashSet<>();
		collectTypes(this.schema, this.root, types, 0);
		return types;
	}

	/**
	 * The value of a text without quotes.
	 * @param types types that the value may have
	 * @param text what is written
	 * @param string whether the model says that it is a string, null if it does not say
	 * @return the value
	 */
	static JsonNode untyped(Set<String> types, String text, @Nullable Boolean string) {
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
	 * Converts what has another type than the schema wants, where that means one value.
	 * @param value a value
	 * @return the value, whose containers are changed
	 */
	JsonNode typed(JsonNode value) {
		return typed(value, this.schema, this.root, 0);
	}

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

}
