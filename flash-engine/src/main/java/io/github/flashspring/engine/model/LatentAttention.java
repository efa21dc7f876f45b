package io.github.flashspring.engine.model;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.device.AttentionSpec;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.RotarySpec;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.weights.Weights;

/**
 * Multi-head latent attention: keys and values of all heads are made from one short
 * vector per token, and only that is kept, with a part that carries the position. Instead
 * of making keys of it, each query is brought into its space, where all heads attend to
 * the same vectors; what they get is brought back into the space of values.
 *
 * @see <a href="https://arxiv.org/abs/2405.04434">DeepSeek-V2</a>
 */
final class LatentAttention implements Sublayer {

	/** Norms inside, whatever the epsilon of the model is. */
	private static final Norm.Kind NORM = Norm.Kind.rms(1e-6f);

	private final Shape shape;

	private final int layer;

	private final AttentionSpec spec;

	private final RotarySpec rotarySpec;

	private final RotaryEmbedding rotary;

	private final @Nullable Linear queryDown;

	private final @Nullable Norm queryNorm;

	private final Linear query;

	private final Linear latent;

	private final Norm latentNorm;

	private final List<Linear> intoLatent = new ArrayList<>();

	private final List<Linear> outOfLatent = new ArrayList<>();

	private final Linear output;

	private final Buffers buffers;

	/**
	 * Declares the weights of one layer's attention.
	 * @param layer gets them
	 * @param shape sizes
	 * @param rotary positions
	 * @param heads finds the projections of each head
	 */
	LatentAttention(LayerBuilder layer, Shape shape, RotaryEmbedding rotary, HeadProjections heads) {
		this.shape = shape;
		this.layer = layer.requirements().nextKeyValueLayer(layer.group().name(), 0);
		this.rotary = rotary;
		int hidden = layer.hiddenSize();
		int queryWidth = shape.heads() * shape.queryDim();
		this.spec = new AttentionSpec(shape.heads(), 1, shape.keyDim(), shape.rank(), shape.scale(), 0);
		this.rotarySpec = new RotarySpec(shape.keyDim(), shape.rank(), shape.pairs() == RotaryPairs.NEIGHBOURS);
		if (shape.queryRank() > 0) {
			this.queryDown = layer.linear("self_attn.q_a_proj", shape.queryRank(), hidden, shape.bias());
			this.queryNorm = NORM.of(layer.group(), "self_attn.q_a_layernorm", shape.queryRank());
			this.query = layer.linear("self_attn.q_b_proj", queryWidth, shape.queryRank(), Bias.ABSENT);
		}
		else {
			this.queryDown = null;
			this.queryNorm = null;
			this.query = layer.linear("self_attn.q_proj", queryWidth, hidden, Bias.ABSENT);
		}
		this.latent = layer.linear("self_attn.kv_a_proj_with_mqa", shape.keyDim(), hidden, shape.bias());
		this.latentNorm = NORM.of(layer.group(), "self_attn.kv_a_layernorm", shape.rank());
		for (int head = 0; head < shape.heads(); head++) {
			this.intoLatent.add(heads.intoLatent(layer, shape, head));
		}
		for (int head = 0; head < shape.heads(); head++) {
			this.outOfLatent.add(heads.outOfLatent(layer, shape, head));
		}
		this.output = layer.linear("self_attn.o_proj", hidden, shape.heads() * shape.valueDim(), shape.bias());
		this.buffers = Buffers.of(layer.slots(), shape);
		layer.requirements().widen(shape.heads() * shape.valueDim());
		layer.requirements().widen(shape.keyDim());
		layer.requirements().widen(shape.queryRank());
	}

	@Override
	public void forward(Pass pass, Weights weights, Tensor out, Tensor x) {
		int rank = this.shape.rank();
		Tensor queries = queries(pass, weights, x);
		Tensor keys = pass.get(this.buffers.keys());
		this.latent.forward(weights, keys, x);
		this.latentNorm.forward(pass, weights, keys.columns(0, rank), keys.columns(0, rank));
		Tensor latentQueries = pass.get(this.buffers.latentQueries());
		for (int head = 0; head < this.shape.heads(); head++) {
			this.intoLatent.get(head)
				.forward(weights, latentQueries.columns(head * this.shape.keyDim(), rank),
						queries.columns(head * this.shape.queryDim(), this.shape.nopeDim()));
		}
		copyRotated(pass, latentQueries, queries);
		this.rotary.apply(pass, latentQueries, this.rotarySpec);
		this.rotary.apply(pass, keys, this.rotarySpec);
		Tensor mixed = pass.get(this.buffers.mixed());
		pass.device().storeKv(pass.kv(), this.layer, pass.batch(), keys, null);
		pass.device().attention(mixed, latentQueries, pass.kv(), this.layer, pass.batch(), this.spec);
		Tensor values = pass.get(this.buffers.values());
		for (int head = 0; head < this.shape.heads(); head++) {
			this.outOfLatent.get(head)
				.forward(weights, values.columns(head * this.shape.valueDim(), this.shape.valueDim()),
						mixed.columns(head * rank, rank));
		}
		this.output.forward(weights, out, values);
	}

