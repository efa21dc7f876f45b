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
import io.github.flashspring.engine.weights.Parameter;
import io.github.flashspring.engine.weights.WeightGroup;
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

	/** Epsilon of the norms inside, whatever that of the model is. */
	private static final float EPSILON = 1e-6f;

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

	private final List<HeadProjection> intoLatent = new ArrayList<>();

	private final List<HeadProjection> outOfLatent = new ArrayList<>();

	private final Linear output;

	private final Room room;

	/**
	 * Declares the weights of one layer's attention.
	 * @param decoder the model
	 * @param unit weights of the layer
	 * @param layerPrefix what the names of its tensors begin with
	 * @param shape sizes
	 * @param rotary positions
	 */
	LatentAttention(Decoder decoder, WeightGroup unit, String layerPrefix, Shape shape, RotaryEmbedding rotary) {
		this.shape = shape;
		this.layer = decoder.nextKeyValueLayer(0);
		this.rotary = rotary;
		int hidden = decoder.config().hiddenSize();
		int queryWidth = shape.heads() * shape.queryDim();
		this.spec = new AttentionSpec(shape.heads(), 1, shape.keyDim(), shape.rank(), shape.scale(), 0);
		this.rotarySpec = new RotarySpec(shape.keyDim(), shape.rank(), shape.interleaved());
		if (shape.queryRank() > 0) {
			this.queryDown = Linear.of(unit, "self_attn.q_a_proj", shape.queryRank(), hidden, shape.bias());
			this.queryNorm = Norm.Kind.rms(EPSILON).of(unit, "self_attn.q_a_layernorm", shape.queryRank());
			this.query = Linear.of(unit, "self_attn.q_b_proj", queryWidth, shape.queryRank(), false);
		}
		else {
			this.queryDown = null;
			this.queryNorm = null;
			this.query = Linear.of(unit, "self_attn.q_proj", queryWidth, hidden, false);
		}
		this.latent = Linear.of(unit, "self_attn.kv_a_proj_with_mqa", shape.keyDim(), hidden, shape.bias());
		this.latentNorm = Norm.Kind.rms(EPSILON).of(unit, "self_attn.kv_a_layernorm", shape.rank());
		boolean split = decoder.source().has(layerPrefix + "self_attn.embed_q.weight");
		for (int head = 0; head < shape.heads(); head++) {
			this.intoLatent
				.add(split ? HeadProjection.embedding(unit, shape, head) : HeadProjection.keys(unit, shape, head));
		}
		for (int head = 0; head < shape.heads(); head++) {
			this.outOfLatent
				.add(split ? HeadProjection.unembedding(unit, shape, head) : HeadProjection.values(unit, shape, head));
		}
		this.output = Linear.of(unit, "self_attn.o_proj", hidden, shape.heads() * shape.valueDim(), shape.bias());
		this.room = Room.of(decoder, shape);
		decoder.widen(shape.heads() * shape.valueDim());
		decoder.widen(shape.keyDim());
		decoder.widen(shape.queryRank());
	}

	@Override
	public void forward(Pass pass, Weights weights, Tensor out, Tensor x) {
		int rank = this.shape.rank();
		Tensor queries = queries(pass, weights, x);
		Tensor keys = pass.get(this.room.keys());
		this.latent.forward(weights, keys, x);
		this.latentNorm.forward(pass, weights, keys.columns(0, rank), keys.columns(0, rank));
		Tensor latentQueries = pass.get(this.room.latentQueries());
		for (int head = 0; head < this.shape.heads(); head++) {
			this.intoLatent.get(head)
				.forward(weights, latentQueries.columns(head * this.shape.keyDim(), rank),
						queries.columns(head * this.shape.queryDim(), this.shape.plainDim()));
		}
		copyTurned(pass, latentQueries, queries);
		this.rotary.apply(pass, latentQueries, this.rotarySpec);
		this.rotary.apply(pass, keys, this.rotarySpec);
		Tensor mixed = pass.get(this.room.mixed());
		pass.device().storeKv(pass.kv(), this.layer, pass.batch(), keys, null);
		pass.device().attention(mixed, latentQueries, pass.kv(), this.layer, pass.batch(), this.spec);
		Tensor values = pass.get(this.room.values());
		for (int head = 0; head < this.shape.heads(); head++) {
			this.outOfLatent.get(head)
				.forward(weights, values.columns(head * this.shape.valueDim(), this.shape.valueDim()),
						mixed.columns(head * rank, rank));
		}
		this.output.forward(weights, out, values);
	}

	private Tensor queries(Pass pass, Weights weights, Tensor x) {
		Tensor queries = pass.get(this.room.queries());
		if (this.queryDown != null && this.queryNorm != null) {
			Tensor low = pass.get(this.room.lowQueries());
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
	 * Copies the parts of all queries that carry positions behind those in the latent.
	 */
	private void copyTurned(Pass pass, Tensor latentQueries, Tensor queries) {
		Tensor to = latentQueries.reshape(this.shape.keyDim()).columns(this.shape.rank(), this.shape.turnedDim());
		Tensor from = queries.reshape(this.shape.queryDim()).columns(this.shape.plainDim(), this.shape.turnedDim());
		pass.device().gather(to, from, IntStream.range(0, from.rows()).toArray());
	}

	/**
	 * Sizes of latent attention.
	 *
	 * @param heads query heads
	 * @param rank length of the vector that is kept
	 * @param queryRank length of what queries are made of; 0: of the stream itself
	 * @param plainDim part of a query without position
	 * @param turnedDim part of a query, and of what is kept, that carries the position
	 * @param valueDim length of a value
	 * @param scale factor of the scores
	 * @param interleaved whether neighbours are turned together
	 * @param bias whether the outer projections have biases
	 */
	record Shape(int heads, int rank, int queryRank, int plainDim, int turnedDim, int valueDim, float scale,
			boolean interleaved, boolean bias) {

		/**
		 * Reads the sizes.
		 * @param config the model's settings
		 * @param heads query heads
		 * @param interleaved whether neighbours are turned together
		 * @return the sizes
		 */
		static Shape of(ModelConfig config, int heads, boolean interleaved) {
			int plain = DecoderConfig.positive(config, "qk_nope_head_dim");
			int turned = DecoderConfig.positive(config, "qk_rope_head_dim");
			double scale = 1 / Math.sqrt(plain + turned);
			ModelConfig rope = config.ropeParameters().properties();
			double mscale = rope.getDouble("mscale_all_dim", 0);
			if (!config.ropeParameters().type().equals("default") && mscale != 0) {
				double sharpening = RopeScaling.yarnScale(config.ropeParameters().factor(), mscale);
				scale *= sharpening * sharpening;
			}
			return new Shape(heads, DecoderConfig.positive(config, "kv_lora_rank"),
					config.getInt("q_lora_rank", 1536, 0), plain, turned, DecoderConfig.positive(config, "v_head_dim"),
					(float) scale, interleaved, config.getBoolean("attention_bias", false));
		}

		int queryDim() {
			return this.plainDim + this.turnedDim;
		}

		int keyDim() {
			return this.rank + this.turnedDim;
		}

		/**
		 * What is kept of a token in each layer.
		 * @return keys that hold the values
		 */
		KvPages.Layout layout() {
			return new KvPages.Layout(1, 1, keyDim(), 0);
		}

	}

	/**
	 * A head's way into the latent space or out of it.
	 *
	 * @param weight the matrix
	 * @param transposed whether to multiply with its columns
	 */
	private record HeadProjection(Parameter weight, boolean transposed) {

		/** The rows of {@code kv_b_proj} that make keys: [plainDim, rank]. */
		static HeadProjection keys(WeightGroup unit, Shape shape, int head) {
			int each = shape.plainDim() + shape.valueDim();
			return new HeadProjection(
					unit.rows("self_attn.kv_b_proj", shape.heads() * each, head * each, shape.plainDim(), shape.rank()),
					true);
		}

		/** The rows of {@code kv_b_proj} that make values: [valueDim, rank]. */
		static HeadProjection values(WeightGroup unit, Shape shape, int head) {
			int each = shape.plainDim() + shape.valueDim();
			return new HeadProjection(unit.rows("self_attn.kv_b_proj", shape.heads() * each,
					head * each + shape.plainDim(), shape.valueDim(), shape.rank()), false);
		}

		static HeadProjection embedding(WeightGroup unit, Shape shape, int head) {
			return new HeadProjection(
					unit.stacked("self_attn.embed_q.weight", shape.heads(), head, shape.rank(), shape.plainDim()),
					false);
		}

		static HeadProjection unembedding(WeightGroup unit, Shape shape, int head) {
			return new HeadProjection(
					unit.stacked("self_attn.unembed_out.weight", shape.heads(), head, shape.valueDim(), shape.rank()),
					false);
		}

		void forward(Weights weights, Tensor out, Tensor x) {
			if (this.transposed) {
				weights.linearTransposed(out, x, this.weight, null);
			}
			else {
				weights.linear(out, x, this.weight, null);
			}
		}

	}

	/**
	 * Room for what is computed between input and output.
	 *
	 * @param lowQueries [queryRank] per row
	 * @param queries [heads · queryDim] per row
	 * @param keys [keyDim] per row
	 * @param latentQueries [heads · keyDim] per row
	 * @param mixed [heads · rank] per row
	 * @param values [heads · valueDim] per row
	 */
	private record Room(Slots.Slot lowQueries, Slots.Slot queries, Slots.Slot keys, Slots.Slot latentQueries,
			Slots.Slot mixed, Slots.Slot values) {

		static Room of(Decoder decoder, Shape shape) {
			return new Room(decoder.slot("latent.lowQueries", Math.max(1, shape.queryRank())),
					decoder.slot("latent.queries", shape.heads() * shape.queryDim()),
					decoder.slot("latent.keys", shape.keyDim()),
					decoder.slot("latent.latentQueries", shape.heads() * shape.keyDim()),
					decoder.slot("latent.mixed", shape.heads() * shape.rank()),
					decoder.slot("latent.values", shape.heads() * shape.valueDim()));
		}

	}

}
