package io.github.flashspring.engine.residency;

import java.util.Arrays;
import java.util.function.LongSupplier;

import io.github.flashspring.engine.storage.DiskRate;
import io.github.flashspring.engine.storage.TokenBucket;
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
 * it gives) they are not held at all. Above it, a limit applies only where reads were
 * seen to disturb: layers with and without reads beside them, of the same few passes, are
 * compared until the {@link InterferenceEstimator} is known well enough. If it is surely
 * more than allowed, the limit falls in proportion; if it is surely less, the limit rises
 * until it is gone; as long as it is neither, nothing changes.
 * <p>
 * Reads that computing already waits for do not ask. Safe for use by several threads; no
 * call blocks.
 */
final class BandwidthController {

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

	/**
	 * With reads beside it nothing computes so much faster: then the baseline is that of
	 * code that was not compiled yet. Nearer to it, noise would decide.
	 */
	private static final double STALE = 0.7;

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

	/** Windows before the limit may change. */
	private static final int MIN_WINDOWS = 8;

	/** Standard errors within which a disturbance may be more or less than it seems. */
	private static final double CERTAINTY = 2.5;

	/** Least share of the disk's rate that is left to reads ahead. */
	private static final double MIN_SHARE = 1.0 / 32;

	/** Layers for which reads rest at most, so that a few of them are computed alone. */
	private static final int MAX_SPELL = 12;

	/**
	 * Passes without a measurement once nothing is held back, and nothing need be; twice
	 * as many each time that this is confirmed.
	 */
	private static final int RESTING_PASSES = 32;

	private static final int MAX_RESTING_PASSES = 128;

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

	private final InterferenceEstimator disturbance = new InterferenceEstimator();

	/** Whether reads ahead rest until a few layers were computed alone. */
	private boolean quiet;

	/** Layers since reads began or ceased to rest. */
	private int spell;

	/** Whether one of them was computed alone, as reads rested. */
	private boolean spellWasAlone;

	/** Passes until the disturbance is measured again. */
	private int resting;

	private int nextResting = RESTING_PASSES;

	/** Whether what is computed tells nothing of reads that ask here. */
	private boolean aside;

	private int layer;

	private long layerStart;

	/** When the time began that is not accounted for yet. */
	private long spanStart;

	/** Bytes read since. */
	private double spanBytes;

	/** As last measured; not a number before. */
	private double degradation = Double.NaN;

	/** Time of passes in which reads did not rest, since the limit changed. */
	private double openNanos;

	/** Bytes read in that time. */
	private double openBytes;

	private double readNanos;

	/** Held reads do not show what the disk can do. */
	private double bestDiskRate;

