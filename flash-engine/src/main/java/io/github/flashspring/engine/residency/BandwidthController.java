package io.github.flashspring.engine.residency;

import java.util.Arrays;
import java.util.function.LongSupplier;

import io.github.flashspring.engine.metrics.PacingMetrics;
import org.jspecify.annotations.Nullable;

/**
 * Decides when reads ahead may go, so that they arrive before the layer that needs them
 * and disturb computing as little as that allows.
 * <p>
 * From moving averages of every layer's compute time it predicts when each layer will
 * start, and from the plan how many bytes must have arrived by then: the steepest of
 * these slopes is the <em>demand</em>, the least rate at which nobody waits. Reads ahead
 * are never held below it, so where the disk is the bottleneck (the demand exceeds what
 * it gives) they are not held at all. Above it, a limit applies that follows what was
 * measured: if passes compute longer than their baseline (layers with no reads beside
 * them) by more than allowed, it falls in proportion, else it rises until it is gone.
 * <p>
 * Reads that computing already waits for do not ask. Safe for use by several threads; no
 * call blocks.
 */
final class BandwidthController {

	/** Longest sleep before asking again: by then layers may have become faster. */
	private static final long LONGEST_SLEEP_NANOS = 1_000_000;

	/**
	 * Margin above the predicted demand, against layers that are faster than predicted.
	 */
	private static final double MARGIN = 1.1;

	/**
	 * Part of the allowed degradation that is aimed at, so that noise stays within it.
	 */
	private static final double AIM = 0.8;

	/** Share of the disk's rate above which the demand leaves nothing to hold back. */
	private static final double SLACK = 0.8;

	/**
	 * What is left of the best rate of the disk after each pass in which it was not seen.
	 */
	private static final double FADING = 0.98;

	/** With reads beside it nothing computes faster: then the baseline is outdated. */
	private static final double STALE = 0.95;

	/** Weight of a new value in moving averages. */
	private static final double WEIGHT = 0.25;

	/** Passes of fewer rows have their baseline measured: those that decode. */
	private static final int COLD_START_ROWS = 8;

	/** The JVM has compiled what they run by then. */
	private static final int PASSES_BEFORE_COLD_START = 8;

	/** Reading takes longer than computing by so much where nothing is held back. */
	private static final double DISK_BOUND = 1.5;

	/** If layers were disturbed even so, more attempts would not help. */
	private static final int COLD_STARTS = 2;

	/** Every so many passes a layer is measured alone, even if nothing is held back. */
	private static final int QUIET_PASSES = 8;

	/**
	 * Classes of passes: 1, 2 to 3, 4 to 7 rows and so on; times within one are alike.
	 */
	private static final int CLASSES = Integer.SIZE;

	private static final double NANOS = 1e9;

	private final LongSupplier clock;

	private final double maxDegradation;

	private final TokenBucket bucket;

	private final @Nullable Timing[] timings = new Timing[CLASSES];

	private final DiskRate disk;

	/** Bytes that stream for each layer. */
	private long[] streamed;

	private Timing timing;

	private boolean passRuns;

	private boolean coldStart;

	/** The layer whose baseline this pass measures again, if there is slack. */
	private int quietLayer;

	private int layer;

	private long layerStart;

	private double passNanos;

	private double passBaselineNanos;

	private long passStart;

	private long passBytes;

	private double readNanos;

	/** Held reads do not show what the disk can do. */
	private double bestDiskRate;

	private double limit = Double.POSITIVE_INFINITY;

	private double degradation;

	private double demand;

	private double pace = Double.POSITIVE_INFINITY;

	private long sleepNanos;

	private long sleeps;

	/**
	 * Creates a controller.
	 * @param clock nanoseconds, as {@link System#nanoTime}
	 * @param maxDegradation by how much reads ahead may lengthen computing: 0.05 for 5 %;
	 * infinite never to hold reads back
	 * @param burstBytes bytes that may be read at once after a rest: as many reads as the
	 * disk needs for its rate
	 * @param streamed bytes that are read for each layer in each pass
	 */
	BandwidthController(LongSupplier clock, double maxDegradation, long burstBytes, long[] streamed) {
		if (!(maxDegradation >= 0)) {
			throw new IllegalArgumentException("The compute degradation must be at least 0, found " + maxDegradation);
		}
		this.clock = clock;
		this.maxDegradation = maxDegradation;
		this.bucket = new TokenBucket(clock, burstBytes);
		this.disk = new DiskRate(clock);
		this.streamed = streamed.clone();
		this.timing = timing(1);
	}

