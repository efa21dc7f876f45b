package io.github.flashspring.engine.model;

import java.util.List;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.RopeParameters;
import io.github.flashspring.engine.device.Activation;

/**
 * Qwen 2 with MoE layers, each with a shared expert behind a gate.
 *
 * @see <a href="https://arxiv.org/abs/2407.10671">Qwen2</a>
 */
final class Qwen2Moe {

	private Qwen2Moe() {
	}

	/**
	 * Config of Qwen 2 MoE.
	 *
	 * @param windows positions that each layer sees; 0: all
	 */
	record Config(DecoderConfig decoder, SparseLayers sparse, Routing routing, int intermediateSize,
			int moeIntermediateSize, int sharedExpertIntermediateSize, Activation hiddenAct, float rmsNormEps,
			RopeParameters ropeParameters, List<Integer> windows, Bias qkvBias) {

		static Config of(ModelConfig config) {
			SparseLayers sparse = SparseLayers.of(config);
			int maxWindowLayers = config.getInt("max_window_layers", 28);
			return new Config(DecoderConfig.of(config, DecoderConfig.Defaults.numKeyValueHeads(16)), sparse,
					sparse.routing(config, 4), sparse.denseSize(config),
					sparse.expertSize(config, "moe_intermediate_size"),
					sparse.expertSize(config, "shared_expert_intermediate_size"),
					ActivationNames.of(config, "hidden_act", Activation.SILU), config.getFloat("rms_norm_eps", 1e-6f),
					config.ropeParameters(),
					SlidingWindows.of(config, Qwen2.window(config),
							(layer) -> layer % 2 == 0 && layer < maxWindowLayers),
					Bias.of(config.getBoolean("qkv_bias", true)));
		}

		Mlp.Shape mlp(int width) {
			return Mlp.Shape.gated(this.decoder.hiddenSize(), width, this.hiddenAct);
		}

	}

	static ModelDefinition define(ModelSource source) {
		Config config = Config.of(source.config());
		Names names = new Names(source.checkpoint());
		Decoder decoder = new Decoder(source, config.decoder(), names);
		Norm.Kind norm = Norm.Kind.rms(config.rmsNormEps());
		RotaryEmbedding rotary = decoder.rotary(config.ropeParameters());
		for (LayerBuilder layer : decoder.layers()) {
			layer.add(layer.norm("input_layernorm", norm),
					layer.attention("self_attn")
						.rotary(rotary)
						.window(config.windows().get(layer.index()))
						.bias(config.qkvBias(), Bias.ABSENT)
						.build());
			layer.add(layer.norm("post_attention_layernorm", norm), config.sparse().contains(layer.index())
					? moe(layer, config, names) : layer.mlp("mlp", config.mlp(config.intermediateSize())));
		}
		return decoder.end(norm);
	}

	private static Sublayer moe(LayerBuilder layer, Config config, Names names) {
		return layer.moe(config.routing(), "mlp.gate", Bias.ABSENT)
			.sharedGate("mlp.shared_expert_gate")
			.shared(layer.mlp("mlp.shared_expert", config.mlp(config.sharedExpertIntermediateSize())))
			.experts((expert) -> names.experts.mlp(expert, config.mlp(config.moeIntermediateSize())));
	}

	private static final class Names extends TensorNames {

		private final ExpertNames experts = new ExpertNames(this, "mlp");

		Names(Checkpoint checkpoint) {
			super(checkpoint);
		}

	}

}
