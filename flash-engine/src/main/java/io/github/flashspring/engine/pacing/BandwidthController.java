package io.github.flashspring.engine.pacing;

import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.github.flashspring.engine.metrics.PacingMetrics;
import io.github.flashspring.engine.storage.DiskRate;
import io.github.flashspring.engine.storage.TokenBucket;

/**
 * Decides when prefetches may go, so that they arrive before the layer that needs them
 * and slow compute down as little as that allows.
 * <p>
 * From moving averages of every layer's compute time it predicts when each layer will
 * start, and from the plan how many bytes must have arrived by then: that is the
 * {@link ReadDemand}. Prefetches are never held below it, so where the disk is the
 * bottleneck (the demand exceeds what it gives) they are not held at all. Above it, a
 * {@link RateLimit} applies only where reads were seen to interfere: layers with and
 * without concurrent reads, of the same few passes, are compared in an
 * {@link InterferenceExperiment}.
 * <p>
 * Reads that compute already waits for do not ask. Safe for use by several threads; no
 * call blocks.
 */
public final class BandwidthController {

	/** Longest sleep before asking again: by then layers may have become faster. */
	private static final long MAX_SLEEP_NANOS = 1_000_000;

	/**
	 * The same for reads that no layer waits for: each time that a reader wakes up, it
	 * takes a processor from those that compute.
	 */
	private static final long MAX_REST_NANOS = 20_000_000;

	/**
	 * Margin above the predicted demand, against layers that are faster than predicted.
	 */
	private static final double MARGIN = 1.1;

	/** Share of the disk's rate above which the demand leaves nothing to hold back. */
	private static final double SLACK = 0.8;

	/** Passes of fewer rows have their baseline measured: those that decode. */
	private static final int COLD_START_ROWS = 8;

	/** Reading takes longer than compute by so much where nothing is held back. */
	private static final double DISK_BOUND = 1.5;

	private static final double NANOS = 1e9;

	private final LongSupplier clock;

	private final double maxDegradation;

	@GuardedBy("this")
	private final TokenBucket bucket;

	@GuardedBy("this")
	private final DiskRate disk;

	@GuardedBy("this")
	private final Map<Integer, LayerTimes> timesOfPasses = new HashMap<>();

	@GuardedBy("this")
	private final InterferenceExperiment experiment = new InterferenceExperiment();

	@GuardedBy("this")
	private final RateLimit limit;

	@GuardedBy("this")
	private ReadDemand plan;

	@GuardedBy("this")
	private LayerTimes times;

	@GuardedBy("this")
	private boolean passRuns;

	@GuardedBy("this")
	private boolean coldStart;

	/** Whether compute tells nothing of reads that ask here. */
	@GuardedBy("this")
	private boolean aside;

	@GuardedBy("this")
	private int layer;

	@GuardedBy("this")
	private long layerStart;

	@GuardedBy("this")
	private final OpenRate openRate = new OpenRate();

	/** As last measured; not a number before. */
	@GuardedBy("this")
	private double degradation = Double.NaN;

	@GuardedBy("this")
	private double demand;

	@GuardedBy("this")
	private double pace = Double.POSITIVE_INFINITY;

	@GuardedBy("this")
	private long sleepNanos;

	@GuardedBy("this")
	private long sleeps;

	/**
	 * Creates a controller.
	 * @param clock nanoseconds, as {@link System#nanoTime}
	 * @param maxDegradation by how much prefetches may lengthen compute: 0.05 for 5 %;
	 * infinite never to hold reads back
	 * @param burstBytes bytes that may be read at once after a rest: as many reads as the
	 * disk needs for its rate
	 * @param streamed bytes that are read for each layer in each pass
	 */
	public BandwidthController(LongSupplier clock, double maxDegradation, long burstBytes, long[] streamed) {
		if (!(maxDegradation >= 0)) {
			throw new IllegalArgumentException("The compute degradation must be at least 0, found " + maxDegradation);
		}
		this.clock = clock;
		this.maxDegradation = maxDegradation;
		this.bucket = new TokenBucket(clock, burstBytes);
		this.disk = new DiskRate(clock);
		this.plan = new ReadDemand(streamed);
		this.limit = new RateLimit(maxDegradation);
		this.times = new LayerTimes(streamed.length);
	}

