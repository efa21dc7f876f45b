package io.github.flashspring.engine.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

import io.github.flashspring.engine.cache.KvCache;
import io.github.flashspring.engine.cache.KvPrecision;
import io.github.flashspring.engine.cache.LayerGroups;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.Workload;
import io.github.flashspring.engine.residency.StreamingProxy;
import io.github.flashspring.engine.weights.WeightLayout;
import io.github.flashspring.engine.weights.WeightGroup;

/**
 * A model before its weights are found: its parts, what they compute on, and what that
 * needs. Made by the file of an architecture.
 */
public final class ModelDefinition {

	private final Shape shape;

	private final Requirements requirements;

	private final Slots slots;

	private final Embedding embedding;

	private final List<Part> layers;

	private final Part head;

	private final List<String> ignoredTensors;

	private final KvPrecision precision;

	ModelDefinition(Shape shape, Requirements requirements, Slots slots, Embedding embedding, List<Part> layers,
			Part head, List<String> ignoredTensors) {
		this(shape, requirements, slots, embedding, layers, head, ignoredTensors, KvPrecision.F32);
	}

	private ModelDefinition(Shape shape, Requirements requirements, Slots slots, Embedding embedding, List<Part> layers,
			Part head, List<String> ignoredTensors, KvPrecision precision) {
		this.precision = precision;
		this.shape = shape;
		this.requirements = requirements;
		this.slots = slots;
		this.embedding = embedding;
		this.layers = List.copyOf(layers);
		this.head = head;
		this.ignoredTensors = List.copyOf(ignoredTensors);
	}

	/**
	 * The same model with keys and values in another precision.
	 * @param kept how these are kept
	 * @return the definition
	 */
	public ModelDefinition keyValues(KvPrecision kept) {
		return new ModelDefinition(this.shape, this.requirements, this.slots, this.embedding, this.layers, this.head,
				this.ignoredTensors, kept);
	}

	/**
	 * Sizes of the model.
	 * @return the sizes
	 */
	public Shape shape() {
		return this.shape;
	}

	/**
	 * Weight groups in the order of a pass: the layers, each followed by its experts,
	 * then the head.
	 * @return the groups, without that of the embedding
	 */
	public List<WeightGroup> weightGroups() {
		List<WeightGroup> groups = new ArrayList<>();
		for (Part layer : this.layers) {
			groups.add(layer.weights());
			groups.addAll(layer.experts());
		}
		groups.add(this.head.weights());
		return groups;
	}

	/**
	 * Number of layers.
	 * @return layers, without the head
	 */
	public int layerCount() {
		return this.layers.size();
	}

	public WeightGroup embedding() {
		return this.embedding.weights();
	}

	/**
	 * Ends of names of tensors that a checkpoint may hold although they are not used.
	 * @return the ends
	 */
	public List<String> ignoredTensors() {
		return this.ignoredTensors;
	}

	/**
	 * Memory that passes need besides weights, keys and values.
	 * @param device computes them
	 * @param chunkRows maximum of rows that a layer computes at once
	 * @param passRows maximum of rows of a pass
	 * @param contextLength positions of a sequence
	 * @param sequences how many sequences run at once
	 * @return bytes of activations, logits and the device's scratch memory
	 */
	public long workBytes(Device device, int chunkRows, int passRows, int contextLength, int sequences) {
		int rows = logitRows(passRows, sequences);
		long logits = (long) rows * (this.shape.hiddenSize() + this.shape.vocabSize()) * Float.BYTES;
		// a row of each sequence that is read back, one of them, and the sampler's copy
		// of it
		long host = (Math.min(passRows, sequences) + 2L) * this.shape.vocabSize() * Float.BYTES;
		return this.slots.bytes(chunkRows, passRows) + logits + host + scratchBytes(device, chunkRows, contextLength)
				+ KvCache.passBytes(kvLayout(contextLength), layerGroups(), Math.min(passRows, contextLength));
	}

	/**
	 * Memory that the device itself needs, part of {@link #workBytes}.
	 * @param device computes
	 * @param chunkRows maximum of rows that a layer computes at once
	 * @param contextLength positions of a sequence
	 * @return bytes
	 */
	public long scratchBytes(Device device, int chunkRows, int contextLength) {
		boolean attends = this.shape.keyValueLayers() > 0;
		return device.scratchBytes(new Device.Limits(this.slots.rowsAtOnce(chunkRows), this.shape.widest(),
				attends ? this.shape.heads() : 0,
				attends ? kvLayout(contextLength) : new KvPages.Layout(KvPages.TOKENS, 0, 0, 0)));
	}

