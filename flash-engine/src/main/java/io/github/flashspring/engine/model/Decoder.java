package io.github.flashspring.engine.model;

import java.util.ArrayList;
import java.util.List;

import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.residency.StreamingProxy;
import io.github.flashspring.engine.residency.WeightUnit;
import io.github.flashspring.engine.residency.Weights;

/**
 * The shape that Llama, Mistral, Qwen2 and Qwen3 share: layers of attention and gated
 * feed-forward, each behind a norm and added to the residual stream.
 */
final class Decoder {

	private Decoder() {
	}

	static ModelDefinition define(DecoderConfig decoder) {
		DecoderConfig.Common config = decoder.common();
		Slots slots = new Slots();
		Slots.Slot hidden = slots.addForPass(config.hiddenSize());
		Slots.Slot normed = slots.add(config.hiddenSize());
		Slots.Slot delta = slots.add(config.hiddenSize());
		RotaryEmbedding rotary = new RotaryEmbedding(config.rope(), config.headDim(), slots);
		Attention.Activations attention = Attention.Activations.of(slots, decoder);
		GatedMlp.Activations mlp = GatedMlp.Activations.of(slots, decoder);
		List<ModelDefinition.Part> layers = new ArrayList<>();
		for (int i = 0; i < config.numHiddenLayers(); i++) {
			WeightUnit unit = new WeightUnit("layers." + i, "model.layers." + i + ".");
			layers.add(new ModelDefinition.Part(unit,
					new Block(RmsNorm.of(unit, "input_layernorm", config.hiddenSize(), config.rmsNormEps()),
							new Attention(unit, decoder, i, rotary, attention),
							RmsNorm.of(unit, "post_attention_layernorm", config.hiddenSize(), config.rmsNormEps()),
							new GatedMlp(unit, decoder, mlp), hidden, normed, delta)));
		}
		WeightUnit embedding = new WeightUnit("embed_tokens", "model.");
		embedding.matrix("embed_tokens", config.vocabSize(), config.hiddenSize());
		WeightUnit last = new WeightUnit("head", "");
		Head head = new Head(RmsNorm.of(last, "model.norm", config.hiddenSize(), config.rmsNormEps()),
				last.matrix(config.tieWordEmbeddings() ? "model.embed_tokens" : "lm_head", config.vocabSize(),
						config.hiddenSize()),
				hidden);
		List<String> ignored = new ArrayList<>(List.of(".rotary_emb.inv_freq"));
		if (config.tieWordEmbeddings()) {
			ignored.addAll(List.of("lm_head.weight", "lm_head.scales", "lm_head.biases"));
		}
		ModelDefinition.Shape shape = new ModelDefinition.Shape(config.hiddenSize(), config.vocabSize(),
				config.maxPositionEmbeddings(),
				Math.max(config.hiddenSize(),
						Math.max(config.intermediateSize(), config.numAttentionHeads() * config.headDim())),
				config.numHiddenLayers(), config.numKeyValueHeads(), config.headDim(), config.headDim());
		return new ModelDefinition(shape, slots, hidden, List.of(rotary), embedding, layers,
				new ModelDefinition.Part(last, head), ignored);
	}

	/**
	 * One layer.
	 *
	 * @param attentionNorm before attention
	 * @param attention attention
	 * @param mlpNorm before the feed-forward part
	 * @param mlp feed-forward part
	 * @param hidden the residual stream
	 * @param normed input of the parts
	 * @param delta output of the parts
	 */
	private record Block(RmsNorm attentionNorm, Attention attention, RmsNorm mlpNorm, GatedMlp mlp, Slots.Slot hidden,
			Slots.Slot normed, Slots.Slot delta) implements StreamingProxy.Layer<Pass> {

		@Override
		public void forward(Pass pass, Weights weights) {
			Tensor stream = pass.get(this.hidden);
			Tensor input = pass.get(this.normed);
			Tensor output = pass.get(this.delta);
			this.attentionNorm.forward(pass, weights, input, stream);
			this.attention.forward(pass, weights, output, input);
			pass.device().add(stream, output);
			this.mlpNorm.forward(pass, weights, input, stream);
			this.mlp.forward(pass, weights, output, input);
			pass.device().add(stream, output);
		}

	}

}
