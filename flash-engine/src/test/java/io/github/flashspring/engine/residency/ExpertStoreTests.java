package io.github.flashspring.engine.residency;

import io.github.flashspring.engine.pacing.BandwidthController;
import io.github.flashspring.engine.reading.BlockRead;
import io.github.flashspring.engine.reading.BlockReader;
import io.github.flashspring.engine.reading.ComputeWait;
import io.github.flashspring.engine.reading.IoRecorder;
import io.github.flashspring.engine.reading.PacingGate;
import io.github.flashspring.engine.reading.ReadQueue;
import io.github.flashspring.engine.reading.ReadSource;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

import io.github.flashspring.engine.storage.DirectFile;
import io.github.flashspring.engine.storage.DiskTurns;
import io.github.flashspring.engine.storage.DirectFiles;
import io.github.flashspring.engine.storage.FaultyAccess;
import io.github.flashspring.engine.weights.BlockLayout;
import io.github.flashspring.engine.weights.WeightLayout;
import io.github.flashspring.engine.weights.WeightGroup;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.Safetensors;
import io.github.flashspring.engine.checkpoint.TensorSource;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceProvider;
import io.github.flashspring.engine.device.Fence;
import io.github.flashspring.engine.device.cpu.CpuDeviceProvider;
import io.github.flashspring.engine.metrics.ExpertMetrics;
import io.github.flashspring.engine.residency.ExpertStreaming.Keep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

/**
 * Experts of a real file, read through a gate that tests open and close.
 */
@Timeout(60)
@SuppressWarnings("NullAway.Init") // each test starts what it needs
class ExpertStoreTests {

	private static final int EXPERTS = 16;

	private static final int FIRST = 1;

	/** Bytes of an expert: two matrices. */
	private static final int BYTES = 8192;

	private static final int LARGE_ROWS = 768;

	private static final int READERS = 4;

	@TempDir
	private Path folder;

	private final FaultyAccess.Faults faults = new FaultyAccess.Faults();

	private final Device device = new CpuDeviceProvider().create(new DeviceProvider.Options(1));

	private Checkpoint checkpoint;

	private List<DirectFile> files;

	private BlockLayout blocks;

	private ReadQueue queue;

	private ExpertStore store;

	private IoRecorder recorder;

	@BeforeEach
	void open() throws IOException {
		Map<String, TensorSource> tensors = new LinkedHashMap<>();
		tensors.put("embed.weight", tensor(0, 32, 32));
		tensors.put("layer.weight", tensor(0, 32, 32));
		for (int expert = 0; expert < EXPERTS; expert++) {
			tensors.put("e." + expert + ".up.weight", tensor(expert, 32, 32));
			if (expert == 1) {
				tensors.put("e.0.down.weight", tensor(0, 32, 32));
			}
			if (expert > 0) {
				tensors.put("e." + expert + ".down.weight", tensor(expert, 32, 32));
			}
		}
		tensors.put("large.weight", tensor(99, LARGE_ROWS, 1024));
		Path file = this.folder.resolve("model.safetensors");
		Safetensors.write(file, tensors, Map.of(), 4096);
		Files.writeString(this.folder.resolve("config.json"), "{\"model_type\": \"llama\"}");
		this.checkpoint = Checkpoint.open(this.folder);
		WeightGroup layer = new WeightGroup("layer", "");
		layer.matrix("layer", 32, 32);
		List<WeightGroup> units = new ArrayList<>(List.of(layer));
		for (int expert = 0; expert < EXPERTS; expert++) {
			WeightGroup unit = new WeightGroup("expert", "e." + expert + ".", 2, EXPERTS);
			unit.matrix("up", 32, 32);
			unit.matrix("down", 32, 32);
			units.add(unit);
		}
		WeightGroup large = new WeightGroup("large", "", 1, 1);
		large.matrix("large", LARGE_ROWS, 1024);
		units.add(large);
		WeightGroup embedding = WeightGroup.embedding("embed", "");
		embedding.matrix("embed", 32, 32);
		WeightLayout layout = WeightLayout.of(this.checkpoint, units, embedding, List.of());
		this.blocks = BlockLayout.cut(layout, 4 << 20, 4096);
		this.files = DirectFiles.openAll(List.of(file), this.faults, (pause) -> {
		});
	}

