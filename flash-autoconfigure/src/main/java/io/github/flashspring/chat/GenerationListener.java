package io.github.flashspring.chat;

import io.github.flashspring.engine.Usage;
import io.github.flashspring.engine.generate.FinishReason;

/**
 * Is told how each generation of a {@link FlashChatModel} ends: exactly one of the
 * methods is called, on the thread that read or cancelled it. Must be quick and throw
 * nothing.
 */
public interface GenerationListener {

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
