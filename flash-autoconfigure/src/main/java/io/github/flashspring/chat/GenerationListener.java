package io.github.flashspring.chat;

import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.Usage;
import io.github.flashspring.engine.generate.FinishReason;

/**
 * Is told how each generation of a {@link FlashChatModel} ends: exactly one of the
 * methods is called, on the thread that read or cancelled it. Must be quick and throw
 * nothing.
 */
public interface GenerationListener {

	/**
	 * The listener for the generations of one chat model; asked once, when the model is
	 * built.
	 * @param engine the engine of the chat model
	 * @param model name of the chat model
	 * @return the listener; by default this one, for all chat models
	 */
	default GenerationListener forModel(FlashEngine engine, String model) {
		return this;
	}

	/**
	 * The generation was read to its end.
	 * @param reason why it ended
	 * @param usage what it took
	 */
	default void onFinish(FinishReason reason, Usage usage) {
	}

	/**
	 * The generation failed.
	 * @param failure what went wrong
	 */
	default void onFailure(Throwable failure) {
	}

	/**
	 * The reader lost interest before the end.
	 */
	default void onCancel() {
	}

}
