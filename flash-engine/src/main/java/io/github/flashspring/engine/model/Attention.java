package io.github.flashspring.engine.model;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.AttentionSpec;
import io.github.flashspring.engine.device.RotarySpec;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.weights.Parameter;
import io.github.flashspring.engine.weights.WeightGroup;
import io.github.flashspring.engine.weights.Weights;

/**
 * Self-attention with grouped heads: queries, keys and values are projected, normed and
 * turned by their position if the model does so, and what is attended to is projected
 * back.
 */
final class Attention implements Sublayer {

	private final int layer;

	private final AttentionSpec spec;

	private final @Nullable RotaryEmbedding rotary;

	private final Slots.Slot mixed;

	private final Projections projections;

	private final Linear output;

	private final @Nullable Norm queryNorm;

	private final @Nullable Norm keyNorm;

	private final boolean normOfHeads;

	private final @Nullable Parameter sinks;

	private Attention(Builder builder) {
		DecoderConfig config = builder.decoder.config();
		int hidden = config.hiddenSize();
		int headDim = builder.headDim;
		int queryWidth = config.numAttentionHeads() * headDim;
		int keyWidth = config.numKeyValueHeads() * headDim;
		this.layer = builder.decoder.nextKeyValueLayer(builder.window);
		this.spec = new AttentionSpec(config.numAttentionHeads(), config.numKeyValueHeads(), headDim, headDim,
				builder.scale, builder.window, builder.softcap);
		this.rotary = builder.rotary;
		builder.decoder.widen(queryWidth);
		WeightGroup unit = builder.unit;
		String module = builder.module;
		this.projections = builder.fused ? Fused.of(builder, queryWidth, keyWidth)
				: Separate.of(builder, queryWidth, keyWidth);
		Norm.Kind norm = builder.norm;
		this.normOfHeads = builder.normOfHeads;
		this.queryNorm = (norm != null) ? norm.of(unit, module + ".q_norm", this.normOfHeads ? headDim : queryWidth)
				: null;
		this.keyNorm = (norm != null) ? norm.of(unit, module + ".k_norm", this.normOfHeads ? headDim : keyWidth) : null;
		this.sinks = builder.sinks ? unit.vector(module + ".sinks", config.numAttentionHeads()) : null;
		this.output = Linear.of(unit, module + ".o_proj", hidden, queryWidth, builder.outputBias);
		this.mixed = builder.decoder.slot("attention.mixed", queryWidth);
	}

	@Override
	public void forward(Pass pass, Weights weights, Tensor out, Tensor x) {
		Projected projected = this.projections.forward(pass, weights, x);
		Tensor queries = projected.queries();
		Tensor keys = projected.keys();
		norm(pass, weights, this.queryNorm, queries);
		norm(pass, weights, this.keyNorm, keys);
		if (this.rotary != null) {
			RotarySpec halves = RotarySpec.halves(this.spec.keyDim());
			this.rotary.apply(pass, queries, halves);
			this.rotary.apply(pass, keys, halves);
		}
		Tensor attended = pass.get(this.mixed);
		pass.device().storeKv(pass.kv(), this.layer, pass.batch(), keys, projected.values());
		pass.device()
			.attention(attended, queries, pass.kv(), this.layer, pass.batch(), this.spec,
					(this.sinks != null) ? weights.vector(this.sinks) : null);
		this.output.forward(weights, out, attended);
	}

	private void norm(Pass pass, Weights weights, @Nullable Norm norm, Tensor x) {
		if (norm != null) {
			Tensor rows = this.normOfHeads ? x.reshape(this.spec.keyDim()) : x;
			norm.forward(pass, weights, rows, rows);
		}
	}

	/**
	 * Queries, keys and values of a pass.
	 *
	 * @param queries [rows, heads · headDim]
	 * @param keys [rows, keyValueHeads · headDim]
	 * @param values [rows, keyValueHeads · headDim]
	 */
	private record Projected(Tensor queries, Tensor keys, Tensor values) {

	}

	/** Where queries, keys and values come from. */
	private sealed interface Projections {

		Projected forward(Pass pass, Weights weights, Tensor x);

	}

