package io.github.flashspring.engine;

import io.github.flashspring.engine.generate.Sampling;

/**
 * What was loaded.
 *
 * @param id what the model is called: the name that is set, its hub id, or the name of
 * its folder; never a path
 * @param architecture {@code model_type} of the config
 * @param parameters number of weights
 * @param bytes size of all tensors
 * @param precision such as {@code BF16} or {@code affine, 4 bits, groups of 64}
 * @param layers number of layers
 * @param vocabularySize number of tokens
 * @param contextLength positions that a sequence may have in this engine
 * @param tokenizer whether the model has a tokenizer; without one it knows token ids only
 * @param chat whether the model has a chat template; one that cannot be used fails
 * requests that need it
 * @param sampling how tokens are chosen unless a request says otherwise: as the model's
 * {@code generation_config.json} says, else greedy
 */
public record ModelInfo(String id, String architecture, long parameters, long bytes, String precision, int layers,
		int vocabularySize, int contextLength, boolean tokenizer, boolean chat, Sampling sampling) {

}
