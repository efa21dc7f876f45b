package io.github.flashspring.engine.generate.grammar;

import java.util.List;

import io.github.flashspring.engine.text.ToolDefinition;

/**
 * Tools that may be called in a turn.
 *
 * @param tools the tools, at least one
 * @param required whether one must be called
 * @param parallel whether several calls may be made
 */
public record Calls(List<ToolDefinition> tools, boolean required, boolean parallel) {

	public Calls {
		tools = List.copyOf(tools);
		if (tools.isEmpty()) {
			throw new IllegalArgumentException("Calls need at least one tool");
		}
	}

}