	/**
	 * Follows a plan that pins other weights.
	 * @param bytes bytes that are read for each layer in each pass; as many layers as
	 * before
	 */
	public synchronized void plan(long[] bytes) {
		if (bytes.length != this.plan.layers()) {
			throw new IllegalArgumentException(
					"Expected " + this.plan.layers() + " layers, found " + bytes.length + ".");
		}
		this.plan = new ReadDemand(bytes);
	}

	/**
	 * Begins a pass.
	 * @param rows rows that it computes; the times of passes with about as many are
	 * compared
	 */
	public synchronized void beginPass(int rows) {
		int layers = this.plan.layers();
		this.times = this.timesOfPasses.computeIfAbsent(LayerTimes.kindOf(rows), (kind) -> new LayerTimes(layers));
		this.coldStart = this.times
			.beginPass(rows < COLD_START_ROWS && Double.isFinite(this.maxDegradation) && !isDiskBound());
		this.experiment.beginPass();
		this.passRuns = true;
		this.layer = 0;
		this.layerStart = this.clock.getAsLong();
		this.openRate.start(this.layerStart);
	}

	/**
	 * {@return whether this pass measures how long layers compute with no concurrent
	 * reads: then reads run only while compute waits, and compute waits for all that run}
	 */
	public synchronized boolean coldStart() {
		return this.coldStart;
	}

	/**
	 * Notes that a layer begins to compute, with all it waits for in memory.
	 * @param index of the layer
	 */
	public synchronized void computing(int index) {
		this.layer = index;
		this.layerStart = this.clock.getAsLong();
	}

	/**
	 * Notes that a layer was computed.
	 * @param index of the layer
	 * @param nanos time that it computed, without that in which it waited for reads
	 * @param readsWereRunning whether there were concurrent reads
	 */
	public synchronized void computed(int index, long nanos, boolean readsWereRunning) {
		double baseline = this.times.baseline(index);
		this.times.add(index, nanos, readsWereRunning);
		this.layer = index + 1;
		this.layerStart = this.clock.getAsLong();
		account();
		if (baseline > 0 && !this.coldStart && !this.aside && Double.isFinite(this.maxDegradation)) {
			if (this.experiment.add(nanos, baseline, readsWereRunning)) {
				adjustLimit();
			}
			if (this.experiment.changes(readsWereRunning)) {
				account();
				this.experiment.begin(!this.experiment.isQuiet());
			}
		}
	}

	@GuardedBy("this")
	private void account() {
		this.openRate.account(this.clock.getAsLong(), !this.experiment.isQuiet() && this.passRuns);
	}

	/**
	 * Passes compute while reads run that do not ask here, so that their times tell
	 * nothing of those that do.
	 * @param now true from now on
	 */
	public synchronized void aside(boolean now) {
		this.aside = now;
		account();
		this.experiment.begin(false);
		this.experiment.estimator().begin();
	}

	/**
	 * Ends a pass, successful or not. Until the next one, prefetches are free.
	 */
	public synchronized void endPass() {
		if (!this.passRuns) {
			return;
		}
		account();
		this.passRuns = false;
		this.coldStart = false;
		this.disk.updateBest();
	}

	@GuardedBy("this")
	private void adjustLimit() {
		InterferenceEstimator estimator = this.experiment.estimator();
		double slowdown = estimator.slowdown();
		RateLimit.Decision decision = this.limit.adjust(estimator, this.openRate.bytesPerSecond(), this.disk.best());
		if (decision == RateLimit.Decision.NOT_KNOWN) {
			return;
		}
		this.degradation = slowdown;
		if (decision == RateLimit.Decision.CONFIRMED) {
			this.experiment.rest();
		}
		else if (decision == RateLimit.Decision.CHANGED) {
			this.experiment.restart();
			this.openRate.restart();
		}
	}

