package io.github.flashspring.engine.device.cpu;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs exercises until the vector kernels are compiled, and switches each to its vector
 * code then.
 */
final class KernelWarmUp implements Runnable {

	private static final Logger logger = LoggerFactory.getLogger(KernelWarmUp.class);

	/**
	 * What a call of compiled code allocates at most: a few small objects. One in the
	 * interpreter allocates an object of 40 bytes and more for each of hundreds of
	 * operations.
	 */
	private static final long MAX_ALLOCATION = 2048;

	/** Calls in a row that allocate little before a kernel counts as compiled. */
	private static final int CLEAN_CALLS = 3;

	/** How long one exercise runs before the next. */
	private static final long TURN_NANOS = 2_000_000;

	/** Leaves the cores to compilers and to the rest of the start between rounds. */
	private static final long PAUSE_NANOS = 1_000_000;

	/**
	 * How long to wait for the compiler. On two loaded cores all kernels of a model are
	 * compiled in 5 s; what is not compiled by then never is, as with
	 * {@code -XX:TieredStopAtLevel=1}.
	 */
	private static final long PATIENCE_NANOS = 30_000_000_000L;

	private final SwitchingKernels kernels;

	private final List<Exercise> exercises;

	private final Allocations allocations;

	private final Scratch scratch = new Scratch();

	KernelWarmUp(SwitchingKernels kernels, List<Exercise> exercises, Allocations allocations) {
		this.kernels = kernels;
		this.exercises = exercises;
		this.allocations = allocations;
	}

	@Override
	public void run() {
		List<Exercise> waiting = new ArrayList<>(this.exercises);
		long start = System.nanoTime();
		while (!waiting.isEmpty() && !Thread.currentThread().isInterrupted()) {
			if (System.nanoTime() - start > PATIENCE_NANOS) {
				settle(waiting);
				return;
			}
			if (!waiting.removeIf(this::compiled)) {
				LockSupport.parkNanos(PAUSE_NANOS);
			}
		}
	}

	private boolean compiled(Exercise exercise) {
		long end = System.nanoTime() + TURN_NANOS;
		int clean = 0;
		do {
			long before = this.allocations.bytes();
			exercise.work().run(this.kernels.vector(), this.scratch);
			clean = (this.allocations.bytes() - before <= MAX_ALLOCATION) ? clean + 1 : 0;
		}
		while (clean < CLEAN_CALLS && System.nanoTime() < end);
		if (clean < CLEAN_CALLS) {
			return false;
		}
		logger.debug("{} is compiled", exercise.kernel());
		this.kernels.ready(exercise.kernel());
		return true;
	}

	/** Of kernels that are not compiled, takes the vector code where it is faster. */
	private void settle(List<Exercise> waiting) {
		for (Exercise exercise : waiting) {
			if (nanos(exercise, this.kernels.vector()) < nanos(exercise, this.kernels.portable())) {
				this.kernels.ready(exercise.kernel());
			}
			else {
				logger.warn("The JVM does not compile the vector code of {}, so portable code computes it",
						exercise.kernel());
			}
		}
	}

	private long nanos(Exercise exercise, Kernels with) {
		long best = Long.MAX_VALUE;
		for (int i = 0; i < 20; i++) {
			long start = System.nanoTime();
			exercise.work().run(with, this.scratch);
			best = Math.min(best, System.nanoTime() - start);
		}
		return best;
	}

}