	private double limit = Double.POSITIVE_INFINITY;

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
		this.resting = Math.max(0, this.resting - 1);
		this.passRuns = true;
		this.layer = 0;
		this.layerStart = this.clock.getAsLong();
		this.spanStart = this.layerStart;
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
		double baseline = this.timing.baseline[index];
		this.timing.add(index, nanos, readsWereRunning);
		this.layer = index + 1;
		this.layerStart = this.clock.getAsLong();
		account();
		if (baseline > 0 && !this.coldStart && !this.aside && Double.isFinite(this.maxDegradation)) {
			if (this.resting == 0 && this.disturbance.add(nanos, baseline, readsWereRunning, this.quiet)) {
				adjustLimit();
			}
			rest(readsWereRunning);
		}
	}

	/**
	 * Lets reads rest now and then while layers are missing that compute alone: for a few
	 * layers only, as what is read ahead lasts no longer.
	 */
	private void rest(boolean readsWereRunning) {
		this.spell++;
		this.spellWasAlone |= this.quiet && !readsWereRunning;
		boolean wanted = this.resting == 0 && this.disturbance.wantsQuiet();
		if (!this.quiet && wanted && this.spell >= InterferenceEstimator.LEAST) {
			begin(true);
		}
		else if (this.quiet && (!wanted || this.spell >= MAX_SPELL || (this.spellWasAlone && readsWereRunning))) {
			begin(false);
		}
	}

	private void begin(boolean quietSpell) {
		account();
		this.quiet = quietSpell;
		this.spell = 0;
		this.spellWasAlone = false;
	}

	/** Adds the time since this was last called to that in which reads may go. */
	private void account() {
		long now = this.clock.getAsLong();
		if (!this.quiet && this.passRuns) {
			this.openNanos += now - this.spanStart;
			this.openBytes += this.spanBytes;
		}
		this.spanStart = now;
		this.spanBytes = 0;
	}

	/**
	 * Whether passes compute for somebody whose reads do not ask here, so that they tell
	 * nothing of those that do.
	 * @param now true from now on
	 */
	synchronized void aside(boolean now) {
		this.aside = now;
		begin(false);
		this.disturbance.begin();
	}

	/**
	 * Ends a pass, successful or not. Until the next one, reads ahead are free.
	 */
	synchronized void endPass() {
		if (!this.passRuns) {
			return;
		}
		account();
		this.passRuns = false;
		this.coldStart = false;
		this.bestDiskRate = Math.max(FADING * this.bestDiskRate, this.disk.bytesPerSecond());
	}

	/**
	 * Compares the disturbance with what is allowed, and both ends of what it may be:
	 * only what is certain changes the limit, or what still seems so when no more is to
	 * be learnt.
	 */
	private void adjustLimit() {
		double longer = this.disturbance.longer();
		double error = CERTAINTY * this.disturbance.error();
		double rate = this.openBytes / Math.max(1, this.openNanos) * NANOS;
		int windows = this.disturbance.windows();
		if (windows < MIN_WINDOWS || rate <= 0) {
			return;
		}
		this.degradation = longer;
		double aim = AIM * this.maxDegradation;
		boolean last = windows == InterferenceEstimator.WINDOWS;
		if (longer - error > this.maxDegradation) {
			// It grows with the share of the time in which the disk is busy.
			limit(Math.min(this.limit, rate) * Math.clamp(aim / longer, 0.25, 0.9));
		}
		else if (longer + error < this.maxDegradation) {
			if (!Double.isFinite(this.limit)) {
				restFromMeasuring();
			}
			else if (longer < aim) {
				limit(this.limit * Math.clamp(aim / Math.max(longer + error / 2, 0.5 * aim), 1, 2));
			}
		}
		else if (last && longer > this.maxDegradation) {
			limit(Math.min(this.limit, rate) * Math.clamp(aim / longer, 0.7, 0.95));
		}
		else if (last && Double.isFinite(this.limit)) {
			limit(this.limit * Math.clamp(aim / Math.max(longer, 0.5 * aim), 0.85, 1.15));
		}
		else if (last) {
			restFromMeasuring();
		}
	}

	private void restFromMeasuring() {
		this.resting = this.nextResting;
		this.nextResting = Math.min(MAX_RESTING_PASSES, 2 * this.nextResting);
		this.disturbance.forget();
	}

	private void limit(double bytesPerSecond) {
		this.limit = Math.max(bytesPerSecond, MIN_SHARE * this.bestDiskRate);
		if (this.limit > 2 * this.bestDiskRate) {
			this.limit = Double.POSITIVE_INFINITY;
		}
		this.nextResting = RESTING_PASSES;
		this.disturbance.forget();
		this.openNanos = 0;
		this.openBytes = 0;
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
		return pause(bytes, MAX_SLEEP_NANOS);
	}

	/**
	 * Asks whether a read may go for which no layer will ever wait.
	 * @param bytes its size
	 * @return 0 if it may go now; else nanoseconds to sleep before asking again, at most
	 * twenty milliseconds
	 */
	synchronized long pauseNanos(long bytes) {
		this.demand = this.passRuns ? 0 : Double.POSITIVE_INFINITY;
		return pause(bytes, MAX_REST_NANOS);
	}

	private long pause(long bytes, long longest) {
		this.pace = hasSlack() ? Math.max(this.demand * MARGIN, this.limit) : Double.POSITIVE_INFINITY;
		this.bucket.rate(this.pace);
		long pause = isQuiet() ? Math.min(longest, quietNanos()) : Math.min(longest, this.bucket.take(bytes));
		if (pause > 0) {
			this.sleeps++;
			this.sleepNanos += pause;
		}
		return pause;
	}

	/** Whether reads ahead rest so that layers compute alone. */
	private boolean isQuiet() {
		return this.passRuns && (this.coldStart || (this.quiet && hasSlack()));
	}

	/** About as long as the layers take that are still to compute alone. */
	private long quietNanos() {
		double layerNanos = this.timing.average[Math.min(this.layer, this.streamed.length - 1)];
		return Math.max(MAX_SLEEP_NANOS, (long) (layerNanos * InterferenceEstimator.LEAST / 2));
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
		this.spanBytes += bytes;
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
		// Where reads never rest, since computing waits for them, only the first passes
		// can be compared with. Where passes read nothing, there is nothing to compare.
		boolean streams = Arrays.stream(this.streamed).anyMatch((bytes) -> bytes > 0);
		double sinceStart = (baseline > 0 && streams) ? average / baseline - 1 : 0;
		double measured = Double.isNaN(this.degradation) ? sinceStart : this.degradation;
		// Reads do not shorten compute: below zero, it is the noise of the measurement.
		return new PacingMetrics((long) baseline, (long) average, Math.max(0, measured), this.maxDegradation,
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

		/** How often each layer was measured with no reads beside it. */
		private final int[] alone;

		private int passes;

		private int coldStarts;

		Timing(int layers) {
			this.baseline = new double[layers];
			this.average = new double[layers];
			this.alone = new int[layers];
		}

		boolean needsColdStart() {
			return this.passes > PASSES_BEFORE_COLD_START && this.coldStarts < COLD_STARTS
					&& Arrays.stream(this.baseline).anyMatch((nanos) -> nanos == 0);
		}

		void add(int layer, long nanos, boolean readsWereRunning) {
			average(this.average, layer, nanos, WEIGHT);
			if (!readsWereRunning) {
				this.alone[layer]++;
				average(this.baseline, layer, nanos, Math.max(WEIGHT / 2, 1.0 / this.alone[layer]));
			}
			else if (this.average[layer] < STALE * this.baseline[layer]) {
				this.baseline[layer] = this.average[layer];
				this.alone[layer] = 0;
			}
		}

		private static void average(double[] averages, int layer, long nanos, double weight) {
			double before = averages[layer];
			averages[layer] = (before == 0) ? Math.max(1, nanos) : before + weight * (nanos - before);
		}

	}

}
