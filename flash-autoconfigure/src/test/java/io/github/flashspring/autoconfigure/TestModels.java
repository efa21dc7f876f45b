package io.github.flashspring.autoconfigure;

/**
 * Where the small trained models lie that the engine is tested with.
 */
final class TestModels {

	/** A model of 260 thousand weights that tells stories; it has no chat template. */
	static final String STORIES = "../flash-engine/src/test/resources/models/stories260K/f32";

	/** A model with a configuration but without a tokenizer. */
	static final String WITHOUT_TOKENIZER = "../flash-engine/src/test/resources/golden/llama";

	private TestModels() {
	}

}