	/**
	 * Asks whether a prefetch may go.
	 * @param bytes its size
	 * @param target the layer that needs it, at or after the one that computes; with an
	 * index below that one, a layer of the next pass
	 * @return 0 if it may go now; otherwise nanoseconds to sleep before asking again, at
	 * most one millisecond. A read for which compute begins to wait meanwhile goes at
	 * once, without asking
	 */
	public synchronized long pauseNanos(long bytes, int target) {
		this.demand = this.passRuns ? predictDemand(target) : Double.POSITIVE_INFINITY;
		return pause(bytes, MAX_SLEEP_NANOS);
	}

	/**
	 * Asks whether a read may go for which no layer will ever wait.
	 * @param bytes its size
	 * @return 0 if it may go now; otherwise nanoseconds to sleep before asking again, at
	 * most twenty milliseconds
	 */
	public synchronized long pauseNanos(long bytes) {
		this.demand = this.passRuns ? 0 : Double.POSITIVE_INFINITY;
		return pause(bytes, MAX_REST_NANOS);
	}

	@GuardedBy("this")
	private long pause(long bytes, long longest) {
		this.pace = hasSlack() ? Math.max(this.demand * MARGIN, this.limit.bytesPerSecond()) : Double.POSITIVE_INFINITY;
		this.bucket.rate(this.pace);
		long pause = isQuiet() ? Math.min(longest, quietNanos()) : Math.min(longest, this.bucket.take(bytes));
		if (pause > 0) {
			this.sleeps++;
			this.sleepNanos += pause;
		}
		return pause;
	}

	/** Whether prefetches rest so that layers compute alone. */
	@GuardedBy("this")
	private boolean isQuiet() {
		return this.passRuns && (this.coldStart || (this.experiment.isQuiet() && hasSlack()));
	}

	/** About as long as the layers take that are still to compute alone. */
	@GuardedBy("this")
	private long quietNanos() {
		double layerNanos = this.times.average(Math.min(this.layer, this.plan.layers() - 1));
		return Math.max(MAX_SLEEP_NANOS, (long) (layerNanos * InterferenceEstimator.MIN_LAYERS / 2));
	}

	/**
	 * Whether reading a pass takes so much longer than its compute that nothing will ever
	 * be held back: then measuring layers alone would only delay the reads.
	 */
	@GuardedBy("this")
	private boolean isDiskBound() {
		double compute = this.times.average() / NANOS;
		return this.disk.best() > 0 && this.plan.bytes() / this.disk.best() > DISK_BOUND * compute;
	}

	@GuardedBy("this")
	private boolean hasSlack() {
		return this.demand * MARGIN < SLACK * this.disk.best();
	}

	@GuardedBy("this")
	private double predictDemand(int target) {
		boolean computes = this.layer < this.plan.layers();
		double left = computes ? this.times.average(this.layer) - (this.clock.getAsLong() - this.layerStart) : 0;
		return this.plan.bytesPerSecond(target, this.layer, Math.max(0, left) - this.disk.readNanos(), this.times);
	}

	/**
	 * Notes a read that just ended.
	 * @param bytes its size
	 * @param nanos time that it took
	 */
	public synchronized void read(long bytes, long nanos) {
		this.openRate.read(bytes);
		this.disk.add(bytes, nanos);
	}

	/**
	 * {@return what was achieved}
	 */
	public synchronized PacingMetrics snapshot() {
		double baseline = this.times.baseline();
		double average = this.times.comparableAverage();
		// Where reads never rest, since compute waits for them, only the first passes can
		// be compared with. Where passes read nothing, there is nothing to compare.
		double sinceStart = (baseline > 0 && this.plan.bytes() > 0) ? average / baseline - 1 : 0;
		double measured = Double.isNaN(this.degradation) ? sinceStart : this.degradation;
		// Reads do not shorten compute: below zero, it is the noise of the measurement.
		return new PacingMetrics((long) baseline, (long) average, Math.max(0, measured), this.maxDegradation,
				this.disk.bytesPerSecond(), this.demand, this.pace, this.sleepNanos, this.sleeps);
	}

}