	private Tensor queries(Pass pass, Weights weights, Tensor x) {
		Tensor queries = pass.get(this.buffers.queries());
		if (this.queryDown != null && this.queryNorm != null) {
			Tensor low = pass.get(this.buffers.lowQueries());
			this.queryDown.forward(weights, low, x);
			this.queryNorm.forward(pass, weights, low, low);
			this.query.forward(weights, queries, low);
		}
		else {
			this.query.forward(weights, queries, x);
		}
		return queries;
	}

	/**
	 * Copies the parts of all queries that are rotated behind those in the latent space.
	 */
	private void copyRotated(Pass pass, Tensor latentQueries, Tensor queries) {
		Tensor to = latentQueries.reshape(this.shape.keyDim()).columns(this.shape.rank(), this.shape.ropeDim());
		Tensor from = queries.reshape(this.shape.queryDim()).columns(this.shape.nopeDim(), this.shape.ropeDim());
		pass.device().gather(to, from, IntStream.range(0, from.rows()).toArray());
	}

	/**
	 * Sizes of latent attention.
	 *
	 * @param heads query heads
	 * @param rank length of the vector that is kept
	 * @param queryRank length of what queries are made of; 0: of the stream itself
	 * @param nopeDim part of a query without position
	 * @param ropeDim part of a query, and of what is kept, that is rotated
	 * @param valueDim length of a value
	 * @param scale factor of the scores
	 * @param pairs which numbers are rotated together
	 * @param bias of the outer projections
	 */
	record Shape(int heads, int rank, int queryRank, int nopeDim, int ropeDim, int valueDim, float scale,
			RotaryPairs pairs, Bias bias) {

		/**
		 * Reads the sizes.
		 * @param config the model's config
		 * @param pairs which numbers are rotated together
		 * @return the sizes
		 */
		static Shape of(ModelConfig config, RotaryPairs pairs) {
			int nopeDim = config.getPositiveInt("qk_nope_head_dim");
			int ropeDim = config.getPositiveInt("qk_rope_head_dim");
			double scale = 1 / Math.sqrt(nopeDim + ropeDim);
			ModelConfig rope = config.ropeParameters().properties();
			double mscale = rope.getDouble("mscale_all_dim", 0);
			if (!config.ropeParameters().type().equals("default") && mscale != 0) {
				double sharpening = RopeScaling.yarnScale(config.ropeParameters().factor(), mscale);
				scale *= sharpening * sharpening;
			}
			return new Shape(config.getPositiveInt("num_attention_heads"), config.getPositiveInt("kv_lora_rank"),
					config.getInt("q_lora_rank", 1536, 0), nopeDim, ropeDim, config.getPositiveInt("v_head_dim"),
					(float) scale, pairs, Bias.of(config.getBoolean("attention_bias", false)));
		}

		int queryDim() {
			return this.nopeDim + this.ropeDim;
		}

		int keyDim() {
			return this.rank + this.ropeDim;
		}

		/**
		 * What is kept of a token in each layer.
		 * @return keys that hold the values
		 */
		KvPages.Layout layout() {
			return new KvPages.Layout(1, 1, keyDim(), 0, this.ropeDim, KvPages.Format.F32);
		}

	}

	/** Which numbers of a head are rotated together. */
	enum RotaryPairs {

		/** {@code (2i, 2i + 1)}. */
		NEIGHBOURS,

		/** {@code (i, i + ropeDim / 2)}. */
		HALVES

	}

	/** Finds the projections of each head. */
	interface HeadProjections {

		/**
		 * From the part of a query without position into the latent space.
		 * @param layer gets the weights
		 * @param shape sizes
		 * @param head index of the head
		 * @return rank outputs of nopeDim inputs
		 */
		Linear intoLatent(LayerBuilder layer, Shape shape, int head);

		/**
		 * From the latent space to values.
		 * @param layer gets the weights
		 * @param shape sizes
		 * @param head index of the head
		 * @return valueDim outputs of rank inputs
		 */
		Linear outOfLatent(LayerBuilder layer, Shape shape, int head);

	}

	/**
	 * Buffers for what is computed between input and output.
	 *
	 * @param lowQueries [queryRank] per row
	 * @param queries [heads · queryDim] per row
	 * @param keys [keyDim] per row
	 * @param latentQueries [heads · keyDim] per row
	 * @param mixed [heads · rank] per row
	 * @param values [heads · valueDim] per row
	 */
	private record Buffers(Slots.Slot lowQueries, Slots.Slot queries, Slots.Slot keys, Slots.Slot latentQueries,
			Slots.Slot mixed, Slots.Slot values) {

		static Buffers of(Slots slots, Shape shape) {
			return new Buffers(slots.shared("latent.lowQueries", Math.max(1, shape.queryRank())),
					slots.shared("latent.queries", shape.heads() * shape.queryDim()),
					slots.shared("latent.keys", shape.keyDim()),
					slots.shared("latent.latentQueries", shape.heads() * shape.keyDim()),
					slots.shared("latent.mixed", shape.heads() * shape.rank()),
					slots.shared("latent.values", shape.heads() * shape.valueDim()));
		}

	}

}
