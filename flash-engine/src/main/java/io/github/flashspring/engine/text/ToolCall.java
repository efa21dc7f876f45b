package io.github.flashspring.engine.text;

import java.util.Objects;

/**
 * A model's wish to have a tool run: complete, never in pieces.
 *
 * @param id names this call in the answer to it, never empty
 * @param name the tool's name as the model wrote it
 * @param argumentsJson the arguments, the text of one JSON object
 */
public record ToolCall(String id, String name, String argumentsJson) {

	public ToolCall {
		Objects.requireNonNull(id, "id");
		Objects.requireNonNull(name, "name");
		Objects.requireNonNull(argumentsJson, "argumentsJson");
	}

}
