package io.github.flashspring.engine.model;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.AttentionSpec;
import io.github.flashspring.engine.device.RotarySpec;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.weights.Parameter;
import io.github.flashspring.engine.weights.Weights;

/**
 * Self-attention with grouped heads: queries, keys and values are projected, normalized
 * and rotated by their position if the model does so, and what is attended to is
 * projected back.
 */
final class Attention implements Sublayer {

	private final int layer;

	private final AttentionSpec spec;

	private final Projections projections;

	private final @Nullable Norm queryNorm;

	private final @Nullable Norm keyNorm;

	private final NormScope normScope;

	private final @Nullable RotaryEmbedding rotary;

	private final @Nullable Parameter sinks;

	private final Linear output;

	private final Slots.Slot mixed;

	private Attention(Builder builder) {
		LayerBuilder to = builder.layer;
		DecoderConfig config = to.config();
		int headDim = config.headDim();
		int queryWidth = config.numAttentionHeads() * headDim;
		int keyWidth = config.numKeyValueHeads() * headDim;
		this.layer = to.requirements().nextKeyValueLayer(to.group().name(), builder.window);
		to.requirements().widen(queryWidth);
		this.spec = new AttentionSpec(config.numAttentionHeads(), config.numKeyValueHeads(), headDim, headDim,
				builder.scale, builder.window, builder.softcap);
		this.rotary = builder.rotary;
		this.projections = switch (builder.storage) {
			case SEPARATE -> Separate.of(builder, queryWidth, keyWidth);
			case FUSED -> Fused.of(builder, queryWidth, keyWidth);
		};
		this.normScope = builder.normScope;
		boolean heads = this.normScope == NormScope.HEAD;
		this.queryNorm = builder.norm("q_norm", heads ? headDim : queryWidth);
		this.keyNorm = builder.norm("k_norm", heads ? headDim : keyWidth);
		this.sinks = builder.sinks ? to.vector(builder.module + ".sinks", config.numAttentionHeads()) : null;
		this.output = to.linear(builder.module + ".o_proj", config.hiddenSize(), queryWidth, builder.outputBias);
		this.mixed = to.slots().shared("attention.mixed", queryWidth);
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
			Tensor rows = (this.normScope == NormScope.HEAD) ? x.reshape(this.spec.keyDim()) : x;
			norm.forward(pass, weights, rows, rows);
		}
	}

	/**
	 * Queries, keys and values of a pass.
	 *
	 * @param queries [rows, numAttentionHeads · headDim]
	 * @param keys [rows, numKeyValueHeads · headDim]
	 * @param values [rows, numKeyValueHeads · headDim]
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
			Slots slots = builder.layer.slots();
			return new Separate(builder.projection("q_proj", queryWidth), builder.projection("k_proj", keyWidth),
					builder.projection("v_proj", keyWidth), slots.shared("attention.queries", queryWidth),
					slots.shared("attention.keys", keyWidth), slots.shared("attention.values", keyWidth));
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
			return new Fused(builder.projection("qkv_proj", width),
					builder.layer.slots().shared("attention.fused", width), queryWidth, keyWidth);
		}

		@Override
		public Projected forward(Pass pass, Weights weights, Tensor x) {
			Tensor all = pass.get(this.slot);
			this.projection.forward(weights, all, x);
			return new Projected(all.columns(0, this.queryWidth), all.columns(this.queryWidth, this.keyWidth),
					all.columns(this.queryWidth + this.keyWidth, this.keyWidth));
		}

	}

	private enum Storage {

		SEPARATE, FUSED

	}

	/** Which numbers a norm of queries and keys takes together. */
	private enum NormScope {

		HEAD, ALL_HEADS

	}

	/** Options of a layer's attention; those of Llama unless changed. */
	static final class Builder {

		private final LayerBuilder layer;

		private final String module;

		private float scale;

		private int window;

		private float softcap;

		private @Nullable RotaryEmbedding rotary;

		private Storage storage = Storage.SEPARATE;

		private Bias bias = Bias.ABSENT;

		private Bias outputBias = Bias.ABSENT;

		private Norm.@Nullable Kind norm;

		private NormScope normScope = NormScope.HEAD;

		private boolean sinks;

		Builder(LayerBuilder layer, String module) {
			this.layer = layer;
			this.module = module;
			this.scale = (float) (1 / Math.sqrt(layer.config().headDim()));
		}

		/** Factor of the scores; otherwise {@code 1 / sqrt(headDim)}. */
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

		/** Rotates queries and keys by their position. */
		Builder rotary(RotaryEmbedding embedding) {
			this.rotary = embedding;
			return this;
		}

		/** Queries, keys and values are one matrix. */
		Builder fused() {
			this.storage = Storage.FUSED;
			return this;
		}

		/** Biases of queries, keys, values and the output. */
		Builder bias(Bias ofAll) {
			return bias(ofAll, ofAll);
		}

		/** Biases of queries, keys and values, and of the output. */
		Builder bias(Bias ofInputs, Bias ofOutput) {
			this.bias = ofInputs;
			this.outputBias = ofOutput;
			return this;
		}

		/** Normalizes every query and key head. */
		Builder queryKeyNorm(Norm.Kind kind) {
			this.norm = kind;
			this.normScope = NormScope.HEAD;
			return this;
		}

		/** Normalizes all query heads together, and all key heads. */
		Builder queryKeyNormOfAllHeads(Norm.Kind kind) {
			this.norm = kind;
			this.normScope = NormScope.ALL_HEADS;
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

		private Linear projection(String name, int outputs) {
			return this.layer.linear(this.module + "." + name, outputs, this.layer.hiddenSize(), this.bias);
		}

		private @Nullable Norm norm(String name, int width) {
			return (this.norm != null) ? this.norm.of(this.layer.group(), this.module + "." + name, width) : null;
		}

	}

}
