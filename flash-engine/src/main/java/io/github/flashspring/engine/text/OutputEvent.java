package io.github.flashspring.engine.text;

/**
 * A piece of what a model says, as {@link OutputParser} tells it.
 */
public sealed interface OutputEvent {

	/**
	 * A piece of the answer.
	 *
	 * @param text continues the pieces before it, never empty
	 */
	record Text(String text) implements OutputEvent {

	}

	/**
	 * A piece of what the model thinks before it answers.
	 *
	 * @param text continues the pieces before it, never empty
	 */
	record Reasoning(String text) implements OutputEvent {

	}

	/**
	 * A tool that the model wants to be called.
	 *
	 * @param call complete name and arguments
	 */
	record ToolCalled(ToolCall call) implements OutputEvent {

	}

}
