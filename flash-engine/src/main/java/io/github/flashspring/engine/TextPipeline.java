package io.github.flashspring.engine;

import java.util.List;

/**
 * Turns generated tokens into events.
 */
final class TextPipeline {

	List<GenerationEvent> append(int token) {
		return List.of();
	}

	List<GenerationEvent> flush() {
		return List.of();
	}

	boolean isStopped() {
		return false;
	}

	boolean hasToolCalls() {
		return false;
	}

}
