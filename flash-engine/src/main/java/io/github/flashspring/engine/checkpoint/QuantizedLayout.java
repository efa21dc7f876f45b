package io.github.flashspring.engine.checkpoint;

import java.util.Arrays;
import java.util.Optional;

import static io.github.flashspring.engine.checkpoint.CheckpointException.quote;

/**
 * Holds the quantisation settings of a module against its tensors.
 */
final class QuantizedLayout {

	private static final String ACTION = "Check that config.json belongs to these weights, or convert the model again.";

	private final Checkpoint checkpoint;

	private final QuantizationConfig config;

	QuantizedLayout(Checkpoint checkpoint, QuantizationConfig config) {
		this.checkpoint = checkpoint;
		this.config = config;
	}

	Optional<Quantization> of(String module) {
		Optional<Quantization> override = this.config.override(module);
		boolean scaled = this.checkpoint.has(module + ".scales");
		if (override == null) {
			if (!scaled) {
				requirePlain(module, "it has no scales");
				return Optional.empty();
			}
			Quantization standard = this.config.standard()
				.orElseThrow(() -> failure(module, "has scales, but config.json has no property 'quantization'"));
			return Optional.of(check(module, standard));
		}
		if (override.isEmpty()) {
			if (scaled) {
				throw failure(module, "has scales, but config.json says that it is not quantised");
			}
			requirePlain(module, "config.json says that it is not quantised");
			return override;
		}
		return Optional.of(check(module, override.get()));
	}

	private void requirePlain(String module, String reason) {
		if (this.checkpoint.has(module + ".weight")) {
			TensorInfo weight = this.checkpoint.tensor(module + ".weight");
			if (!weight.dtype().isPlainFloat()) {
				throw failure(module,
						"has a weight of " + weight.dtype() + ", but " + reason + ": expected F32, F16 or BF16");
			}
		}
	}

	private Quantization check(String module, Quantization quantization) {
		if (!quantization.isSupported()) {
			throw new CheckpointException(
					"The weight of " + quote(module) + " in " + this.checkpoint.folder() + " is quantised as "
							+ quantization + ", which is not supported yet.",
					"Use a version of the model with affine quantisation of 4 or 8 bits, or without quantisation.");
		}
		TensorInfo weight = this.checkpoint.tensor(module + ".weight");
		TensorInfo scales = this.checkpoint.tensor(module + ".scales");
		TensorInfo biases = this.checkpoint.tensor(module + ".biases");
		if (weight.dtype() != DType.U32 || weight.rank() < 2) {
			throw failure(module, "is quantised as " + quantization + ", so its weight must be U32 with two dimensions "
					+ "or more; found " + weight.dtype() + Arrays.toString(weight.shape()));
		}
		if (!scales.dtype().isPlainFloat() || biases.dtype() != scales.dtype()) {
			throw failure(module, "needs scales and biases of one type, F32, F16 or BF16; found " + scales.dtype()
					+ " and " + biases.dtype());
		}
		long[] expected = weight.shape();
		int last = expected.length - 1;
		long columns = expected[last] * quantization.codesPerWord();
		if (columns % quantization.groupSize() != 0) {
			throw failure(module, "has " + columns + " columns in its weight " + Arrays.toString(expected)
					+ ", which is no multiple of the group size " + quantization.groupSize());
		}
		expected[last] = columns / quantization.groupSize();
		for (TensorInfo tensor : new TensorInfo[] { scales, biases }) {
			if (!Arrays.equals(tensor.shape(), expected)) {
				throw failure(module,
						"is quantised as " + quantization + " with a weight of " + Arrays.toString(weight.shape())
								+ ", so " + quote(tensor.name()) + " must have the shape " + Arrays.toString(expected)
								+ "; found " + Arrays.toString(tensor.shape()));
			}
		}
		return quantization;
	}

	private CheckpointException failure(String module, String problem) {
		return new CheckpointException(
				"The module " + quote(module) + " of " + this.checkpoint.folder() + " " + problem + ".", ACTION);
	}

}
