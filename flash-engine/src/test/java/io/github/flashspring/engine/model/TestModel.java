package io.github.flashspring.engine.model;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

import io.github.flashspring.engine.storage.Disk;
import io.github.flashspring.engine.cache.KvCache;
import io.github.flashspring.engine.cache.SequenceMemory;
import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceProvider;
import io.github.flashspring.engine.device.RaggedBatch;
import io.github.flashspring.engine.device.cpu.CpuDeviceProvider;
import io.github.flashspring.engine.residency.ExpertStreaming;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.residency.ResidencyPlan;
import io.github.flashspring.engine.weights.WeightFiles;
import io.github.flashspring.engine.weights.WeightLayout;
import io.github.flashspring.engine.residency.WeightStore;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A golden checkpoint whose model a test drives pass by pass.
 */
final class TestModel implements AutoCloseable {

	private static final int CONTEXT = 64;

	private final Device device;

	private final Checkpoint checkpoint;

	private final WeightFiles files;

	private final WeightStore store;

	private final KvCache kv;

	private final CausalLanguageModel model;

	private final SequenceMemory memory;

	TestModel(Path folder) {
		this(folder, (device) -> device);
	}

	TestModel(Path folder, UnaryOperator<Device> wrapper) {
		this.device = wrapper.apply(new CpuDeviceProvider().create(new DeviceProvider.Options(2)));
		this.checkpoint = Checkpoint.open(folder);
		ModelDefinition definition = Architectures.define(this.checkpoint, (most) -> CONTEXT);
		WeightLayout layout = WeightLayout.of(this.checkpoint, definition.weightGroups(), definition.embedding(),
				definition.ignoredTensors());
		ResidencyPlan plan = ResidencyPlan.of(RamBudget.UNLIMITED, layout,
				new ResidencyPlan.Needs(CONTEXT, CONTEXT, 0, 0, (chunkRows, passRows) -> 0), Disk.UNKNOWN);
		this.files = new WeightFiles(layout);
		this.store = WeightStore.open(layout, this.files, plan, this.device, 0.05, ExpertStreaming.DEFAULT);
		this.kv = definition.cache(this.device, CONTEXT, 2 * CONTEXT, CONTEXT, 2);
		this.model = new CausalLanguageModel(definition, this.store, this.device, CONTEXT, CONTEXT, 3);
		this.memory = this.kv.open().orElseThrow();
		assertThat(this.memory.reserve(CONTEXT)).isTrue();
	}

	static Path folder(String resource) throws Exception {
		return Path.of(Objects.requireNonNull(TestModel.class.getResource("/" + resource)).toURI());
	}

	Device device() {
		return this.device;
	}

	CausalLanguageModel model() {
		return this.model;
	}

	KvCache kv() {
		return this.kv;
	}

	SequenceMemory memory() {
		return this.memory;
	}

	/**
	 * Computes tokens that follow what was computed before.
	 * @param tokens of the whole text
	 * @param from position of the first to compute
	 * @param to end of those to compute
	 * @return logits of each
	 */
	List<float[]> forward(int[] tokens, int from, int to) {
		RaggedBatch.Span all = this.memory.span(0, to - from);
		return forward(tokens, new RaggedBatch.Span(0, to - from, from, all.pageTables(), all.state()));
	}

	/**
	 * Computes tokens of a sequence.
	 * @param tokens of the whole text
	 * @param span the tokens to compute
	 * @return logits of each
	 */
	List<float[]> forward(int[] tokens, RaggedBatch.Span span) {
		int from = span.position();
		int to = from + span.rows();
		RaggedBatch batch = new RaggedBatch(Arrays.copyOfRange(tokens, from, to), IntStream.range(from, to).toArray(),
				List.of(span));
		List<float[]> rows = new ArrayList<>();
		add(rows, this.model.forward(batch, this.kv, IntStream.range(0, span.rows()).toArray(),
				(earlier) -> add(rows, earlier), () -> false));
		return rows;
	}

	private static void add(List<float[]> rows, Logits logits) {
		for (int i = 0; i < logits.rows().length; i++) {
			float[] row = new float[logits.vocabSize()];
			logits.copy(i, row);
			rows.add(row);
		}
	}

	@Override
	public void close() {
		this.model.close();
		this.memory.close();
		this.kv.close();
		this.store.close();
		this.files.close();
		this.device.close();
		this.checkpoint.close();
	}

}
