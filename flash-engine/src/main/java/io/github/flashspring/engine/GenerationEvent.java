package io.github.flashspring.engine;

import io.github.flashspring.engine.generate.FinishReason;
import io.github.flashspring.engine.text.ToolCall;

/**
 * A step of a {@link Generation}. Texts are never empty and never contain half a
 * character; {@link Finished} comes last, once.
 */
public sealed interface GenerationEvent {

	/**
	 * A piece of the answer.
	 *
	 * @param text continues the pieces before it
	 */
	record Text(String text) implements GenerationEvent {

	}

	/**
	 * A piece of what the model thinks before it answers.
	 *
	 * @param text continues the pieces before it
	 */
	record Reasoning(String text) implements GenerationEvent {

	}

	/**
	 * The model wants a tool to be called; complete, never a part of a call.
	 *
	 * @param call name and arguments
	 */
	record ToolCalled(ToolCall call) implements GenerationEvent {

	}

	/**
	 * The end.
	 *
	 * @param reason why
	 * @param usage what it took
	 * @param tokens the generated token ids, without the end-of-turn token
	 */
	record Finished(FinishReason reason, Usage usage, int[] tokens) implements GenerationEvent {

	}

}
