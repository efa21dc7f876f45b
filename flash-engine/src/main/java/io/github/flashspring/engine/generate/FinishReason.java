package io.github.flashspring.engine.generate;

/**
 * Why a generation ended.
 */
public enum FinishReason {

	/** The model ended its turn, or a stop sequence appeared. */
	STOP,
	/** The allowed number of tokens, or the context length, was reached. */
	LENGTH,
	/** The model ended its turn with calls of tools. */
	TOOL_CALLS,
	/** The caller cancelled. */
	CANCELLED

}
