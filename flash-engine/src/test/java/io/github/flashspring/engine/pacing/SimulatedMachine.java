package io.github.flashspring.engine.pacing;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

import org.jspecify.annotations.Nullable;

/**
 * A computer and a disk in virtual time, event by event: layers compute one after the
 * other, each once all its pieces are in memory; readers fetch the pieces in the order of
 * use into a window, as the controller lets them; the disk divides its rate between the
 * reads that run; computing is slower while the disk is busy.
 */
final class SimulatedMachine {

	private static final double SECOND = 1e9;

	private final Settings settings;

	private final List<Reader> readers = new ArrayList<>();

	private final BandwidthController controller;

	/** Pieces of one pass, in the order of use. */
	private final List<Piece> pieces = new ArrayList<>();

	private final long[] loaded;

	private double now;

	private double diskRate;

	private double workFactor = 1;

	/** Standard deviation of how long a layer computes, with a seed of its own. */
	private double noise;

	/** By how much computing is slower while the disk is busy. */
	private double interference;

	private final Random random = new Random(42);

	/** How often a layer is interrupted for long, by other work on the machine. */
	private double interruptions;

	private double drift;

	private long nextPiece;

	private long windowUsed;

	private long backgroundBytes;

	private int layer;

	private long passIndex;

	private boolean waiting;

	private double workLeft;

	private double layerStart;

	private boolean readsWereRunning;

	SimulatedMachine(Settings settings, double maxDegradation) {
		this.settings = settings;
		this.diskRate = settings.diskBytesPerSecond();
		this.interference = settings.interference();
		this.controller = new BandwidthController(() -> (long) this.now, maxDegradation,
				settings.readers() * settings.pieceBytes(), settings.streamed());
		for (int i = 0; i < settings.streamed().length; i++) {
			for (long left = settings.streamed()[i]; left > 0; left -= settings.pieceBytes()) {
				this.pieces.add(new Piece(i, Math.min(left, settings.pieceBytes())));
			}
		}
		this.loaded = new long[settings.streamed().length];
		for (int i = 0; i < settings.readers(); i++) {
			this.readers.add(new Reader());
		}
	}

	BandwidthController controller() {
		return this.controller;
	}

	/** Changes the disk's rate from now on. */
	void diskRate(double bytesPerSecond) {
		this.diskRate = bytesPerSecond;
	}

	/** Changes how long all layers compute from now on, as other numbers of rows do. */
	void workFactor(double factor) {
		this.workFactor = factor;
	}

	/**
	 * Makes the time that layers compute vary from now on.
	 * @param deviation relative standard deviation
	 * @param often share of the layers that take three times as long
	 */
	void noise(double deviation, double often) {
		this.noise = deviation;
		this.interruptions = often;
	}

	/** Changes by how much computing is slower while the disk is busy. */
	void interference(double slower) {
		this.interference = slower;
	}

	/** Makes every pass longer than the one before, by this factor less one. */
	void drift(double perPass) {
		this.drift = perPass;
	}

	long backgroundBytes() {
		return this.backgroundBytes;
	}

	/** Lets time pass without a pass. */
	void idle(double seconds) {
		double end = this.now + seconds * SECOND;
		this.waiting = false;
		this.layer = -1;
		this.workLeft = Double.POSITIVE_INFINITY;
		while (this.now < end) {
			dispatch();
			advance(end - this.now);
			finishReads();
		}
	}

	/** Runs passes and adds them up. */
	Result run(int passes, int rows) {
		double start = this.now;
		double stall = 0;
		double compute = 0;
		for (int pass = 0; pass < passes; pass++) {
			this.controller.beginPass(rows);
			for (this.layer = 0; this.layer < this.settings.layerNanos().length; this.layer++) {
				double asked = this.now;
				this.waiting = true;
				this.workLeft = Double.POSITIVE_INFINITY;
				dispatch();
				while (this.loaded[this.layer] < this.settings.streamed()[this.layer]) {
					advance(Double.POSITIVE_INFINITY);
					finishReads();
					dispatch();
				}
				this.waiting = false;
				stall += this.now - asked;
				compute += computeLayer();
			}
			this.controller.endPass();
			this.workFactor *= 1 + this.drift;
			this.passIndex++;
		}
		return new Result((this.now - start) / passes, compute / passes, stall / passes);
	}

	private double computeLayer() {
		this.controller.computing(this.layer);
		this.layerStart = this.now;
		this.workLeft = this.settings.layerNanos()[this.layer] * this.workFactor * chance();
		this.readsWereRunning = false;
		dispatch();
		while (this.workLeft > 1e-3) {
			advance(Double.POSITIVE_INFINITY);
			finishReads();
			if (this.workLeft > 1e-3) {
				dispatch();
			}
		}
		double nanos = this.now - this.layerStart;
		this.controller.computed(this.layer, (long) nanos, this.readsWereRunning);
		this.windowUsed -= this.settings.streamed()[this.layer];
		this.loaded[this.layer] = 0;
		return nanos;
	}

