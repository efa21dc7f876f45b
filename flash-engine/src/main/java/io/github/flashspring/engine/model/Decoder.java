package io.github.flashspring.engine.model;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.RopeParameters;
import io.github.flashspring.engine.device.KvBlocks;
import io.github.flashspring.engine.device.Workload;
import io.github.flashspring.engine.weights.WeightGroup;

/**
 * Puts a decoder together: embedding, layers on a residual stream, final norm and head.
 * The file of an architecture adds the layers one by one.
 */
final class Decoder {

	private static final String HEAD = "lm_head";

	private final ModelSource source;

	private final DecoderConfig config;

	private final Names names;

	private final Slots slots = new Slots();

	private final Slots.Slot hidden;

	private final Slots.Slot normed;

	private final Slots.Slot delta;

	private final Map<RopeParameters, RotaryEmbedding> rotaries = new HashMap<>();

	private final Map<String, Slots.Slot> shared = new HashMap<>();

	private final List<ModelDefinition.Part> layers = new ArrayList<>();

	private final List<String> ignored = new ArrayList<>(List.of(".rotary_emb.inv_freq"));

	private @Nullable MoeLayer lastMixture;

	private final Set<Workload.Step> steps = new LinkedHashSet<>();

	private int keyValueLayers;

	private long stateFloats;

	private int widest;

	/**
	 * Starts with the names of Llama.
	 * @param source what is being defined
	 * @param config sizes
	 */
	Decoder(ModelSource source, DecoderConfig config) {
		this(source, config, Names.LLAMA);
	}

	Decoder(ModelSource source, DecoderConfig config, Names names) {
		this.source = source;
		this.config = config;
		this.names = names;
		this.hidden = this.slots.addForPass(config.hiddenSize());
		this.normed = this.slots.add(config.hiddenSize());
		this.delta = this.slots.add(config.hiddenSize());
		widen(config.hiddenSize());
	}

	DecoderConfig config() {
		return this.config;
	}

	ModelSource source() {
		return this.source;
	}

	Slots slots() {
		return this.slots;
	}

	/**
	 * Notes the width of an input of a linear layer.
	 * @param columns inputs, or length of a query
	 */
	void widen(int columns) {
		this.widest = Math.max(this.widest, columns);
	}

	/**
	 * Notes an operation that other models may not use.
	 * @param step the operation
	 */
	void uses(Workload.Step step) {
		this.steps.add(step);
	}

	/**
	 * Takes the next place among the layers that have keys and values.
	 * @return its index
	 */
	int nextKeyValueLayer() {
		return this.keyValueLayers++;
	}

	/**
	 * Takes room in the state of a sequence.
	 * @param floats numbers that a layer needs
	 * @return where they begin
	 */
	long nextState(long floats) {
		long offset = this.stateFloats;
		this.stateFloats += (floats + 15) & -16;
		return offset;
	}

	/**
	 * Starts the weights of an expert.
	 * @param layer index of the layer
	 * @param name of the expert below the layer
	 * @param routing how many experts there are, and how many a token needs
	 * @return an empty unit, whose names begin like those of the layer
	 */
	WeightGroup expertUnit(int layer, String name, Routing routing) {
		this.slots.experts(routing.perToken());
		return new WeightGroup("layers." + layer + "." + name, layerPrefix(layer), routing.perToken(),
				routing.experts());
	}

	/**
	 * Starts the weights of a layer.
	 * @param index of the layer
	 * @return an empty unit
	 */
	WeightGroup unit(int index) {
		return new WeightGroup("layers." + index, layerPrefix(index));
	}

	/**
	 * What the names of a layer's tensors begin with.
	 * @param index of the layer
	 * @return such as {@code model.layers.3.}
	 */
	String layerPrefix(int index) {
		return this.names.layers() + index + ".";
	}

	/**
	 * The rotary embedding of whole heads, whatever share of them the file says: most
	 * architectures know none.
	 * @param rope settings
	 * @param headDim length of a head, or of the part of it that is turned
	 * @return one for all layers with these settings
	 */
	RotaryEmbedding rotary(RopeParameters rope, int headDim) {
		return partialRotary(rope.partialRotaryFactor(1), headDim);
	}

	/**
	 * The rotary embedding of a share of each head.
	 * @param rope settings
	 * @param headDim length of a head
	 * @return one for all layers with these settings
	 */
	RotaryEmbedding partialRotary(RopeParameters rope, int headDim) {
		int positions = this.config.maxPositionEmbeddings();
		return this.rotaries.computeIfAbsent(rope,
				(key) -> new RotaryEmbedding(RopeScaling.of(rope, RotaryEmbedding.dim(rope, headDim), positions,
						this.source.contextLength().applyAsInt(positions)), this.slots));
	}

	/**
	 * Starts the attention of a layer.
	 * @param unit weights of the layer
	 * @return settings as in Llama
	 */
	Attention.Builder attention(WeightGroup unit) {
		return new Attention.Builder(this, unit);
	}

	/**
	 * Room that all layers share, since one computes after the other.
	 * @param name what it is for
	 * @param width numbers per row
	 * @return the same for the same name and width
	 */
	Slots.Slot slot(String name, int width) {
		return this.shared.computeIfAbsent(name + " " + width, (key) -> this.slots.add(width));
	}

