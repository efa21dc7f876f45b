package io.github.flashspring.cli;

import java.util.concurrent.atomic.AtomicBoolean;

import org.jspecify.annotations.Nullable;
import sun.misc.Signal;
import sun.misc.SignalHandler;

import io.github.flashspring.engine.Generation;

/**
 * What Ctrl-C does while a generation runs: the first cancels the generation, the next
 * ends the process.
 */
final class Interrupts implements AutoCloseable {

	private static final Signal CTRL_C = new Signal("INT");

	private final AtomicBoolean happened = new AtomicBoolean();

	private volatile @Nullable SignalHandler previous;

	private Interrupts() {
	}

	/**
	 * Cancels a generation on Ctrl-C until this is closed.
	 * @param generation what to cancel
	 * @return to be closed after the generation
	 */
	static Interrupts cancelling(Generation generation) {
		Interrupts interrupts = new Interrupts();
		try {
			interrupts.previous = Signal.handle(CTRL_C, (signal) -> interrupts.handle(signal, generation));
		}
		catch (IllegalArgumentException _) {
			// With -Xrs the signal belongs to the operating system, which ends the
			// process.
		}
		return interrupts;
	}

	/**
	 * Whether Ctrl-C was pressed.
	 * @return true from the first time on
	 */
	boolean happened() {
		return this.happened.get();
	}

	@Override
	public void close() {
		SignalHandler before = this.previous;
		if (before != null) {
			Signal.handle(CTRL_C, before);
		}
	}

	private void handle(Signal signal, Generation generation) {
		if (this.happened.compareAndSet(false, true)) {
			generation.cancel();
			return;
		}
		SignalHandler before = this.previous;
		if (before != null) {
			before.handle(signal);
		}
	}

}
