package io.github.flashspring.engine.model;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.ObjIntConsumer;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.KvBlocks;
import io.github.flashspring.engine.device.RaggedBatch;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.residency.ExpertGroup;
import io.github.flashspring.engine.residency.StreamingProxy;
import io.github.flashspring.engine.residency.WeightStore;
import io.github.flashspring.engine.weights.WeightGroup;

/**
 * A model that is ready to compute: token ids and positions in, logits out. Used by one
 * thread.
 */
public final class CausalLanguageModel implements AutoCloseable {

	private final ModelDefinition definition;

	private final WeightStore store;

	private final Device device;

	private final int chunkRows;

	private final List<StreamingProxy<Pass>> layers;

	private final Map<WeightGroup, ExpertGroup> experts = new IdentityHashMap<>();

	private final StreamingProxy<Pass> head;

	private final Slots.Allocation activations;

	private final Buffer logitsBuffer;

	private final Head.LogitsMemory logits;

	private ObjIntConsumer<Tensor> observer = (hidden, layers) -> {
	};

	/**
	 * Allocates the activations.
	 * @param definition the parts
	 * @param store their weights
	 * @param device computes
	 * @param chunkRows most rows that a layer computes at once
	 * @param maxRows most rows of a pass
	 */
	public CausalLanguageModel(ModelDefinition definition, WeightStore store, Device device, int chunkRows,
			int maxRows) {
		this.chunkRows = chunkRows;
		this.definition = definition;
		this.store = store;
		this.device = device;
		this.layers = new ArrayList<>();
		int unit = 0;
		for (ModelDefinition.Part part : definition.layers()) {
			this.layers.add(new StreamingProxy<>(store, unit, part.layer()));
			if (!part.experts().isEmpty()) {
				this.experts.put(part.experts().getFirst(), new ExpertGroup(store, unit));
			}
			unit += 1 + part.experts().size();
		}
		this.head = new StreamingProxy<>(store, unit, definition.head().layer());
		this.activations = definition.slots().allocate(device, chunkRows, maxRows);
		int rows = ModelDefinition.logitRows(maxRows);
		int hidden = definition.shape().hiddenSize();
		int vocab = definition.shape().vocabSize();
		this.logitsBuffer = device.allocate((long) rows * (hidden + vocab) * Float.BYTES);
		this.logits = new Head.LogitsMemory(Tensor.of(this.logitsBuffer, 0, DType.F32, rows, hidden),
				Tensor.of(this.logitsBuffer, (long) rows * hidden * Float.BYTES, DType.F32, rows, vocab),
				new float[vocab]);
	}

	/**
	 * Shows the residual stream of every pass.
	 * @param watcher gets F32 [rows, hidden] and the number of layers computed so far
	 */
	void observe(ObjIntConsumer<Tensor> watcher) {
		this.observer = watcher;
	}

	/**
	 * Computes one pass.
	 * @param batch tokens and where they belong
	 * @param kv keys and values of the tokens before; gets those of the batch
	 * @param logitRows rows whose logits are wanted, ascending
	 * @param sink gets the logits
	 * @param abandoned asked before each layer; true when nobody wants the pass any more
	 * @throws CancellationException if the pass was abandoned
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if weights
	 * cannot be read
	 */
	public void forward(RaggedBatch batch, KvBlocks kv, int[] logitRows, LogitsSink sink, BooleanSupplier abandoned) {
		long start = System.nanoTime();
		Pass pass = pass(batch, 0, kv, logitRows, sink);
		this.store.beginPass(batch.rows(), Math.ceilDiv(logitRows.length, this.logits.rows()));
		try {
			compute(pass, abandoned);
		}
		finally {
			this.store.endPass(batch.rows(), start);
		}
	}

	private void compute(Pass pass, BooleanSupplier abandoned) {
		this.store.embed(pass.get(this.definition.hidden()), pass.batch().tokens());
		if (this.definition.embeddingScale() != 1f) {
			this.device.elementwise().scale(pass.get(this.definition.hidden()), this.definition.embeddingScale());
		}
		this.definition.rotaries().forEach((rotary) -> rotary.prepare(pass));
		this.observer.accept(pass.get(this.definition.hidden()), 0);
		List<Pass> chunks = chunks(pass);
		for (int i = 0; i < this.layers.size(); i++) {
			if (abandoned.getAsBoolean()) {
				throw new CancellationException();
			}
			this.layers.get(i).forward(chunks);
			this.observer.accept(pass.get(this.definition.hidden()), i + 1);
		}
		if (pass.logitRows().length > 0) {
			this.head.forward(List.of(pass));
		}
	}

	private Pass pass(RaggedBatch batch, int firstRow, KvBlocks kv, int[] logitRows, LogitsSink sink) {
		return new Pass(this.device, batch, firstRow, kv, this.experts, this.activations.tensors(), this.logits,
				logitRows, sink);
	}

	/** Parts of a pass that a layer computes one after the other. */
	private List<Pass> chunks(Pass pass) {
		RaggedBatch batch = pass.batch();
		if (batch.rows() <= this.chunkRows) {
			return List.of(pass);
		}
		List<Pass> chunks = new ArrayList<>();
		for (int from = 0; from < batch.rows(); from += this.chunkRows) {
			chunks.add(pass(batch.part(from, Math.min(this.chunkRows, batch.rows() - from)), from, pass.kv(),
					pass.logitRows(), pass.sink()));
		}
		return chunks;
	}

	@Override
	public void close() {
		this.activations.buffer().close();
		this.logitsBuffer.close();
	}

	/** Receives logits of rows. */
	@FunctionalInterface
	public interface LogitsSink {

		/**
		 * Takes the logits of a row.
		 * @param row row of the batch
		 * @param logits [vocab]; valid during the call only
		 */
		void accept(int row, float[] logits);

	}

}
