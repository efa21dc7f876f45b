package io.github.flashspring.engine.model;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.cache.KvCache;
import io.github.flashspring.engine.cache.KvPrecision;
import io.github.flashspring.engine.cache.PrefixStore;
import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceProvider;
import io.github.flashspring.engine.device.cpu.CpuDeviceProvider;
import io.github.flashspring.engine.generate.Scheduler;
import io.github.flashspring.engine.generate.Sequence;
import io.github.flashspring.engine.generate.SequenceListener;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.metrics.PrefixMetrics;
import io.github.flashspring.engine.residency.ExpertStreaming;
import io.github.flashspring.engine.residency.ResidencyPlan;
import io.github.flashspring.engine.residency.WeightStore;
import io.github.flashspring.engine.storage.Disk;
import io.github.flashspring.engine.weights.WeightFiles;
import io.github.flashspring.engine.weights.WeightLayout;

/**
 * A golden checkpoint behind a scheduler, whose logits a test compares.
 */
final class ScheduledModel implements AutoCloseable {

	static final int CONTEXT = 224;

	/** Of contexts this short. */
	static final int PAGE = 16;

	private final Device device;

	private final Checkpoint checkpoint;

	private final WeightFiles files;

	private final WeightStore store;

	private final KvCache kv;

	private final CausalLanguageModel model;

	private final Scheduler scheduler;

	private final int rows;

	/**
	 * Opens a model.
	 * @param folder a checkpoint
	 * @param options how it runs
	 * @param prepare what is done with its cache before the scheduler has it
	 */
	ScheduledModel(Path folder, Options options, UnaryOperator<KvCache> prepare) {
		this(folder, options, prepare, null);
	}

	/**
	 * Opens a model that keeps prefixes on disk.
	 * @param folder a checkpoint
	 * @param options how it runs
	 * @param prepare what is done with its cache before the scheduler has it
	 * @param disk where; null: not at all
	 */
	ScheduledModel(Path folder, Options options, UnaryOperator<KvCache> prepare, @Nullable PrefixStore disk) {
		this.device = new CpuDeviceProvider().create(new DeviceProvider.Options(options.threads()));
		this.checkpoint = Checkpoint.open(folder);
		ModelDefinition definition = Architectures.define(this.checkpoint, (most) -> CONTEXT).keyValues(options.kv());
		WeightLayout layout = WeightLayout.of(this.checkpoint, definition.weightGroups(), definition.embedding(),
				definition.ignoredTensors());
		ResidencyPlan plan = ResidencyPlan.of(options.budget(), layout,
				new ResidencyPlan.Needs(options.rows(), CONTEXT, 0, 0, (chunkRows, passRows) -> 0), Disk.UNKNOWN);
		this.files = new WeightFiles(layout);
		this.store = WeightStore.open(layout, this.files, plan, this.device, 0.05, ExpertStreaming.DEFAULT);
		this.kv = prepare
			.apply(definition.cache(this.device, CONTEXT, options.tokens(), plan.passRows(), options.parallel()));
		this.model = new CausalLanguageModel(definition, this.store, this.device, plan.chunkRows(), plan.passRows(),
				options.parallel());
		this.rows = plan.passRows();
		if (disk != null) {
			this.kv.prefixes().keepOnDisk(disk, () -> false, this::wake);
		}
		this.scheduler = new Scheduler(this.model, this.kv, plan.passRows(), options.parallel(), Duration.ZERO,
				(rows, nanos) -> {
				});
	}

	private void wake() {
		this.scheduler.wake();
	}

	static UnaryOperator<KvCache> keeping(long ownBytes) {
		return (cache) -> {
			cache.prefixes().keep(ownBytes, Long.MAX_VALUE);
			return cache;
		};
	}

	PrefixMetrics prefixes() {
		return this.scheduler.prefixes();
	}

	/** Forgets what sequences left, when those that have ended have left it. */
	void forget() {
		this.scheduler.betweenPasses(() -> {
			this.kv.prefixes().forget();
			return this.rows;
		});
	}

	/** Generates the tokens of greatest logits. */
	Run generate(int[] prompt, int tokens) {
		return start(prompt, tokens).finished();
	}

	Run start(int[] prompt, int tokens) {
		Run run = new Run(this, prompt, tokens);
		this.scheduler.submit(run.sequence);
		return run;
	}

	@Override
	public void close() {
		this.scheduler.close();
		this.model.close();
		this.kv.close();
		this.store.close();
		this.files.close();
		this.device.close();
		this.checkpoint.close();
	}

	/**
	 * How a model runs.
	 *
	 * @param budget for its weights
	 * @param threads that compute
	 * @param rows most rows of a pass
	 * @param tokens positions of all sequences together
	 * @param parallel most sequences at once
	 * @param kv precision of keys and values
	 */
	record Options(RamBudget budget, int threads, int rows, int tokens, int parallel, KvPrecision kv) {

		static final Options DEFAULT = in(KvPrecision.F32);

		Options(RamBudget budget, int threads, int rows, int tokens, int parallel) {
			this(budget, threads, rows, tokens, parallel, KvPrecision.F32);
		}

		static Options in(KvPrecision kv) {
			return new Options(RamBudget.UNLIMITED, 2, CONTEXT, 2 * CONTEXT, 2, kv);
		}

	}

	/** A sequence and the logits of its tokens. */
	static final class Run implements SequenceListener {

		private final ScheduledModel model;

		final Sequence sequence;

		/** From the last token of the prompt on. */
		final List<float[]> logits = new ArrayList<>();

		final List<Integer> tokens = new ArrayList<>();

		private final int wanted;

		private final CompletableFuture<Run> end = new CompletableFuture<>();

		private volatile boolean paused;

		private volatile long idle;

		Run(ScheduledModel model, int[] prompt, int wanted) {
			this.model = model;
			this.wanted = wanted;
			this.sequence = new Sequence(prompt, this);
		}

		Run finished() {
			return this.end.join();
		}

		/** Lets the reader be idle for as long as makes it lose its memory. */
		void pause(boolean now) {
			this.idle = now ? 3_600_000_000_000L : 0;
			this.paused = now;
			this.model.scheduler.wake();
		}

		@Override
		public boolean isReady() {
			return !this.paused;
		}

		@Override
		public long idleNanos() {
			return this.idle;
		}

		@Override
		public boolean wantsAllLogits() {
			return false;
		}

		@Override
		public void started() {
			// nothing waits for it
		}

		@Override
		public int next(int position, float[] row) {
			this.logits.add(row.clone());
			int best = 0;
			for (int i = 1; i < row.length; i++) {
				best = (row[i] > row[best]) ? i : best;
			}
			this.tokens.add(best);
			if (this.tokens.size() == this.wanted) {
				this.end.complete(this);
				return END;
			}
			return best;
		}

		@Override
		public void cancelled() {
			this.end.completeExceptionally(new IllegalStateException("cancelled"));
		}

		@Override
		public void closed() {
			this.end.completeExceptionally(new IllegalStateException("closed"));
		}

		@Override
		public void failed(RuntimeException cause) {
			this.end.completeExceptionally(cause);
		}

	}

}
