package io.github.flashspring.engine.model;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.AttentionSpec;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.residency.WeightUnit;
import io.github.flashspring.engine.residency.Weights;

/**
 * Self-attention with grouped heads, rotary positions, optional norms of queries and
 * keys, and an optional sliding window.
 */
final class Attention {

	private final int layer;

	private final AttentionSpec spec;

	private final RotaryEmbedding rotary;

	private final Activations activations;

	private final Linear query;

	private final Linear key;

	private final Linear value;

	private final Linear output;

	private final @Nullable RmsNorm queryNorm;

	private final @Nullable RmsNorm keyNorm;

	/**
	 * Declares the weights of one layer's attention.
	 * @param unit the layer's unit
	 * @param config the model
	 * @param layer index of the layer
	 * @param rotary positions
	 * @param activations shared by all layers
	 */
	Attention(WeightUnit unit, DecoderConfig config, int layer, RotaryEmbedding rotary, Activations activations) {
		this.layer = layer;
		int heads = config.common().numAttentionHeads();
		int keyValueHeads = config.common().numKeyValueHeads();
		int headDim = config.common().headDim();
		this.spec = new AttentionSpec(heads, keyValueHeads, headDim, headDim, (float) (1 / Math.sqrt(headDim)),
				config.slidingWindows()[layer]);
		this.rotary = rotary;
		this.activations = activations;
		int hidden = config.common().hiddenSize();
		this.query = Linear.of(unit, "self_attn.q_proj", heads * headDim, hidden, config.queryKeyValueBias());
		this.key = Linear.of(unit, "self_attn.k_proj", keyValueHeads * headDim, hidden, config.queryKeyValueBias());
		this.value = Linear.of(unit, "self_attn.v_proj", keyValueHeads * headDim, hidden, config.queryKeyValueBias());
		this.output = Linear.of(unit, "self_attn.o_proj", hidden, heads * headDim, config.outputBias());
		this.queryNorm = config.queryKeyNorm()
				? RmsNorm.of(unit, "self_attn.q_norm", headDim, config.common().rmsNormEps()) : null;
		this.keyNorm = config.queryKeyNorm()
				? RmsNorm.of(unit, "self_attn.k_norm", headDim, config.common().rmsNormEps()) : null;
	}

	/**
	 * Attends.
	 * @param pass the rows
	 * @param weights of the layer
	 * @param out F32 [rows, hidden]
	 * @param x F32 [rows, hidden], not {@code out}
	 */
	void forward(Pass pass, Weights weights, Tensor out, Tensor x) {
		Tensor queries = pass.get(this.activations.queries());
		Tensor keys = pass.get(this.activations.keys());
		Tensor values = pass.get(this.activations.values());
		Tensor mixed = pass.get(this.activations.mixed());
		this.query.forward(weights, queries, x);
		this.key.forward(weights, keys, x);
		this.value.forward(weights, values, x);
		if (this.queryNorm != null && this.keyNorm != null) {
			Tensor queryHeads = queries.reshape(this.spec.keyDim());
			Tensor keyHeads = keys.reshape(this.spec.keyDim());
			this.queryNorm.forward(pass, weights, queryHeads, queryHeads);
			this.keyNorm.forward(pass, weights, keyHeads, keyHeads);
		}
		this.rotary.apply(pass, queries);
		this.rotary.apply(pass, keys);
		pass.device().storeKv(pass.kv(), this.layer, pass.batch(), keys, values);
		pass.device().attention(mixed, queries, pass.kv(), this.layer, pass.batch(), this.spec);
		this.output.forward(weights, out, mixed);
	}

	/**
	 * Room for what attention computes between its inputs and outputs.
	 *
	 * @param queries [heads · headDim] per row
	 * @param keys [keyValueHeads · headDim] per row
	 * @param values [keyValueHeads · headDim] per row
	 * @param mixed [heads · headDim] per row
	 */
	record Activations(Slots.Slot queries, Slots.Slot keys, Slots.Slot values, Slots.Slot mixed) {

		static Activations of(Slots slots, DecoderConfig config) {
			int width = config.common().numAttentionHeads() * config.common().headDim();
			int keyValueWidth = config.common().numKeyValueHeads() * config.common().headDim();
			return new Activations(slots.add(width), slots.add(keyValueWidth), slots.add(keyValueWidth),
					slots.add(width));
		}

	}

}
