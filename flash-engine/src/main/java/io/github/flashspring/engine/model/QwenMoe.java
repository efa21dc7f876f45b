package io.github.flashspring.engine.model;

import java.util.Arrays;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.weights.WeightGroup;

/**
 * Qwen 2 and Qwen 3 with mixtures of experts in all or some layers; in Qwen 2 with a
 * shared expert behind a gate.
 *
 * @see <a href="https://arxiv.org/abs/2407.10671">Qwen2</a>
 * @see <a href="https://arxiv.org/abs/2505.09388">Qwen3</a>
 */
final class QwenMoe {

	private QwenMoe() {
	}

	static ModelDefinition qwen2(ModelSource source) {
		ModelConfig config = source.config();
		DecoderConfig sizes = DecoderConfig.of(config, new DecoderConfig.Defaults(16, 0, false));
		int most = config.getInt("max_window_layers", 28);
		int[] windows = sizes.windows(config, Qwen2.window(config),
				(layer) -> (layer % 2 == 0 && layer < most) ? 1 : 0);
		return define(source, sizes, windows, config.getBoolean("qkv_bias", true), false, false, true);
	}

	static ModelDefinition qwen3(ModelSource source) {
		ModelConfig config = source.config();
		DecoderConfig sizes = DecoderConfig.of(config, new DecoderConfig.Defaults(4, 0, false));
		int[] windows = new int[sizes.numHiddenLayers()];
		Arrays.fill(windows, Qwen2.window(config));
		boolean bias = config.getBoolean("attention_bias", false);
		return define(source, sizes, windows, bias, bias, true, false);
	}

	private static ModelDefinition define(ModelSource source, DecoderConfig sizes, int[] windows, boolean bias,
			boolean outputBias, boolean normOfHeads, boolean shared) {
		ModelConfig config = source.config();
		Decoder decoder = new Decoder(source, sizes);
		Norm.Kind norm = Norm.Kind.rms(config.getFloat("rms_norm_eps", 1e-6f));
		RotaryEmbedding rotary = decoder.rotary(config.ropeParameters(), sizes.headDim());
		for (int i = 0; i < sizes.numHiddenLayers(); i++) {
			WeightGroup unit = decoder.unit(i);
			Attention.Builder attention = decoder.attention(unit)
				.rotary(rotary)
				.window(windows[i])
				.bias(bias, outputBias);
			if (normOfHeads) {
				attention.normOfHeads(norm);
			}
			decoder.add(unit,
					Residual.Branch.of(norm.of(unit, "input_layernorm", sizes.hiddenSize()), attention.build()),
					Residual.Branch.of(norm.of(unit, "post_attention_layernorm", sizes.hiddenSize()),
							isSparse(config, i) ? mixture(decoder, unit, i, shared)
									: decoder.feedForward(unit, "mlp", shape(config, "intermediate_size"))));
		}
		return decoder.end(norm).build();
	}

	private static boolean isSparse(ModelConfig config, int layer) {
		return experts(config) > 0 && !config.getInts("mlp_only_layers").contains(layer)
				&& (layer + 1) % Math.max(1, config.getInt("decoder_sparse_step", 1)) == 0;
	}

	private static int experts(ModelConfig config) {
		return config.getInt(config.has("num_experts") ? "num_experts" : "num_local_experts");
	}

	private static Mlp.Shape shape(ModelConfig config, String width) {
		return new Mlp.Shape(config.getInt("hidden_size"), DecoderConfig.positive(config, width),
				ActivationNames.of(config, "hidden_act", Activation.SILU), true, false);
	}

	private static MoeLayer mixture(Decoder decoder, WeightGroup unit, int layer, boolean shared) {
		ModelConfig config = decoder.source().config();
		Routing routing = Routing.plain(config, experts(config), config.getInt("num_experts_per_tok", shared ? 4 : 8),
				Routing.Scoring.SOFTMAX, config.getBoolean("norm_topk_prob", false));
		MoeLayer.Builder mixture = new MoeLayer.Builder(decoder, unit, routing, "mlp.gate", false);
		if (shared) {
			mixture.sharedGate("mlp.shared_expert_gate");
			mixture.shared(
					decoder.feedForward(unit, "mlp.shared_expert", shape(config, "shared_expert_intermediate_size")));
		}
		GatedExperts gated = GatedExperts.of(decoder, "mlp", routing.experts(), shape(config, "moe_intermediate_size"));
		return mixture.experts(layer, (expert, index) -> gated.create(layer, expert, index));
	}

}
