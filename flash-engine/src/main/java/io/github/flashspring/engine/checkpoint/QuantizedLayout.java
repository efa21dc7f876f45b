package io.github.flashspring.engine.checkpoint;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

import static io.github.flashspring.engine.checkpoint.CheckpointException.quote;

/**
 * Finds the tensors of a quantised module and checks them against the config.
 */
final class QuantizedLayout {

	private static final String ACTION = "Check that config.json belongs to these weights, or convert the model again.";

	/** Ends of names that other programs give to what they packed. */
	private static final List<String> FOREIGN = List.of(".qweight", ".weight_packed", ".weight_scale",
			".weight.quant_state.bitsandbytes__nf4", ".weight.quant_state.bitsandbytes__fp4", ".SCB");

	/** Bytes of a group of {@code _blocks}. */
	private static final int BLOCK_BYTES = 16;

	private final Checkpoint checkpoint;

	private final QuantizationConfig config;

	QuantizedLayout(Checkpoint checkpoint, QuantizationConfig config) {
		this.checkpoint = checkpoint;
		this.config = config;
	}

	Optional<QuantizedTensors> of(String module) {
		for (String end : FOREIGN) {
			if (this.checkpoint.has(module + end)) {
				throw new CheckpointException("The module " + quote(module) + " of " + this.checkpoint.folder()
						+ " is quantised by a program whose layout is not supported: it has a tensor "
						+ quote(module + end) + ".", QuantizationConfig.CONVERSION);
			}
		}
		return switch (this.config.naming()) {
			case MLX -> mlx(module);
			case BLOCKS -> blocks(module);
			case RECTANGLES -> rectangles(module);
		};
	}

	private Optional<QuantizedTensors> mlx(String module) {
		Optional<Quantization> override = this.config.override(module);
		boolean scaled = this.checkpoint.has(module + ".scales");
		if (override == null) {
			if (!scaled) {
				requirePlain(module, "it has no scales");
				return Optional.empty();
			}
			Quantization standard = this.config.standard()
				.orElseThrow(() -> failure(module, "has scales, but config.json has no property 'quantization'"));
			return Optional.of(mlx(module, standard));
		}
		if (override.isEmpty()) {
			if (scaled) {
				throw failure(module, "has scales, but config.json says that it is not quantised");
			}
			requirePlain(module, "config.json says that it is not quantised");
			return Optional.empty();
		}
		return Optional.of(mlx(module, override.get()));
	}

	private void requirePlain(String module, String reason) {
		for (String scales : List.of(".weight_scale_inv", "_blocks")) {
			if (this.checkpoint.has(module + scales)) {
				throw failure(module, "has a tensor " + quote(module + scales)
						+ ", but config.json has no quantization_config with a quant_method for it (fp8, mxfp4)");
			}
		}
		if (this.checkpoint.has(module + ".weight")) {
			TensorInfo weight = this.checkpoint.tensor(module + ".weight");
			if (!weight.dtype().isPlainFloat()) {
				throw failure(module,
						"has a weight of " + weight.dtype() + ", but " + reason + ": expected F32, F16 or BF16");
			}
		}
	}

	private QuantizedTensors mlx(String module, Quantization quantization) {
		TensorInfo weight = this.checkpoint.tensor(module + ".weight");
		TensorInfo scales = this.checkpoint.tensor(module + ".scales");
		if (weight.dtype() != DType.U32 || weight.rank() < 2) {
			throw failure(module, "is quantised as " + quantization + ", so its weight must be U32 with two dimensions "
					+ "or more; found " + describe(weight));
		}
		if (!quantization.hasBiases()) {
			if (this.checkpoint.has(module + ".biases")) {
				throw failure(module, "is quantised as " + quantization + ", which has no biases, but there is "
						+ quote(module + ".biases"));
			}
			if (scales.dtype() != DType.U8) {
				throw failure(module,
						"is quantised as " + quantization + ", so its scales must be U8; found " + describe(scales));
			}
			return checked(module, new QuantizedTensors(quantization, weight, scales, null));
		}
		TensorInfo biases = this.checkpoint.tensor(module + ".biases");
		if (!scales.dtype().isPlainFloat() || biases.dtype() != scales.dtype()) {
			throw failure(module, "needs scales and biases of one type, F32, F16 or BF16; found " + scales.dtype()
					+ " and " + biases.dtype());
		}
		return checked(module, new QuantizedTensors(quantization, weight, scales, biases));
	}