	private static TensorSource tensor(int value, int rows, int columns) {
		float[] values = new float[rows * columns];
		Arrays.fill(values, value);
		return TensorSource.of(values, rows, columns);
	}

	private void start(Keep keep, boolean lookahead, long bytes) {
		start(keep, lookahead, bytes, 0);
	}

	private void start(Keep keep, boolean lookahead, long bytes, long beginNanos) {
		this.recorder = new IoRecorder(new String[] { "all" }, (group) -> 0);
		BandwidthController controller = new BandwidthController(System::nanoTime, Double.POSITIVE_INFINITY, 1 << 20,
				new long[1]);
		BlockReader.Settings settings = new BlockReader.Settings(this.files, new DiskTurns(), READERS, 4096, 4 << 20,
				false, beginNanos);
		PacingGate gate = new PacingGate(controller, (group) -> 0, false);
		this.queue = new ReadQueue(new BlockReader(settings, this.recorder, controller), gate, settings,
				new ReadSource() {

					@Override
					public void more() {
						// The store schedules by itself.
					}

					@Override
					public void ended(BlockRead read) {
						// The store looks for itself.
					}

				});
		this.store = new ExpertStore(this.blocks, this.queue, new ComputeWait(this.queue, gate, this.recorder),
				2 * READERS, new ExpertStreaming(keep, lookahead), this.device);
		this.store.resize(bytes);
		this.queue.resume(false);
	}

	@AfterEach
	void close() {
		this.queue.close();
		this.store.close();
		this.files.forEach(DirectFile::close);
		this.checkpoint.close();
		this.device.close();
	}

	private int[] choose(boolean ordered, int... experts) {
		int[] rowsOf = new int[EXPERTS];
		for (int expert : experts) {
			rowsOf[expert] = 1;
		}
		return this.store.choose(FIRST, rowsOf, 1, ordered);
	}

	private BlockRead acquire(int expert) {
		return this.store.acquire(this.blocks.of(FIRST + expert).getFirst());
	}

	/** Computes with an expert: its numbers must be its own. */
	private void compute(int expert) {
		BlockRead load = acquire(expert);
		requireValues(load, expert, BYTES);
		this.store.release(load, Fence.DONE);
		this.store.computed(FIRST + expert);
	}

	private static void requireValues(BlockRead load, int value, long bytes) {
		for (long at = 0; at < bytes; at += Float.BYTES) {
			assertThat(load.memory().get(ValueLayout.JAVA_FLOAT, at)).isEqualTo(value);
		}
	}

	private void pass(int... experts) {
		this.store.beginPass(1);
		for (int expert : choose(false, experts)) {
			compute(expert);
		}
	}

	private static void await(BooleanSupplier condition) {
		while (!condition.getAsBoolean()) {
			LockSupport.parkNanos(100_000);
		}
	}

	/** Lets so many reads through. */
	private Semaphore gate(int open) {
		Semaphore gate = new Semaphore(open);
		this.faults.fault = (real, target, offset) -> {
			gate.acquireUninterruptibly();
			return real.read(target, offset);
		};
		return gate;
	}

	@Test
	void allThatALayerLacksIsReadAtOnce() {
		start(Keep.BY_USE, false, EXPERTS * BYTES);
		Semaphore gate = gate(0);
		int before = this.faults.reads.get();
		this.store.beginPass(1);
		assertThat(choose(false, 2, 4, 6, 8)).containsExactly(2, 4, 6, 8);
		await(() -> this.faults.reads.get() == before + 4);
		gate.release(100);
		List.of(2, 4, 6, 8).forEach(this::compute);
		ExpertMetrics found = this.store.snapshot();
		assertThat(found.misses()).isEqualTo(4);
		assertThat(found.hits()).isZero();
		assertThat(found.missedBytes()).isEqualTo(4 * BYTES);
		assertThat(found.cachedBytes()).isEqualTo(4 * BYTES);
	}

	@Test
	void computingGoesOnWhenReadsHaveBegun() {
		start(Keep.BY_USE, false, EXPERTS * BYTES, TimeUnit.SECONDS.toNanos(30));
		Semaphore gate = gate(0);
		this.store.beginPass(1);
		choose(false, 2, 4, 6);
		assertThat(reading()).as("all that is missing").isEqualTo(3);
		gate.release(100);
		List.of(2, 4, 6).forEach(this::compute);
		gate.drainPermits();
		this.store.beginPass(1);
		choose(false, 2, 3, 5, 8, 10, 12);
		assertThat(reading()).as("as many as there are readers").isEqualTo(READERS);
		gate.release(100);
		List.of(2, 3, 5, 8, 10, 12).forEach(this::compute);
	}

