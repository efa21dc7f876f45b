package io.github.flashspring.engine.model;

import java.util.Map;
import java.util.function.Consumer;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.KvBlocks;
import io.github.flashspring.engine.device.RaggedBatch;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.residency.StreamingProxy;
import io.github.flashspring.engine.residency.WeightUnit;
import io.github.flashspring.engine.residency.Weights;

/**
 * What the layers of a model compute on in one pass: the batch, its keys and values, and
 * the activations.
 */
final class Pass {

	private final Device device;

	private final RaggedBatch batch;

	private final KvBlocks kv;

	private final Map<WeightUnit, StreamingProxy<Consumer<Weights>>> experts;

	private final Tensor[] activations;

	private final Head.LogitsMemory logits;

	private final int[] logitRows;

	private final CausalLanguageModel.LogitsSink sink;

	Pass(Device device, RaggedBatch batch, KvBlocks kv, Map<WeightUnit, StreamingProxy<Consumer<Weights>>> experts,
			Tensor[] activations, Head.LogitsMemory logits, int[] logitRows, CausalLanguageModel.LogitsSink sink) {
		this.device = device;
		this.batch = batch;
		this.kv = kv;
		this.experts = experts;
		this.activations = activations;
		this.logits = logits;
		this.logitRows = logitRows;
		this.sink = sink;
	}

	Device device() {
		return this.device;
	}

	RaggedBatch batch() {
		return this.batch;
	}

	KvBlocks kv() {
		return this.kv;
	}

	/**
	 * Computes with the weights of an expert.
	 * @param unit its weights
	 * @param computation gets them
	 */
	void expert(WeightUnit unit, Consumer<Weights> computation) {
		StreamingProxy<Consumer<Weights>> expert = this.experts.get(unit);
		if (expert == null) {
			throw new IllegalArgumentException("The unit " + unit.name() + " is no expert of this model");
		}
		expert.forward(computation);
	}

	/**
	 * An activation of this pass.
	 * @param slot its handle
	 * @return F32 [rows of the batch, width]
	 */
	Tensor get(Slots.Slot slot) {
		return this.activations[slot.index()].rows(0, this.batch.rows());
	}

	Head.LogitsMemory logits() {
		return this.logits;
	}

	/**
	 * Rows whose logits are wanted.
	 * @return row numbers, ascending
	 */
	int[] logitRows() {
		return this.logitRows;
	}

	CausalLanguageModel.LogitsSink sink() {
		return this.sink;
	}

}