	/**
	 * Follows a plan that pins other weights.
	 * @param bytes bytes that are read for each layer in each pass; as many layers as
	 * before
	 */
	synchronized void plan(long[] bytes) {
		if (bytes.length != this.streamed.length) {
			throw new IllegalArgumentException(
					"Expected " + this.streamed.length + " layers, found " + bytes.length + ".");
		}
		this.streamed = bytes.clone();
	}

	/**
	 * Begins a pass.
	 * @param rows rows that it computes; the times of passes with about as many are
	 * compared
	 */
	synchronized void beginPass(int rows) {
		this.timing = timing(rows);
		this.timing.passes++;
		this.coldStart = rows < COLD_START_ROWS && Double.isFinite(this.maxDegradation) && this.timing.needsColdStart()
				&& !isDiskBound();
		this.timing.coldStarts += this.coldStart ? 1 : 0;
		this.quietLayer = (this.quietLayer + 1) % this.streamed.length;
		this.passRuns = true;
		this.layer = 0;
		this.passNanos = 0;
		this.passBaselineNanos = 0;
		this.passBytes = 0;
		this.passStart = this.clock.getAsLong();
		this.layerStart = this.passStart;
	}

	/**
	 * Whether this pass measures how long layers compute with nothing beside them: then
	 * reads run only while computing waits, and computing waits for all that run.
	 * @return true for one of the first passes of its kind
	 */
	synchronized boolean coldStart() {
		return this.coldStart;
	}

	/**
	 * Notes that a layer begins to compute, with all it waits for in memory.
	 * @param index of the layer
	 */
	synchronized void computing(int index) {
		this.layer = index;
		this.layerStart = this.clock.getAsLong();
	}

	/**
	 * Notes that a layer was computed.
	 * @param index of the layer
	 * @param nanos time that it computed, without that in which it waited for reads
	 * @param readsWereRunning whether there were reads beside it
	 */
	synchronized void computed(int index, long nanos, boolean readsWereRunning) {
		this.timing.add(index, nanos, readsWereRunning);
		double baseline = this.timing.baseline[index];
		if (baseline > 0) {
			this.passNanos += nanos;
			this.passBaselineNanos += baseline;
		}
		this.layer = index + 1;
		this.layerStart = this.clock.getAsLong();
	}

	/**
	 * Ends a pass, successful or not. Until the next one, reads ahead are free.
	 */
	synchronized void endPass() {
		if (!this.passRuns) {
			return;
		}
		this.passRuns = false;
		this.bestDiskRate = Math.max(FADING * this.bestDiskRate, this.disk.bytesPerSecond());
		boolean measured = !this.coldStart && this.passBaselineNanos > 0 && this.layer == this.streamed.length;
		this.coldStart = false;
		if (measured) {
			double now = this.passNanos / this.passBaselineNanos - 1;
			this.degradation += WEIGHT * (now - this.degradation);
			adjustLimit(now);
		}
	}

	private void adjustLimit(double now) {
		double rate = this.passBytes / ((this.clock.getAsLong() - this.passStart) / NANOS);
		double aim = AIM * this.maxDegradation;
		if (now > aim && rate > 0) {
			// Degradation grows with the share of the time in which the disk is busy.
			double factor = Math.clamp(aim / now, 0.5, 1);
			this.limit = Math.max(Math.min(this.limit, rate) * factor, rate / 4);
		}
		else if (now < aim && Double.isFinite(this.limit)) {
			this.limit *= (now > 0) ? Math.min(1.1, aim / now) : 1.1;
			if (this.limit > 2 * this.bestDiskRate) {
				this.limit = Double.POSITIVE_INFINITY;
			}
		}
	}

	/**
	 * Asks whether a read ahead may go.
	 * @param bytes its size
	 * @param target the layer that needs it, at or after the one that computes; with an
	 * index below that one, a layer of the next pass
	 * @return 0 if it may go now; else nanoseconds to sleep before asking again, at most
	 * one millisecond. A read for which computing begins to wait meanwhile goes at once,
	 * without asking
	 */
	synchronized long pauseNanos(long bytes, int target) {
		this.demand = this.passRuns ? demand(target) : Double.POSITIVE_INFINITY;
		return pause(bytes);
	}

	/**
	 * Asks whether a read may go for which no layer will ever wait.
	 * @param bytes its size
	 * @return 0 if it may go now; else nanoseconds to sleep before asking again, at most
	 * one millisecond
	 */
	synchronized long pauseNanos(long bytes) {
		this.demand = this.passRuns ? 0 : Double.POSITIVE_INFINITY;
		return pause(bytes);
	}

	private long pause(long bytes) {
		this.pace = hasSlack() ? Math.max(this.demand * MARGIN, this.limit) : Double.POSITIVE_INFINITY;
		this.bucket.rate(this.pace);
		long pause = isQuiet() ? LONGEST_SLEEP_NANOS : Math.min(LONGEST_SLEEP_NANOS, this.bucket.take(bytes));
		if (pause > 0) {
			this.sleeps++;
			this.sleepNanos += pause;
		}
		return pause;
	}