	private Optional<QuantizedTensors> blocks(String module) {
		if (!this.checkpoint.has(module + "_blocks")) {
			requirePlain(module, "it has no _blocks");
			return Optional.empty();
		}
		Quantization quantization = this.config.standard().orElseThrow();
		TensorInfo blocks = this.checkpoint.tensor(module + "_blocks");
		TensorInfo scales = this.checkpoint.tensor(module + "_scales");
		int rank = blocks.rank();
		if (blocks.dtype() != DType.U8 || rank < 3 || blocks.dimension(rank - 1) != BLOCK_BYTES) {
			throw failure(module, "is quantised as " + quantization + ", so " + quote(blocks.name())
					+ " must be U8[…, rows, groups, " + BLOCK_BYTES + "]; found " + describe(blocks));
		}
		if (scales.dtype() != DType.U8) {
			throw failure(module, "is quantised as " + quantization + ", so " + quote(scales.name())
					+ " must be U8; found " + describe(scales));
		}
		long[] shape = Arrays.copyOf(blocks.shape(), rank - 1);
		shape[rank - 2] *= BLOCK_BYTES;
		return Optional.of(checked(module, new QuantizedTensors(quantization, blocks.part(0, shape), scales, null)));
	}

	private Optional<QuantizedTensors> rectangles(String module) {
		if (!this.checkpoint.has(module + ".weight_scale_inv")) {
			requirePlain(module, "it has no weight_scale_inv");
			return Optional.empty();
		}
		Quantization quantization = this.config.standard().orElseThrow();
		TensorInfo weight = this.checkpoint.tensor(module + ".weight");
		TensorInfo scales = this.checkpoint.tensor(module + ".weight_scale_inv");
		if (weight.dtype() != DType.F8_E4M3 || weight.rank() != 2) {
			throw failure(module, "is quantised as " + quantization
					+ ", so its weight must be F8_E4M3 with two dimensions; found " + describe(weight));
		}
		if (!scales.dtype().isPlainFloat() && scales.dtype() != DType.F8_E8M0) {
			throw failure(module, "is quantised as " + quantization
					+ ", so its weight_scale_inv must be F32, F16, BF16 or F8_E8M0; found " + describe(scales));
		}
		return Optional.of(checked(module, new QuantizedTensors(quantization, weight, scales, null)));
	}

	/** Requires the scales and biases to have the shape that goes with the codes. */
	private QuantizedTensors checked(String module, QuantizedTensors tensors) {
		Quantization quantization = tensors.quantization();
		TensorInfo codes = tensors.codes();
		long[] expected = codes.shape();
		int last = expected.length - 1;
		long bits = expected[last] * codes.dtype().bytes() * Byte.SIZE;
		boolean whole = bits % quantization.bits() == 0;
		boolean complete = quantization.fits(tensors.columns());
		if (!whole || !complete) {
			throw failure(module,
					"has " + (whole ? String.valueOf(tensors.columns()) : (double) bits / quantization.bits())
							+ " columns in " + quote(codes.name()) + " of " + describe(codes)
							+ ", which is no multiple of the group size " + quantization.groupSize());
		}
		expected[last] = quantization.groups(tensors.columns());
		expected[last - 1] = Math.ceilDiv(expected[last - 1], (long) quantization.groupRows());
		for (TensorInfo tensor : (tensors.biases() != null) ? List.of(tensors.scales(), tensors.biases())
				: List.of(tensors.scales())) {
			if (!Arrays.equals(tensor.shape(), expected)) {
				throw failure(module,
						"is quantised as " + quantization + " with codes of " + describe(codes) + ", so "
								+ quote(tensor.name()) + " must have the shape " + Arrays.toString(expected)
								+ "; found " + Arrays.toString(tensor.shape()));
			}
		}
		return tensors;
	}

	private static String describe(TensorInfo tensor) {
		return tensor.dtype() + Arrays.toString(tensor.shape());
	}

	private CheckpointException failure(String module, String problem) {
		return new CheckpointException(
				"The module " + quote(module) + " of " + this.checkpoint.folder() + " " + problem + ".", ACTION);
	}

}