	/** Three matrices. */
	private record Separate(Linear query, Linear key, Linear value, Slots.Slot queries, Slots.Slot keys,
			Slots.Slot values) implements Projections {

		static Separate of(Builder builder, int queryWidth, int keyWidth) {
			int hidden = builder.decoder.config().hiddenSize();
			return new Separate(Linear.of(builder.unit, builder.module + ".q_proj", queryWidth, hidden, builder.bias),
					Linear.of(builder.unit, builder.module + ".k_proj", keyWidth, hidden, builder.bias),
					Linear.of(builder.unit, builder.module + ".v_proj", keyWidth, hidden, builder.bias),
					builder.decoder.slot("attention.queries", queryWidth),
					builder.decoder.slot("attention.keys", keyWidth),
					builder.decoder.slot("attention.values", keyWidth));
		}

		@Override
		public Projected forward(Pass pass, Weights weights, Tensor x) {
			Projected projected = new Projected(pass.get(this.queries), pass.get(this.keys), pass.get(this.values));
			weights.linear(this.query.of(projected.queries(), x), this.key.of(projected.keys(), x),
					this.value.of(projected.values(), x));
			return projected;
		}

	}

	/** One matrix, whose outputs are the queries, then the keys, then the values. */
	private record Fused(Linear projection, Slots.Slot slot, int queryWidth, int keyWidth) implements Projections {

		static Fused of(Builder builder, int queryWidth, int keyWidth) {
			int width = queryWidth + 2 * keyWidth;
			return new Fused(Linear.of(builder.unit, builder.module + ".qkv_proj", width,
					builder.decoder.config().hiddenSize(), builder.bias),
					builder.decoder.slot("attention.fused", width), queryWidth, keyWidth);
		}

		@Override
		public Projected forward(Pass pass, Weights weights, Tensor x) {
			Tensor all = pass.get(this.slot);
			this.projection.forward(weights, all, x);
			return new Projected(all.columns(0, this.queryWidth), all.columns(this.queryWidth, this.keyWidth),
					all.columns(this.queryWidth + this.keyWidth, this.keyWidth));
		}

	}

	/** Settings of a layer's attention; those of Llama unless changed. */
	static final class Builder {

		private final Decoder decoder;

		private final WeightGroup unit;

		private String module = "self_attn";

		private int headDim;

		private float scale;

		private int window;

		private float softcap;

		private @Nullable RotaryEmbedding rotary;

		private boolean fused;

		private boolean bias;

		private boolean outputBias;

		private Norm.@Nullable Kind norm;

		private boolean normOfHeads;

		private boolean sinks;

		Builder(Decoder decoder, WeightGroup unit) {
			this.decoder = decoder;
			this.unit = unit;
			this.headDim = decoder.config().headDim();
			this.scale = (float) (1 / Math.sqrt(this.headDim));
		}

		Builder module(String name) {
			this.module = name;
			return this;
		}

		/** Factor of the scores; else {@code 1 / sqrt(headDim)}. */
		Builder scale(float factor) {
			this.scale = factor;
			return this;
		}

		/** Positions that a token sees; 0: all. */
		Builder window(int positions) {
			this.window = positions;
			return this;
		}

		/** Cap of the scores; 0: none. */
		Builder softcap(float cap) {
			this.softcap = cap;
			return this;
		}

		/** Turns queries and keys by their position. */
		Builder rotary(RotaryEmbedding embedding) {
			this.rotary = embedding;
			return this;
		}

		/** Queries, keys and values are one matrix. */
		Builder fused() {
			this.fused = true;
			return this;
		}

		/** Biases of queries, keys and values, and of the output. */
		Builder bias(boolean ofInputs, boolean ofOutput) {
			this.bias = ofInputs;
			this.outputBias = ofOutput;
			return this;
		}

		/** Norms of every query and key head. */
		Builder normOfHeads(Norm.Kind kind) {
			this.norm = kind;
			this.normOfHeads = true;
			return this;
		}

		/** Norms of all query heads and of all key heads together. */
		Builder normOfAllHeads(Norm.Kind kind) {
			this.norm = kind;
			this.normOfHeads = false;
			return this;
		}

		/** A learned score of each head that takes weight from the others. */
		Builder sinks() {
			this.sinks = true;
			return this;
		}

		Attention build() {
			return new Attention(this);
		}

	}

}
