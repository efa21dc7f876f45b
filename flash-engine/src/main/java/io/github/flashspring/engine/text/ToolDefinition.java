package io.github.flashspring.engine.text;

import java.util.Objects;

/**
 * A tool that the model may ask for.
 *
 * @param name what the model calls it by
 * @param description what it does, for the model to read; may be empty
 * @param parametersJsonSchema JSON schema of its arguments, the text of one JSON object;
 * empty text stands for a tool without parameters
 */
public record ToolDefinition(String name, String description, String parametersJsonSchema) {

	public ToolDefinition {
		Objects.requireNonNull(name, "name");
		Objects.requireNonNull(description, "description");
		Objects.requireNonNull(parametersJsonSchema, "parametersJsonSchema");
	}

}