	private int reading() {
		return this.queue.metrics(this.recorder, 0).readsInFlight();
	}

	@Test
	void whatIsInMemoryIsComputedFirst() {
		start(Keep.BY_USE, false, EXPERTS * BYTES);
		pass(4, 6);
		this.store.beginPass(1);
		assertThat(choose(false, 1, 2, 4, 6)).containsExactly(4, 6, 1, 2);
		List.of(4, 6, 1, 2).forEach(this::compute);
		this.store.beginPass(1);
		assertThat(choose(true, 1, 3, 6)).containsExactly(1, 3, 6);
		List.of(1, 3, 6).forEach(this::compute);
		ExpertMetrics found = this.store.snapshot();
		assertThat(found.hits()).isEqualTo(4);
		assertThat(found.misses()).isEqualTo(5);
	}

	@Test
	void presentExpertsAreReadyWhileOthersAreRead() {
		start(Keep.BY_USE, false, EXPERTS * BYTES);
		pass(4, 6, 8);
		Semaphore gate = gate(0);
		this.store.beginPass(1);
		int[] chosen = choose(false, 2, 4, 6, 8, 10);
		assertThat(chosen).containsExactly(4, 6, 8, 2, 10);
		assertThat(this.store.ready(FIRST, chosen, false)).containsExactly(4, 6, 8);
		List.of(4, 6, 8).forEach(this::compute);
		long stalls = this.recorder.stallNanos();
		Thread disk = Thread.ofPlatform().start(() -> {
			LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
			gate.release(100);
		});
		int[] ready = this.store.ready(FIRST, new int[] { 2, 10 }, false);
		assertThat(this.recorder.stallNanos() - stalls).isPositive();
		List<Integer> found = new ArrayList<>(Arrays.stream(ready).boxed().toList());
		assertThat(found).isNotEmpty();
		found.forEach(this::compute);
		for (int expert : List.of(2, 10)) {
			if (!found.contains(expert)) {
				assertThat(this.store.ready(FIRST, new int[] { expert }, false)).containsExactly(expert);
				compute(expert);
			}
		}
		assertThat(disk).satisfies((thread) -> thread.join());
	}

	@Test
	void expertThatComesFirstIsReadyFirst() {
		start(Keep.BY_USE, false, EXPERTS * BYTES);
		long late = this.blocks.of(FIRST + 2).getFirst().extents().getFirst().offset();
		Semaphore gate = new Semaphore(0);
		this.faults.fault = (real, target, offset) -> {
			if (offset <= late && late < offset + target.remaining()) {
				gate.acquireUninterruptibly();
			}
			return real.read(target, offset);
		};
		this.store.beginPass(1);
		int[] chosen = choose(false, 2, 6, 10);
		assertThat(chosen).containsExactly(2, 6, 10);
		List<Integer> left = new ArrayList<>(List.of(2, 6, 10));
		while (left.size() > 1) {
			for (int expert : this.store.ready(FIRST, left.stream().mapToInt(Integer::intValue).toArray(), false)) {
				assertThat(expert).isNotEqualTo(2);
				compute(expert);
				left.remove((Integer) expert);
			}
		}
		gate.release(100);
		assertThat(this.store.ready(FIRST, new int[] { 2 }, false)).containsExactly(2);
		compute(2);
	}

	@Test
	void orderedExpertsAreReadyUpToTheFirstThatIsMissing() {
		start(Keep.BY_USE, false, EXPERTS * BYTES);
		pass(1, 3, 8);
		Semaphore gate = gate(0);
		this.store.beginPass(1);
		int[] chosen = choose(true, 1, 3, 5, 8);
		assertThat(chosen).containsExactly(1, 3, 5, 8);
		assertThat(this.store.ready(FIRST, chosen, true)).containsExactly(1, 3);
		List.of(1, 3).forEach(this::compute);
		gate.release(100);
		assertThat(this.store.ready(FIRST, new int[] { 5, 8 }, true)).containsExactly(5, 8);
		List.of(5, 8).forEach(this::compute);
	}

