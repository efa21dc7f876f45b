package io.github.flashspring.engine;

import java.nio.file.Path;
import java.util.Set;

/**
 * The side of a model that faces people: tokenizer, chat template, and how output becomes
 * events.
 */
final class ModelText implements AutoCloseable {

	private final String model;

	private ModelText(String model) {
		this.model = model;
	}

	static ModelText load(String model, Path folder) {
		return new ModelText(model);
	}

	long memoryBytes() {
		return 0;
	}

	boolean isChat() {
		return false;
	}

	Set<Integer> endOfTurnTokens() {
		return Set.of();
	}

	int[] encode(GenerationRequest.Prompt prompt) {
		return switch (prompt) {
			case GenerationRequest.Tokens tokens -> tokens.ids();
			case GenerationRequest.Text text -> throw new FlashEngineException(this.model + " has no tokenizer");
			case GenerationRequest.Chat chat -> throw new FlashEngineException(this.model + " has no tokenizer");
		};
	}

	TextPipeline pipeline(GenerationRequest request) {
		return new TextPipeline();
	}

	@Override
	public void close() {
	}

}
