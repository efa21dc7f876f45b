package io.github.flashspring.engine;

import java.util.List;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.text.ToolDefinition;

/**
 * Whether a model calls tools. A call is forced to have the name of a tool and arguments
 * that satisfy its schema where the model's syntax of calls is known.
 *
 * @param use whether it may, must or must not call one
 * @param name the only tool that may be called; null: any
 * @param parallel whether it may make several calls at once
 */
public record ToolChoice(Use use, @Nullable String name, boolean parallel) {

	/** The model decides. */
	public static final ToolChoice AUTO = new ToolChoice(Use.AUTO, null, true);

	/** The model is not given the tools. */
	public static final ToolChoice NONE = new ToolChoice(Use.NONE, null, true);

	/**
	 * The model calls one tool: many models that must call a tool and may go on repeat
	 * the call until nothing is left of the context.
	 */
	public static final ToolChoice REQUIRED = new ToolChoice(Use.REQUIRED, null, false);

	public ToolChoice {
		if (name != null && use != Use.REQUIRED) {
			throw new IllegalArgumentException("A tool that is named is required, but the tool choice is " + use);
		}
	}

	/**
	 * The model calls one tool once.
	 * @param name its name
	 * @return the choice
	 */
	public static ToolChoice named(String name) {
		return new ToolChoice(Use.REQUIRED, name, false);
	}

	/**
	 * The tools that may be called.
	 * @param tools all tools
	 * @return some of them
	 * @throws IllegalArgumentException if one must be called that is not there
	 */
	List<ToolDefinition> callable(List<ToolDefinition> tools) {
		if (this.use == Use.NONE) {
			return List.of();
		}
		List<ToolDefinition> callable = tools.stream()
			.filter((tool) -> this.name == null || tool.name().equals(this.name))
			.toList();
		if (this.use == Use.REQUIRED && callable.isEmpty()) {
			throw new IllegalArgumentException(
					(this.name == null) ? "A call of a tool is required, but there are no tools"
							: "A call of the tool '%s' is required, but there are only %s".formatted(this.name,
									tools.stream().map(ToolDefinition::name).toList()));
		}
		return callable;
	}

	/** Whether tools are called. */
	public enum Use {

		/** The model decides. */
		AUTO,
		/** No tool is called. */
		NONE,
		/** At least one tool is called. */
		REQUIRED

	}

}
