package io.github.flashspring.engine.checkpoint.gguf;

import java.util.Arrays;
import java.util.Optional;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import org.jspecify.annotations.Nullable;

/**
 * The settings of a GGUF file of architecture {@code llama} that decide about shapes and
 * arithmetic.
 *
 * @param hiddenSize width of the residual stream
 * @param intermediateSize width of the MLP
 * @param layers layers
 * @param heads query heads
 * @param keyValueHeads key-value heads
 * @param headDim rows per head, even
 * @param contextLength positions the model was trained for
 * @param rmsNormEps epsilon of the norms
 * @param ropeTheta base of the rotary frequencies
 * @param linearFactor scale of positions; 1 for none
 * @param ropeScaling frequency factors as llama3 scaling; null without
 */
record LlamaShape(int hiddenSize, int intermediateSize, int layers, int heads, int keyValueHeads, int headDim,
		int contextLength, double rmsNormEps, double ropeTheta, double linearFactor,
		RopeFactors.@Nullable Llama3 ropeScaling) {

	private static final int MOST = 1 << 24;

	static LlamaShape of(GgufFile file) {
		GgufMetadata metadata = file.metadata();
		refuseVariants(metadata);
		int hiddenSize = metadata.requireInt("llama.embedding_length", 1, MOST);
		int heads = metadata.requireInt("llama.attention.head_count", 1, 1 << 14);
		int keyValueHeads = metadata.findInt("llama.attention.head_count_kv", 1, 1 << 14).orElse(heads);
		int headDim = headDim(metadata, hiddenSize, heads);
		if (heads % keyValueHeads != 0) {
			throw metadata.wrong("llama.attention.head_count_kv", "a divisor of " + heads, keyValueHeads);
		}
		int rotated = metadata.findInt("llama.rope.dimension_count", 1, 1 << 16).orElse(headDim);
		if (rotated != headDim) {
			throw metadata.wrong("llama.rope.dimension_count", headDim + ", the size of a head", rotated);
		}
		Double theta = metadata.findDouble("llama.rope.freq_base");
		double ropeTheta = (theta != null) ? theta : 10_000;
		return new LlamaShape(hiddenSize, metadata.requireInt("llama.feed_forward_length", 1, MOST),
				metadata.requireInt("llama.block_count", 1, 10_000), heads, keyValueHeads, headDim,
				metadata.requireInt("llama.context_length", 1, Integer.MAX_VALUE),
				metadata.requireDouble("llama.attention.layer_norm_rms_epsilon"), ropeTheta, linearFactor(metadata),
				RopeFactors.recover(file, headDim, ropeTheta));
	}

	private static int headDim(GgufMetadata metadata, int hiddenSize, int heads) {
		var keyLength = metadata.findInt("llama.attention.key_length", 1, 1 << 16);
		if (keyLength.isEmpty() && hiddenSize % heads != 0) {
			throw metadata.wrong("llama.attention.head_count", "a divisor of " + hiddenSize, heads);
		}
		int headDim = keyLength.orElse(hiddenSize / heads);
		int valueDim = metadata.findInt("llama.attention.value_length", 1, 1 << 16).orElse(headDim);
		if (valueDim != headDim || headDim % 2 != 0) {
			throw metadata.wrong("llama.attention.value_length", "an even number, the same as key_length " + headDim,
					valueDim);
		}
		return headDim;
	}

	/** What other models put under the name of llama and a plain llama would ignore. */
	private static void refuseVariants(GgufMetadata metadata) {
		if (metadata.findInt("llama.expert_count", 0, 1 << 16).orElse(0) != 0) {
			throw metadata.wrong("llama.expert_count", "no experts, since MoE layers cannot be imported from GGUF",
					metadata.findInt("llama.expert_count", 0, 1 << 16).getAsInt());
		}
		for (String key : new String[] { "llama.attention.sliding_window", "llama.attention.scale", "llama.logit_scale",
				"llama.embedding_scale", "llama.residual_scale", "llama.attention.max_alibi_bias",
				"llama.attention.clamp_kqv" }) {
			Double value = metadata.findDouble(key);
			if (value != null && value != 0) {
				throw metadata.wrong(key, "nothing: import reads plain Llama models only", value);
			}
		}
	}

	private static double linearFactor(GgufMetadata metadata) {
		String type = metadata.findString("llama.rope.scaling.type").orElse("linear");
		Double factor = Optional.ofNullable(metadata.findDouble("llama.rope.scaling.factor"))
			.orElse(metadata.findDouble("llama.rope.scale_linear"));
		if (type.equals("none") || factor == null || factor == 0) {
			return 1;
		}
		if (!type.equals("linear")) {
			throw metadata.wrong("llama.rope.scaling.type", "'none' or 'linear'", type);
		}
		return factor;
	}

	/** The order of rows in the projections of q and k. */
	RowOrder rotaryOrder(GgufTensor tensor, int headCount) {
		long rows = tensor.shape().getFirst();
		if (rows != (long) headCount * this.headDim) {
			throw new CheckpointException(
					"Tensor '" + tensor.name() + "' has the shape " + Arrays.toString(tensor.shapeArray())
							+ "; expected " + headCount + " heads of " + this.headDim + " rows.",
					"The file is damaged or made for another program: use another one.");
		}
		return RowOrder.rotary(this.headDim);
	}

}
