package io.github.flashspring.engine;

import java.nio.file.Path;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.TensorInfo;

/**
 * What the config and the headers of a checkpoint say; no weights are read.
 *
 * @param architecture {@code model_type} of the config
 * @param parameters number of weights
 * @param bytes size of all tensors
 * @param precision such as {@code BF16} or {@code affine, 4 bits, groups of 64}
 * @param contextLength positions that the model was made for; 0: the config does not say
 */
public record CheckpointFacts(String architecture, long parameters, long bytes, String precision, int contextLength) {

	/**
	 * Reads the facts.
	 * @param folder of the checkpoint
	 * @return the facts
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if files are
	 * missing or wrong
	 */
	public static CheckpointFacts of(Path folder) {
		Checkpoint checkpoint = Checkpoint.open(folder);
		ModelConfig config = checkpoint.config();
		return new CheckpointFacts(config.modelType(), Precision.parameters(checkpoint),
				checkpoint.tensors().values().stream().mapToLong(TensorInfo::byteSize).sum(),
				Precision.describe(checkpoint), config.getInt("max_position_embeddings", 0));
	}

}
