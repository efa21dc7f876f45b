package io.github.flashspring.engine.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.ObjIntConsumer;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.KvPages;
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
public final class CausalLanguageModel implements Forward, AutoCloseable {

	private static final int[] NO_ROWS = {};

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

	/** Logits on the host, of one row of each sequence. */
	private final float[] host;

	private ObjIntConsumer<Tensor> observer = (hidden, layers) -> {
	};

	/**
	 * Allocates the activations.
	 * @param definition the parts
	 * @param store their weights
	 * @param device computes
	 * @param chunkRows most rows that a layer computes at once
	 * @param maxRows most rows of a pass
	 * @param sequences how many sequences run at once
	 */
	public CausalLanguageModel(ModelDefinition definition, WeightStore store, Device device, int chunkRows, int maxRows,
			int sequences) {
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
		int rows = ModelDefinition.logitRows(maxRows, sequences);
		int hidden = definition.shape().hiddenSize();
		int vocab = definition.shape().vocabSize();
		this.logitsBuffer = device.allocate((long) rows * (hidden + vocab) * Float.BYTES);
		this.logits = new Head.LogitsMemory(Tensor.of(this.logitsBuffer, 0, DType.F32, rows, hidden),
				Tensor.of(this.logitsBuffer, (long) rows * hidden * Float.BYTES, DType.F32, rows, vocab));
		this.host = new float[Math.min(maxRows, sequences) * vocab];
	}

	/**
	 * Shows the residual stream of every pass.
	 * @param watcher gets F32 [rows, hidden] and the number of layers computed so far
	 */
	void observe(ObjIntConsumer<Tensor> watcher) {
		this.observer = watcher;
	}

	@Override
	public Logits forward(RaggedBatch batch, KvPages kv, int[] logitRows, Consumer<Logits> earlier,
			BooleanSupplier abandoned) {
		long start = System.nanoTime();
		this.store.beginPass(batch.rows(), Math.ceilDiv(logitRows.length, this.logits.rows()));
		try {
			compute(pass(batch, 0, kv, NO_ROWS), abandoned);
			return logits(batch, kv, logitRows, earlier);
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
	}

	/**
	 * Computes logits, in rounds of as many rows as there is memory for. The last round
	 * is a full one, so that it has the rows of all sequences that generate.
	 */
	private Logits logits(RaggedBatch batch, KvPages kv, int[] rows, Consumer<Logits> earlier) {
		Logits last = Logits.NONE;
		int count;
		for (int from = 0; from < rows.length; from += count) {
			count = upToMultiple(rows.length - from, this.logits.rows());
			int[] round = Arrays.copyOfRange(rows, from, from + count);
			this.head.forward(List.of(pass(batch, 0, kv, round)));
			last = read(round, earlier);
			if (from + count < rows.length) {
				earlier.accept(last);
			}
		}
		return last;
	}

	/** Reads the logits of a round back: at once, unless it is of a text. */
	private Logits read(int[] rows, Consumer<Logits> earlier) {
		int vocab = this.definition.shape().vocabSize();
		int from = 0;
		while (true) {
			int count = upToMultiple(rows.length - from, this.host.length / vocab);
			this.device.read(this.logits.logits().rows(from, count), this.host);
			Logits part = new Logits(Arrays.copyOfRange(rows, from, from + count), vocab, this.host);
			from += count;
			if (from == rows.length) {
				return part;
			}
			earlier.accept(part);
		}
	}

	/** As many of some rows as leave a multiple of another number. */
	private static int upToMultiple(int rows, int divisor) {
		return (rows - 1) % divisor + 1;
	}

	private Pass pass(RaggedBatch batch, int firstRow, KvPages kv, int[] logitRows) {
		return new Pass(this.device, batch, firstRow, kv, this.experts, this.activations.tensors(), this.logits,
				logitRows);
	}

	/** Parts of a pass that a layer computes one after the other. */
	private List<Pass> chunks(Pass pass) {
		RaggedBatch batch = pass.batch();
		if (batch.rows() <= this.chunkRows) {
			return List.of(pass);
		}
		List<Pass> chunks = new ArrayList<>();
		for (int from = 0; from < batch.rows(); from += this.chunkRows) {
			chunks.add(pass(batch.part(from, Math.min(this.chunkRows, batch.rows() - from)), from, pass.kv(), NO_ROWS));
		}
		return chunks;
	}

	@Override
	public void close() {
		this.activations.buffer().close();
		this.logitsBuffer.close();
	}

}
