package io.github.flashspring.engine.model;

import java.util.Map;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.RaggedBatch;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.residency.ExpertGroup;
import io.github.flashspring.engine.weights.WeightGroup;

/**
 * What the layers of a model compute on in one pass, or a part of it: the batch, its keys
 * and values, and the activations.
 */
final class Pass {

	private final Device device;

	private final RaggedBatch batch;

	private final int firstRow;

	private final KvPages kv;

	private final Map<WeightGroup, ExpertGroup> experts;

	private final Tensor[] activations;

	private final Head.LogitsMemory logits;

	private final int[] logitRows;

	/**
	 * Describes a pass or a part of it.
	 * @param device computes
	 * @param batch the rows
	 * @param firstRow row of the pass with which {@code batch} begins
	 * @param kv keys and values
	 * @param experts weights that only some rows need, by the unit of the first expert of
	 * a layer
	 * @param activations by the index of their slots
	 * @param logits memory for logits
	 * @param logitRows rows of the pass whose logits are computed, at most as many as
	 * there is memory for
	 */
	Pass(Device device, RaggedBatch batch, int firstRow, KvPages kv, Map<WeightGroup, ExpertGroup> experts,
			Tensor[] activations, Head.LogitsMemory logits, int[] logitRows) {
		this.device = device;
		this.batch = batch;
		this.firstRow = firstRow;
		this.kv = kv;
		this.experts = experts;
		this.activations = activations;
		this.logits = logits;
		this.logitRows = logitRows;
	}

	Device device() {
		return this.device;
	}

	RaggedBatch batch() {
		return this.batch;
	}

	KvPages kv() {
		return this.kv;
	}

	/**
	 * The experts of a layer.
	 * @param first unit of the first of them
	 * @return their weights
	 */
	ExpertGroup experts(WeightGroup first) {
		ExpertGroup group = this.experts.get(first);
		if (group == null) {
			throw new IllegalArgumentException("The unit " + first.name() + " is no expert of this model");
		}
		return group;
	}

	/**
	 * An activation of this pass.
	 * @param slot its handle
	 * @return F32 [rows of the batch, width]
	 */
	Tensor get(Slots.Slot slot) {
		return this.activations[slot.index()].rows(slot.forPass() ? this.firstRow : 0, this.batch.rows());
	}

	/**
	 * Rows of an activation that need not be those of the batch.
	 * @param slot its handle, not of a whole pass
	 * @param rows how many, at most {@link #room}
	 * @return F32 [rows, width]
	 */
	Tensor get(Slots.Slot slot, int rows) {
		return this.activations[slot.index()].rows(0, rows);
	}

	/** Rows for which an activation has room. */
	int room(Slots.Slot slot) {
		return this.activations[slot.index()].rows();
	}

	Head.LogitsMemory logits() {
		return this.logits;
	}

	/**
	 * Rows whose logits are computed.
	 * @return row numbers
	 */
	int[] logitRows() {
		return this.logitRows;
	}

}
