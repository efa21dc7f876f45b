package io.github.flashspring.engine.text;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** An object or array of JSON that is not complete. */
final class OpenContainer {

	private final JsonNode node;

	private final char close;

	private String key = "";

	OpenContainer(JsonNode node, char close) {
		this.node = node;
		this.close = close;
	}

	JsonNode node() {
		return this.node;
	}

	char close() {
		return this.close;
	}

	String key() {
		return this.key;
	}

	void key(String name) {
		this.key = name;
	}

	/** Adds a value; a second one of the same name must be equal. */
	boolean add(JsonNode value) {
		if (this.node instanceof ArrayNode array) {
			array.add(value);
			return true;
		}
		ObjectNode object = (ObjectNode) this.node;
		JsonNode before = object.get(this.key);
		object.set(this.key, value);
		return before == null || before.equals(value);
	}

}