	/**
	 * Rows whose logits are computed at once: at least one of each sequence. Only a text
	 * whose logits are all wanted has more.
	 */
	static int logitRows(int rows, int sequences) {
		return Math.min(rows, Math.max(16, sequences));
	}

	/**
	 * Shape of KV pages: short ones waste little of a short context, longer ones are read
	 * in longer runs, as many positions as four registers of 512 bits have lanes.
	 * @param contextLength positions of a sequence
	 * @return the shape
	 */
	public KvPages.Layout kvLayout(int contextLength) {
		return this.shape.keyValueLayout().ofTokens((contextLength <= 256) ? 16 : 64).in(this.precision.oldest());
	}

	private LayerGroups layerGroups() {
		return this.requirements.layerGroups(this.precision);
	}

	/**
	 * What a device can prepare for.
	 * @param layout the weights as they are stored
	 * @param contextLength positions of a sequence
	 * @return the work of passes
	 */
	public Workload workload(WeightLayout layout, int contextLength) {
		return new Workload(layout.linears(), layout.tableFormat(),
				(this.shape.keyValueLayers() > 0) ? kvLayout(contextLength) : null, this.shape.hiddenSize(),
				layout.vectorType(), Set.copyOf(this.requirements.steps()));
	}

	/**
	 * Memory for keys and values, and for states.
	 * @param contextLength positions of a sequence
	 * @param tokens positions of all sequences together
	 * @param sequences how many sequences run at once
	 * @return bytes
	 */
	public long kvBytes(int contextLength, long tokens, int sequences) {
		return KvCache.bytes(kvLayout(contextLength), layerGroups(),
				new KvCache.Capacity(tokens, contextLength, contextLength)) + stateFloats() * Float.BYTES * sequences;
	}

	/**
	 * Makes the memory of sequences.
	 * @param device allocates it
	 * @param contextLength positions of a sequence
	 * @param tokens positions of all sequences together
	 * @param passRows most rows of a pass
	 * @param sequences how many sequences run at once
	 * @return the cache; the caller closes it
	 */
	public KvCache cache(Device device, int contextLength, long tokens, int passRows, int sequences) {
		return new KvCache(device, kvLayout(contextLength), layerGroups(),
				new KvCache.Capacity(tokens, Math.min(passRows, contextLength), contextLength), stateFloats(),
				sequences);
	}

	/**
	 * Size of what a sequence remembers besides keys and values.
	 * @return numbers of F32; 0 if there is nothing
	 */
	public long stateFloats() {
		return this.requirements.stateFloats();
	}

	/** Factor of the token embeddings. */
	float embeddingScale() {
		return this.embedding.scale();
	}

	Slots slots() {
		return this.slots;
	}

	Slots.Slot hidden() {
		return this.embedding.hidden();
	}

	List<RotaryEmbedding> rotaries() {
		return this.embedding.rotaries();
	}

	List<Part> layers() {
		return this.layers;
	}

	Part head() {
		return this.head;
	}

	/**
	 * A part of a pass: a layer or the head.
	 *
	 * @param weights that every pass needs
	 * @param experts weights that only some tokens need
	 * @param layer its computation
	 */
	record Part(WeightGroup weights, List<WeightGroup> experts, StreamingProxy.Layer<Pass> layer) {

	}

	/**
	 * What a pass begins with.
	 *
	 * @param weights the table
	 * @param scale factor of the token embeddings
	 * @param hidden the residual stream
	 * @param rotaries rotary embeddings of the layers
	 */
	record Embedding(WeightGroup weights, float scale, Slots.Slot hidden, List<RotaryEmbedding> rotaries) {

	}

	/**
	 * Sizes of a model.
	 *
	 * @param hiddenSize width of the residual stream
	 * @param vocabSize tokens
	 * @param maxPositions positions the model was trained for
	 * @param widest the widest input of a linear layer
	 * @param keyValueLayers layers that have keys and values
	 * @param heads query heads of such a layer
	 * @param keyValueLayout heads of keys and values, and their lengths
	 */
	public record Shape(int hiddenSize, int vocabSize, int maxPositions, int widest, int keyValueLayers, int heads,
			KvPages.Layout keyValueLayout) {

	}

}
