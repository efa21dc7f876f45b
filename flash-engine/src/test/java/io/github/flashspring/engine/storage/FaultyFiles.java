package io.github.flashspring.engine.storage;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

import io.github.flashspring.engine.weights.WeightFiles;
import io.github.flashspring.engine.weights.WeightLayout;
import io.github.flashspring.engine.storage.FaultyAccess.Fault;
import io.github.flashspring.engine.storage.FaultyAccess.Faults;

/**
 * Files of a model on a disk with faults, for tests of whole engines. Pauses between
 * attempts take no time.
 */
public final class FaultyFiles {

	private final Faults faults = new Faults();

	private final Consumer<Duration> sleeper = (pause) -> {
	};

	/**
	 * Names the files of a model.
	 * @param layout which tensors lie in which file
	 */
	public WeightFiles of(WeightLayout layout) {
		return new WeightFiles(layout, (files) -> DirectFiles.openAll(files, this.faults, this.sleeper));
	}

	/** Direct reads are refused, from the next file on. */
	public void refuseDirect() {
		this.faults.refuseDirect = true;
	}

	/** From now on, all is well. */
	public void heal() {
		this.faults.fault = null;
	}

	/** Reads deliver at most so many bytes. */
	public void readShort(int most) {
		this.faults.fault = Fault.shortReads(most);
	}

	/** Every nth read fails once. */
	public void failEvery(int nth) {
		this.faults.fault = Fault.every(nth, new IOException("Input/output error"));
	}

	/** All reads fail. */
	public void fail() {
		this.faults.fault = Fault.always(new IOException("Input/output error"));
	}

	/** All reads fail from one on. */
	public void failFrom(int read) {
		this.faults.fault = (real, target, offset) -> {
			if (this.faults.reads.get() >= read) {
				throw new IOException("Input/output error");
			}
			return real.read(target, offset);
		};
	}

	/** Every nth read takes so long. */
	public void delayEvery(int nth, long millis) {
		this.faults.fault = Fault.spikes(nth, millis);
	}

	/**
	 * Holds back the first read from now on that covers one of some bytes, until the gate
	 * opens.
	 * @param offsets the bytes, in any of the files
	 */
	public Gate holdBack(long... offsets) {
		Gate gate = new Gate();
		this.faults.fault = (real, target, position) -> {
			for (int i = 0; i < offsets.length; i++) {
				if (position <= offsets[i] && offsets[i] < position + target.remaining()) {
					gate.pass(i);
				}
			}
			return real.read(target, position);
		};
		return gate;
	}

	/** System calls until now. */
	public int reads() {
		return this.faults.reads.get();
	}

	/** Those of them that filled several targets. */
	public int scatteredReads() {
		return this.faults.scattered.get();
	}

	/** Where a read is held back. */
	public static final class Gate {

		private final CompletableFuture<Integer> held = new CompletableFuture<>();

		private final CountDownLatch open = new CountDownLatch(1);

		private void pass(int index) {
			if (this.held.complete(index)) {
				try {
					this.open.await();
				}
				catch (InterruptedException ex) {
					throw new AssertionError("readers are not interrupted", ex);
				}
			}
		}

		/** Waits until a read has come here, and tells which byte it covers. */
		public int awaitHeld() {
			return this.held.join();
		}

		/** Lets the read pass. */
		public void open() {
			this.open.countDown();
		}

	}

}
