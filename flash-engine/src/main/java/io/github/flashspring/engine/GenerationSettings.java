package io.github.flashspring.engine;

import java.nio.file.Files;
import java.nio.file.Path;

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

	static GenerationSettings of(Checkpoint checkpoint) {
		Path file = checkpoint.folder().resolve("generation_config.json");
		if (!Files.exists(file)) {
			return new GenerationSettings(Sampling.GREEDY);
		}
		ModelConfig config = ModelConfig.read(file);
		float temperature = config.getBoolean("do_sample", false) ? config.getFloat("temperature", 1) : 0;
		try {
			return new GenerationSettings(new Sampling(config.getFloat("repetition_penalty", 1), 0, 0, temperature,
					config.getInt("top_k", 0), config.getFloat("top_p", 1), config.getFloat("min_p", 0), null));
		}
		catch (IllegalArgumentException ex) {
			throw new CheckpointException(file + ": " + ex.getMessage() + ".", "Correct the file or download it again.",
					ex);
		}
	}

}