	/**
	 * Room for rows of experts that are computed at once, which all layers share.
	 * @param name what it is for
	 * @param width numbers per row
	 * @return the same for the same name and width
	 */
	Slots.Slot slotForExperts(String name, int width) {
		return this.shared.computeIfAbsent(name + " of experts " + width, (key) -> this.slots.addForExperts(width));
	}

	/**
	 * Room for all rows of a pass that layers compute in several parts, which all layers
	 * share.
	 * @param name what it is for
	 * @param width numbers per row
	 * @return the same for the same name and width
	 */
	Slots.Slot slotForParts(String name, int width) {
		return this.shared.computeIfAbsent(name + " of parts " + width, (key) -> this.slots.addForParts(width));
	}

	/**
	 * The residual stream.
	 * @return room for it
	 */
	Slots.Slot stream() {
		return this.hidden;
	}

	/**
	 * Room for feed-forward parts of a shape.
	 * @param shape sizes and activation
	 * @return one for all parts of a width
	 */
	Mlp.Activations feedForward(Mlp.Shape shape) {
		computes(shape);
		return new Mlp.Activations(slot("feedForward", shape.between()), shape.intermediate());
	}

	private void computes(Mlp.Shape shape) {
		widen(shape.intermediate());
		uses(shape.gated() ? new Workload.Gate(shape.activation()) : new Workload.Activate(shape.activation()));
	}

	/**
	 * Room for feed-forward parts of a shape that are experts.
	 * @param shape sizes and activation
	 * @return one for all parts of a width
	 */
	Mlp.Activations experts(Mlp.Shape shape) {
		computes(shape);
		return new Mlp.Activations(slotForExperts("feedForward", shape.between()), shape.intermediate());
	}

	/**
	 * A feed-forward part.
	 * @param unit weights of the layer
	 * @param module its name
	 * @param shape sizes and activation
	 * @return the part
	 */
	Mlp feedForward(WeightGroup unit, String module, Mlp.Shape shape) {
		return Mlp.of(unit, module, shape, feedForward(shape));
	}

	/**
	 * Adds a layer.
	 * @param unit its weights
	 * @param branches in order
	 */
	void add(WeightGroup unit, Residual.Branch... branches) {
		List<WeightGroup> experts = new ArrayList<>();
		for (Residual.Branch branch : branches) {
			if (branch.sublayer() instanceof MoeLayer mixture) {
				experts.addAll(mixture.units());
				if (this.lastMixture != null) {
					this.lastMixture.next(new MoeLayer.Next(mixture, unit, branch.before()));
				}
				this.lastMixture = mixture;
			}
		}
		this.layers.add(new ModelDefinition.Part(unit, experts,
				new Residual(this.hidden, this.normed, this.delta, List.of(branches))));
	}

	/**
	 * Lets a checkpoint hold tensors that are not used.
	 * @param end of their names
	 */
	void ignore(String end) {
		this.ignored.add(end);
	}

	/**
	 * Ends the model.
	 * @param norm kind of the final norm
	 * @return the definition, whose embedding, head and cache may still be changed
	 */
	ModelDefinition.Builder end(Norm.Kind norm) {
		WeightGroup embedding = WeightGroup.embedding("embed_tokens", "");
		embedding.matrix(this.names.embedding(), this.config.vocabSize(), this.config.hiddenSize());
		WeightGroup last = WeightGroup.head("head", "");
		// A head that is there counts whatever the config says, as in transformers.
		// Whether
		// it is a copy of the embedding shows only once both were read.
		boolean tied = this.config.tieWordEmbeddings() && !this.source.has(HEAD + ".weight");
		Norm finalNorm = norm.of(last, this.names.norm(), this.config.hiddenSize());
		Head head = new Head(finalNorm,
				last.matrix(tied ? this.names.embedding() : HEAD, this.config.vocabSize(), this.config.hiddenSize()),
				this.hidden, 1f, 0f);
		KvBlocks.Layout layout = new KvBlocks.Layout(1, this.config.numKeyValueHeads(), this.config.headDim(),
				this.config.headDim());
		return new ModelDefinition.Builder(this.slots, this.hidden, List.copyOf(this.rotaries.values()), embedding,
				this.layers, new ModelDefinition.Part(last, List.of(), head), this.ignored)
			.sizes(this.config.hiddenSize(), this.config.vocabSize(), this.config.maxPositionEmbeddings(), this.widest)
			.keyValues(this.keyValueLayers, this.config.numAttentionHeads(), layout)
			.states(this.stateFloats)
			.steps(this.steps);
	}

	/**
	 * Names of a model's parts.
	 *
	 * @param layers before the index of a layer
	 * @param embedding the token embedding
	 * @param norm the final norm
	 */
	record Names(String layers, String embedding, String norm) {

		static final Names LLAMA = new Names("model.layers.", "model.embed_tokens", "model.norm");

		static final Names BACKBONE = new Names("backbone.layers.", "backbone.embeddings", "backbone.norm_f");

	}

}