	private double chance() {
		double factor = Math.max(0.5, 1 + this.noise * this.random.nextGaussian());
		return (this.random.nextDouble() < this.interruptions) ? 3 * factor : factor;
	}

	/** Lets every reader that can do something do it. */
	private void dispatch() {
		for (Reader reader : this.readers) {
			if (reader.piece == null) {
				reader.pass = this.pieces.isEmpty() ? 0 : this.nextPiece / this.pieces.size();
				reader.piece = take();
				reader.wake = this.now;
			}
			if (reader.piece != null && !reader.reading && mayGo(reader, reader.piece)) {
				reader.reading = true;
				reader.left = reader.piece.bytes();
				reader.start = this.now;
			}
		}
	}

	private boolean mayGo(Reader reader, Piece piece) {
		boolean background = piece.layer() < 0;
		if (this.waiting && piece.layer() == this.layer && reader.pass == this.passIndex) {
			return true;
		}
		if (this.controller.coldStart()) {
			reader.wake = Double.POSITIVE_INFINITY;
			return false;
		}
		if (reader.wake > this.now && Double.isFinite(reader.wake)) {
			return false;
		}
		long pause = background ? this.controller.pauseNanos(piece.bytes())
				: this.controller.pauseNanos(piece.bytes(), piece.layer());
		reader.wake = this.now + pause;
		return pause == 0;
	}

	private @Nullable Piece take() {
		if (this.pieces.isEmpty()) {
			return (this.settings.background()) ? new Piece(-1, this.settings.pieceBytes()) : null;
		}
		Piece piece = this.pieces.get((int) (this.nextPiece % this.pieces.size()));
		if (this.windowUsed + piece.bytes() > this.settings.windowBytes()) {
			return null;
		}
		this.windowUsed += piece.bytes();
		this.nextPiece++;
		return piece;
	}

	/** Moves to the next event, at most so far. */
	private void advance(double most) {
		long busy = this.readers.stream().filter((reader) -> reader.reading).count();
		double speed = (busy > 0) ? 1 / (1 + this.interference) : 1;
		this.readsWereRunning |= busy > 0;
		double bytesPerNano = (busy > 0) ? this.diskRate / busy / SECOND : 0;
		double step = Math.min(most, this.workLeft / speed);
		for (Reader reader : this.readers) {
			if (reader.reading) {
				step = Math.min(step, reader.left / bytesPerNano);
			}
			else if (reader.piece != null && reader.wake > this.now) {
				step = Math.min(step, reader.wake - this.now);
			}
		}
		if (!Double.isFinite(step)) {
			throw new AssertionError("Nothing will ever happen again: layer " + this.layer + ", waiting " + this.waiting
					+ ", window " + this.windowUsed);
		}
		this.now += step;
		this.workLeft -= step * speed;
		for (Reader reader : this.readers) {
			if (reader.reading) {
				reader.left -= step * bytesPerNano;
			}
		}
	}

	private void finishReads() {
		for (Reader reader : this.readers) {
			Piece piece = reader.piece;
			if (piece != null && reader.reading && reader.left < 1e-3) {
				this.controller.read(piece.bytes(), (long) (this.now - reader.start));
				if (piece.layer() >= 0) {
					this.loaded[piece.layer()] += piece.bytes();
				}
				else {
					this.backgroundBytes += piece.bytes();
				}
				reader.piece = null;
				reader.reading = false;
			}
		}
	}

	/**
	 * What the machine is made of.
	 *
	 * @param layerNanos time that each layer computes with nothing beside it
	 * @param streamed bytes that each layer reads
	 * @param pieceBytes size of a read
	 * @param windowBytes how much may be in memory or under way, at most what a pass
	 * reads
	 * @param readers reads at once
	 * @param diskBytesPerSecond rate of the disk
	 * @param interference by how much computing is slower while the disk is busy
	 * @param background whether somebody reads without end beside a resident model
	 */
	record Settings(double[] layerNanos, long[] streamed, long pieceBytes, long windowBytes, int readers,
			double diskBytesPerSecond, double interference, boolean background) {

		double computeNanos() {
			return Arrays.stream(this.layerNanos).sum();
		}

		double diskNanos() {
			return Arrays.stream(this.streamed).sum() / this.diskBytesPerSecond * SECOND;
		}

	}

	/**
	 * Averages of passes, in nanoseconds.
	 *
	 * @param pass whole pass
	 * @param compute part of it that computed
	 * @param stall part of it that waited for reads
	 */
	record Result(double pass, double compute, double stall) {

	}

	private record Piece(int layer, long bytes) {

	}

	private final class Reader {

		private @Nullable Piece piece;

		private boolean reading;

		private double left;

		private double start;

		private double wake;

		private long pass;

	}

}