	/**
	 * Whether reads ahead rest so that a layer computes alone, as contexts grow and
	 * baselines with them. They stop a layer earlier, for those under way to end.
	 */
	private boolean isQuiet() {
		if (!this.passRuns) {
			return false;
		}
		return this.coldStart || ((Double.isFinite(this.limit) || this.timing.passes % QUIET_PASSES == 0)
				&& (this.layer == this.quietLayer || this.layer + 1 == this.quietLayer) && hasSlack());
	}

	/**
	 * Whether reading a pass takes so much longer than computing it that nothing will
	 * ever be held back: then measuring layers alone would only delay the reads.
	 */
	private boolean isDiskBound() {
		double compute = Arrays.stream(this.timing.average).sum() / NANOS;
		return this.bestDiskRate > 0 && Arrays.stream(this.streamed).sum() / this.bestDiskRate > DISK_BOUND * compute;
	}

	private boolean hasSlack() {
		return this.demand * MARGIN < SLACK * this.bestDiskRate;
	}

	/**
	 * Least rate at which all that is not yet read arrives before the layer that needs it
	 * starts.
	 * @param target the layer for which is read next
	 * @return bytes per second; infinite if it should be there already
	 */
	private double demand(int target) {
		int layers = this.streamed.length;
		int current = Math.min(this.layer, layers - 1);
		int ahead = Math.floorMod(target - current, layers);
		if (this.layer < layers && ahead == 0) {
			return Double.POSITIVE_INFINITY;
		}
		// Time until the layer after the current one starts, less that of the read
		// itself.
		double time = (this.layer < layers) ? this.timing.average[current] - (this.clock.getAsLong() - this.layerStart)
				: 0;
		time = Math.max(0, time - this.readNanos);
		double steepest = 0;
		double bytes = 0;
		for (int i = 1; i < ahead + layers; i++) {
			int index = (current + i) % layers;
			if (i >= ahead) {
				bytes += this.streamed[index];
				if (bytes > 0) {
					steepest = Math.max(steepest, bytes / time * NANOS);
				}
			}
			time += this.timing.average[index];
		}
		return steepest;
	}

	/**
	 * Notes a read, ahead or waited for, that just ended.
	 * @param bytes its size
	 * @param nanos time that it took
	 */
	synchronized void read(long bytes, long nanos) {
		this.passBytes += bytes;
		this.readNanos += WEIGHT * (nanos - this.readNanos);
		this.disk.add(bytes, nanos);
	}

	/**
	 * What was achieved.
	 * @return a snapshot
	 */
	synchronized PacingMetrics snapshot() {
		double baseline = 0;
		double average = 0;
		for (int i = 0; i < this.streamed.length; i++) {
			if (this.timing.baseline[i] > 0) {
				baseline += this.timing.baseline[i];
				average += this.timing.average[i];
			}
		}
		return new PacingMetrics((long) baseline, (long) average, this.degradation, this.maxDegradation,
				this.disk.bytesPerSecond(), this.demand, this.pace, this.sleepNanos, this.sleeps);
	}

	private Timing timing(int rows) {
		int index = CLASSES - 1 - Integer.numberOfLeadingZeros(Math.max(1, rows));
		Timing found = this.timings[index];
		if (found == null) {
			found = new Timing(this.streamed.length);
			this.timings[index] = found;
		}
		return found;
	}

	/** Compute times of the layers in passes of about the same number of rows. */
	private static final class Timing {

		/** With no reads beside it, in nanoseconds; 0 if not measured yet. */
		private final double[] baseline;

		/** As it is, in nanoseconds; 0 if not measured yet. */
		private final double[] average;

		private int passes;

		private int coldStarts;

		Timing(int layers) {
			this.baseline = new double[layers];
			this.average = new double[layers];
		}

		boolean needsColdStart() {
			return this.passes > PASSES_BEFORE_COLD_START && this.coldStarts < COLD_STARTS
					&& Arrays.stream(this.baseline).anyMatch((nanos) -> nanos == 0);
		}

		void add(int layer, long nanos, boolean readsWereRunning) {
			average(this.average, layer, nanos);
			if (!readsWereRunning) {
				average(this.baseline, layer, nanos);
			}
			else if (this.average[layer] < STALE * this.baseline[layer]) {
				this.baseline[layer] = this.average[layer];
			}
		}

		private static void average(double[] averages, int layer, long nanos) {
			double before = averages[layer];
			averages[layer] = (before == 0) ? Math.max(1, nanos) : before + WEIGHT * (nanos - before);
		}

	}

}
