package io.github.flashspring.engine;

import java.nio.file.Files;
import java.nio.file.Path;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.generate.Sampling;

/**
 * What a checkpoint says about generating with it.
 *
 * @param sampling how tokens are chosen
 */
record GenerationSettings(Sampling sampling) {

	private static final Logger logger = LoggerFactory.getLogger(GenerationSettings.class);

	static GenerationSettings of(Checkpoint checkpoint) {
		Path file = checkpoint.folder().resolve("generation_config.json");
		if (!Files.exists(file)) {
			return new GenerationSettings(Sampling.GREEDY);
		}
		ModelConfig config = ModelConfig.read(file);
		float temperature = samples(config) ? number(config, "temperature", 1, 0, 100) : 0;
		float topP = number(config, "top_p", 1, 0, 1);
		// -1 and 0 both stand for all tokens, as in vLLM and transformers
		int topK = (int) number(config, "top_k", 0, -1, Integer.MAX_VALUE);
		// with 0, the most likely token alone is left
		boolean greedy = topP == 0;
		return new GenerationSettings(
				new Sampling(number(config, "repetition_penalty", 1, Float.MIN_VALUE, 100), 0, 0, temperature,
						greedy ? 1 : Math.max(topK, 0), greedy ? 1 : topP, number(config, "min_p", 0, 0, 1), null));
	}

	private static boolean samples(ModelConfig config) {
		try {
			return config.getBoolean("do_sample", false);
		}
		catch (CheckpointException ex) {
			logger.warn("{} It counts as false.", ex.description());
			return false;
		}
	}

	/**
	 * A suggestion for sampling. One that makes no sense is no reason to refuse the
	 * weights, and a request can set its own.
	 */
	private static float number(ModelConfig config, String name, float otherwise, float least, float most) {
		try {
			float value = config.getFloat(name, otherwise);
			if (value >= least && value <= most) {
				return value;
			}
			logger.warn("{}: {} is {}, expected {} to {}. {} is used instead.", config.file(), name, value, least, most,
					otherwise);
		}
		catch (CheckpointException ex) {
			logger.warn("{} {} is used instead.", ex.description(), otherwise);
		}
		return otherwise;
	}

}