	@Test
	void expertWithoutMemoryForItComesAlone() {
		start(Keep.BY_USE, false, 2 * BYTES);
		this.store.beginPass(1);
		int[] left = choose(false, 0, 2, 4, 6, 8);
		int rounds = 0;
		while (left.length > 0) {
			int[] ready = this.store.ready(FIRST, left, false);
			assertThat(ready).hasSizeBetween(1, 2);
			Arrays.stream(ready).forEach(this::compute);
			left = Arrays.stream(left)
				.filter((expert) -> Arrays.stream(ready).noneMatch((one) -> one == expert))
				.toArray();
			rounds++;
		}
		assertThat(rounds).isBetween(3, 5);
		BlockRead held = acquire(0);
		assertThat(this.store.poll(this.blocks.of(FIRST + 1))).isNull();
		assertThat(this.store.poll(this.blocks.of(FIRST))).isSameAs(held);
		this.store.release(held, Fence.DONE);
	}

	@Test
	void expertThatCannotBeReadFailsWhoeverWaitsForIt() {
		start(Keep.BY_USE, false, EXPERTS * BYTES);
		breakExpert(5);
		this.store.beginPass(1);
		int[] chosen = choose(false, 5);
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> this.store.ready(FIRST, chosen, false));
		this.faults.fault = null;
		pass(5);
	}

	@Test
	void neighboursOfAnExpertAreOneReadAndOthersAreNot() {
		start(Keep.BY_USE, false, EXPERTS * BYTES);
		int before = this.faults.reads.get();
		pass(3);
		assertThat(this.faults.reads.get() - before).isEqualTo(1);
		pass(0);
		assertThat(this.faults.reads.get() - before).as("another expert lies in between").isEqualTo(3);
	}

	@Test
	void expertsThatAreNeighboursAreOneRead() {
		start(Keep.BY_USE, false, EXPERTS * BYTES);
		int before = this.faults.reads.get();
		pass(2, 3, 4, 6, 9, 10);
		assertThat(this.faults.reads.get() - before).as("2 to 4, 6, 9 and 10").isEqualTo(3);
		pass(2, 3, 4, 5);
		assertThat(this.faults.reads.get() - before).as("others are in memory").isEqualTo(4);
		pass(0, 1);
		assertThat(this.faults.reads.get() - before).as("one for each matrix of the two").isEqualTo(6);
		assertThat(this.queue.metrics(this.recorder, 0).reads()).isEqualTo(6);
		assertThat(this.queue.metrics(this.recorder, 0).bytesRead()).isEqualTo(9 * BYTES);
	}

	@Test
	void readersShareALongRead() {
		long bytes = LARGE_ROWS * 1024L * Float.BYTES;
		start(Keep.BY_USE, false, 2 * bytes);
		Semaphore gate = gate(0);
		int before = this.faults.reads.get();
		this.store.beginPass(1);
		this.store.choose(FIRST + EXPERTS, new int[] { 1 }, 1, false);
		await(() -> this.faults.reads.get() == before + 3);
		gate.release(100);
		BlockRead load = this.store.acquire(this.blocks.of(FIRST + EXPERTS).getFirst());
		requireValues(load, 99, bytes);
		this.store.release(load, Fence.DONE);
		assertThat(this.faults.reads.get()).isEqualTo(before + 3);
	}

	@Test
	void anExpertInUseKeepsItsMemoryWhateverElseIsNeeded() {
		start(Keep.BY_USE, false, 2 * BYTES);
		this.store.beginPass(1);
		choose(true, 0, 1, 2, 3, 4);
		BlockRead held = acquire(0);
		for (int expert = 1; expert < 5; expert++) {
			compute(expert);
			requireValues(held, 0, BYTES);
		}
		this.store.release(held, Fence.DONE);
		assertThat(this.store.snapshot().cachedBytes()).isLessThanOrEqualTo(2 * BYTES);
	}

	@Test
	void memoryForNoExpertAtAllIsRefused() {
		start(Keep.BY_USE, false, BYTES - 1);
		this.store.beginPass(1);
		choose(false, 1);
		assertThatIllegalStateException().isThrownBy(() -> acquire(1)).withMessageContaining("too small for 8192");
	}

	/** All reads that cover the first byte of an expert fail. */
	private long breakExpert(int expert) {
		long offset = this.blocks.of(FIRST + expert).getFirst().extents().getFirst().offset();
		this.faults.fault = (real, target, at) -> {
			if (at <= offset && offset < at + target.remaining()) {
				throw new IOException("Input/output error");
			}
			return real.read(target, at);
		};
		return offset;
	}

	@Test
	void aFailedReadReachesOnlyWhoNeedsIt() {
		start(Keep.BY_USE, false, EXPERTS * BYTES);
		long offset = breakExpert(3);
		this.store.beginPass(1);
		choose(false, 2, 3, 4);
		compute(2);
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> acquire(3))
			.withMessageContainingAll("model.safetensors", "byte " + offset + ":", "expected " + BYTES + " bytes");
		compute(4);
		this.faults.fault = null;
		pass(2, 3, 4);
		assertThat(this.store.snapshot().misses()).as("the broken one is read again").isEqualTo(4);
	}

	@Test
	void neighboursThatFailTogetherAreEachReadAgain() {
		start(Keep.BY_USE, false, EXPERTS * BYTES);
		this.faults.fault = FaultyAccess.Fault.always(new IOException("Input/output error"));
		this.store.beginPass(1);
		choose(false, 2, 3);
		for (int expert = 2; expert < 4; expert++) {
			int broken = expert;
			assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> acquire(broken))
				.withMessageContaining(
						"byte " + this.blocks.of(FIRST + broken).getFirst().extents().getFirst().offset() + ":");
		}
		this.store.beginPass(1);
		choose(false, 5, 6);
		await(() -> reading() == 0);
		this.faults.fault = null;
		compute(6);
		compute(5);
		pass(2, 3);
		assertThat(this.store.snapshot().misses()).isEqualTo(6);
	}

	@Test
	void aDivisionOfMemoryWhileNeighboursFailLeavesNothingToRead() {
		start(Keep.BY_USE, false, EXPERTS * BYTES);
		Semaphore gate = new Semaphore(0);
		this.faults.fault = (real, target, offset) -> {
			gate.acquireUninterruptibly();
			throw new IOException("Input/output error");
		};
		int before = this.faults.reads.get();
		this.store.beginPass(1);
		choose(false, 2, 3);
		await(() -> this.faults.reads.get() == before + 1);
		Thread computes = Thread.currentThread();
		Thread opener = Thread.ofPlatform().start(() -> {
			await(() -> computes.getState() == Thread.State.WAITING);
			gate.release(100);
		});
		this.queue.pause();
		assertThat(this.queue.metrics(this.recorder, 0).readsQueued()).isZero();
		this.store.resize(4 * BYTES);
		this.queue.resume(false);
		assertThat(opener).satisfies(Thread::join);
		this.faults.fault = null;
		pass(2, 3);
	}

	@Test
	void withoutACacheNothingStays() {
		start(Keep.NONE, false, EXPERTS * BYTES);
		pass(1, 2);
		pass(1, 2);
		ExpertMetrics found = this.store.snapshot();
		assertThat(found.hits()).isZero();
		assertThat(found.misses()).isEqualTo(4);
		assertThat(found.cachedBytes()).isZero();
	}

	/** Guesses about two experts come true until they are trusted. */
	private void learn() {
		for (int i = 0; i < 40; i++) {
			this.store.beginPass(1);
			guess(1, 2);
			for (int expert : choose(false, 1, 2)) {
				compute(expert);
			}
		}
	}

	/**
	 * Begins a pass for which experts 4 and 5 are read, as guesses are trusted.
	 * @return what was counted before
	 */
	private ExpertMetrics readTwoGuesses() {
		start(Keep.NONE, true, EXPERTS * BYTES);
		learn();
		ExpertMetrics before = this.store.snapshot();
		this.store.beginPass(1);
		guess(4, 5);
		await(() -> this.store.snapshot().cachedBytes() == 2 * BYTES);
		return before;
	}

	private void guess(int... experts) {
		this.store.expect(FIRST, Arrays.stream(experts).mapToObj((expert) -> new ExpertGuess(expert, 8)).toList());
	}

	@Test
	void guessesThatComeTrueAreHits() {
		ExpertMetrics before = readTwoGuesses();
		for (int expert : choose(false, 4, 5)) {
			compute(expert);
		}
		ExpertMetrics after = this.store.snapshot();
		assertThat(after.hits() - before.hits()).isEqualTo(2);
		assertThat(after.misses()).isEqualTo(before.misses());
		assertThat(after.lookaheadReads() - before.lookaheadReads()).isEqualTo(2);
		assertThat(after.lookaheadBytes() - before.lookaheadBytes()).isEqualTo(2 * BYTES);
		assertThat(after.lookaheadUsed() - before.lookaheadUsed()).isEqualTo(2);
		assertThat(after.lookaheadUseless()).isEqualTo(before.lookaheadUseless());
	}

	@Test
	void readsThatNobodyUsedCount() {
		ExpertMetrics before = readTwoGuesses();
		for (int expert : choose(false, 4, 6)) {
			compute(expert);
		}
		ExpertMetrics after = this.store.snapshot();
		assertThat(after.lookaheadUsed() - before.lookaheadUsed()).isEqualTo(1);
		assertThat(after.lookaheadUseless() - before.lookaheadUseless()).isEqualTo(1);
		assertThat(after.lookaheadUselessBytes() - before.lookaheadUselessBytes()).isEqualTo(BYTES);
		assertThat(after.misses() - before.misses()).isEqualTo(1);
		assertThat(after.cachedBytes()).isZero();
	}

	@Test
	void oneOfTwoGuessesThatAreReadAsOneMayBeWrong() {
		start(Keep.NONE, true, EXPERTS * BYTES);
		learn();
		ExpertMetrics before = this.store.snapshot();
		int reads = this.faults.reads.get();
		Semaphore gate = gate(0);
		this.store.beginPass(1);
		guess(4, 5);
		await(() -> this.faults.reads.get() == reads + 1);
		choose(false, 4);
		gate.release(100);
		compute(4);
		ExpertMetrics after = this.store.snapshot();
		assertThat(after.hits() - before.hits()).isEqualTo(1);
		assertThat(after.lookaheadReads() - before.lookaheadReads()).isEqualTo(2);
		assertThat(after.lookaheadUsed() - before.lookaheadUsed()).isEqualTo(1);
		pass(4, 5);
		assertThat(this.store.snapshot().cachedBytes()).isZero();
	}

	@Test
	void oneOfTwoGuessesThatWouldBeReadAsOneMayBeWrongBefore() {
		start(Keep.NONE, true, EXPERTS * BYTES);
		learn();
		ExpertMetrics before = this.store.snapshot();
		int reads = this.faults.reads.get();
		Semaphore gate = gate(0);
		this.store.beginPass(1);
		guess(2, 6, 8, 10, 12, 13);
		await(() -> this.faults.reads.get() == reads + READERS);
		int[] needed = choose(false, 2, 6, 8, 10, 12);
		gate.release(100);
		for (int expert : needed) {
			compute(expert);
		}
		assertThat(this.faults.reads.get()).isEqualTo(reads + READERS + 1);
		ExpertMetrics after = this.store.snapshot();
		assertThat(after.lookaheadReads() - before.lookaheadReads()).isEqualTo(5);
		assertThat(after.lookaheadBytes() - before.lookaheadBytes()).isEqualTo(5 * BYTES);
		assertThat(after.misses()).isEqualTo(before.misses());
		pass(12, 13);
	}

	@Test
	void aGuessThatIsWrongBeforeItIsReadCostsNothing() {
		start(Keep.NONE, true, EXPERTS * BYTES);
		learn();
		ExpertMetrics before = this.store.snapshot();
		int reads = this.faults.reads.get();
		Semaphore gate = gate(0);
		this.store.beginPass(1);
		guess(2, 4, 6, 8, 10, 12);
		await(() -> this.faults.reads.get() == reads + READERS);
		int[] needed = choose(false, 2, 4, 6, 8);
		gate.release(100);
		for (int expert : needed) {
			compute(expert);
		}
		ExpertMetrics after = this.store.snapshot();
		assertThat(after.lookaheadReads() - before.lookaheadReads()).isEqualTo(READERS);
		assertThat(after.lookaheadUseless()).isEqualTo(before.lookaheadUseless());
		assertThat(after.misses()).isEqualTo(before.misses());
		assertThat(this.faults.reads.get()).isEqualTo(reads + READERS);
	}

}
