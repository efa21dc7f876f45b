package io.github.flashspring.engine.model;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

import io.github.flashspring.engine.checkpoint.RopeParameters;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.weights.Parameter;
import io.github.flashspring.engine.weights.WeightGroup;

/**
 * A decoder-only model while it is defined: embedding, layers on a residual stream, final
 * norm and head. The file of an architecture fills the layers.
 */
final class Decoder {

	private final ModelSource source;

	private final DecoderConfig config;

	private final TensorNames names;

	private final Slots slots = new Slots();

	private final Requirements requirements = new Requirements();

	private final Residual.Buffers buffers;

	private final Map<RopeParameters, RotaryEmbedding> rotaries = new HashMap<>();

	private final RouterLookahead.Chain lookahead = new RouterLookahead.Chain();

	private final List<LayerBuilder> layers;

	private KvPages.Layout keyValueLayout;

	private float embeddingScale = 1f;

	private float logitScale = 1f;

	private float logitSoftcap;

	/**
	 * Starts a model with the tensor names of Llama.
	 * @param source what is being defined
	 * @param config sizes
	 */
	Decoder(ModelSource source, DecoderConfig config) {
		this(source, config, new TensorNames(source.checkpoint()));
	}

	Decoder(ModelSource source, DecoderConfig config, TensorNames names) {
		this.source = source;
		this.config = config;
		this.names = names;
		this.buffers = new Residual.Buffers(this.slots.add(config.hiddenSize(), Slots.Extent.PASS),
				this.slots.add(config.hiddenSize(), Slots.Extent.CHUNK),
				this.slots.add(config.hiddenSize(), Slots.Extent.CHUNK));
		this.requirements.widen(config.hiddenSize());
		this.keyValueLayout = new KvPages.Layout(1, config.numKeyValueHeads(), config.headDim(), config.headDim());
		this.layers = IntStream.range(0, config.numHiddenLayers())
			.mapToObj((layer) -> new LayerBuilder(this, layer))
			.toList();
	}

	/** The layers, to be filled in order. */
	List<LayerBuilder> layers() {
		return this.layers;
	}

	/**
	 * The rotary embedding of whole heads, whatever {@code partial_rotary_factor} says:
	 * most architectures do not know it.
	 * @param rope parameters
	 * @param headDim length of a head, or of the part of it that is rotated
	 * @return one for all layers with these parameters
	 */
	RotaryEmbedding rotary(RopeParameters rope, int headDim) {
		return partialRotary(rope.partialRotaryFactor(1), headDim);
	}

	RotaryEmbedding rotary(RopeParameters rope) {
		return rotary(rope, this.config.headDim());
	}

	/**
	 * The rotary embedding of a share of each head.
	 * @param rope parameters, with {@code partial_rotary_factor}
	 * @return one for all layers with these parameters
	 */
	RotaryEmbedding partialRotary(RopeParameters rope) {
		return partialRotary(rope, this.config.headDim());
	}

	private RotaryEmbedding partialRotary(RopeParameters rope, int headDim) {
		int positions = this.config.maxPositionEmbeddings();
		return this.rotaries.computeIfAbsent(rope,
				(key) -> new RotaryEmbedding(RopeScaling.of(rope, RotaryEmbedding.dim(rope, headDim), positions,
						this.source.contextLength().applyAsInt(positions)), this.slots));
	}

	/** Multiplies the token embeddings. */
	void scaleEmbeddings(float factor) {
		this.embeddingScale = factor;
	}

	/** Multiplies the logits. */
	void scaleLogits(float factor) {
		this.logitScale = factor;
	}

	/** Caps the logits; 0: not. */
	void capLogits(float softcap) {
		this.logitSoftcap = softcap;
	}

	/** Sets what is kept of a token in each layer; otherwise keys and values by head. */
	void keyValues(KvPages.Layout layout) {
		this.keyValueLayout = layout;
	}

	/**
	 * Ends the model with the final norm and the head.
	 * @param kind of the final norm
	 * @return the definition
	 */
	ModelDefinition end(Norm.Kind kind) {
		int hidden = this.config.hiddenSize();
		int vocabulary = this.config.vocabSize();
		WeightGroup embedding = WeightGroup.embedding("embed_tokens", "");
		embedding.matrix(this.names.embedding(), vocabulary, hidden);
		WeightGroup last = WeightGroup.head("head", "");
		String module = this.names.head(this.config);
		Norm norm = kind.of(last, this.names.norm(), hidden);
		Parameter weight = last.matrix(module, vocabulary, hidden);
		Head head = new Head(norm, weight, this.buffers.stream(), this.logitScale, this.logitSoftcap);
		ModelDefinition.Shape shape = new ModelDefinition.Shape(hidden, vocabulary, this.config.maxPositionEmbeddings(),
				this.requirements.widest(), this.requirements.keyValueLayers(), this.config.numAttentionHeads(),
				this.keyValueLayout);
		return new ModelDefinition(shape, this.requirements, this.slots,
				new ModelDefinition.Embedding(embedding, this.embeddingScale, this.buffers.stream(),
						List.copyOf(this.rotaries.values())),
				this.layers.stream().map(LayerBuilder::build).toList(), new ModelDefinition.Part(last, List.of(), head),
				this.names.unused());
	}

	DecoderConfig config() {
		return this.config;
	}

	TensorNames names() {
		return this.names;
	}

	Slots slots() {
		return this.slots;
	}

	Requirements requirements() {
		return this.requirements;
	}

	Residual.Buffers buffers() {
		return this.buffers;
	}

	RouterLookahead.Chain lookahead() {
		return this.lookahead;
	}

}
