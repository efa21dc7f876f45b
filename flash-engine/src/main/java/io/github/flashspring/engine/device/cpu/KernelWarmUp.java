package io.github.flashspring.engine.device.cpu;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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

	/**
	 * Compiled code may still make an object of a vector here and there, but not of one
	 * in so many that the interpreter makes.
	 */
	private static final int INTERPRETED_SHARE = 16;

	/** Calls in a row that allocate little before a kernel counts as compiled. */
	private static final int CLEAN_CALLS = 3;

	/** How long one exercise runs before the next. */
	private static final long TURN_NANOS = 500_000;

	/**
	 * Leaves the cores to compilers and to the rest of the start between rounds: as long
	 * as nothing new is compiled, each pause is longer than the last.
	 */
	private static final long MIN_PAUSE_NANOS = 500_000;

	private static final long MAX_PAUSE_NANOS = 10_000_000;

	/**
	 * How long to wait for the compiler, which may never come, as with
	 * {@code -XX:TieredStopAtLevel=1}. On two cores with a load of 12, the kernels of a
	 * small model took 14 to 26 s.
	 */
	private static final long PATIENCE_NANOS = 30_000_000_000L;

	private final SwitchingKernels kernels;

	private final List<Exercise> exercises;

	private final Allocations allocations;

	private final Scratch scratch = new Scratch();

	/** The most that a call has allocated so far. */
	private final Map<Kernel, Long> interpreted = new HashMap<>();

	KernelWarmUp(SwitchingKernels kernels, List<Exercise> exercises, Allocations allocations) {
		this.kernels = kernels;
		this.exercises = exercises;
		this.allocations = allocations;
	}

	@Override
	public void run() {
		List<Exercise> waiting = new ArrayList<>(this.exercises);
		long start = System.nanoTime();
		long pause = MIN_PAUSE_NANOS;
		while (!waiting.isEmpty() && !Thread.currentThread().isInterrupted()) {
			if (System.nanoTime() - start > PATIENCE_NANOS) {
				settle(waiting);
				return;
			}
			pause = waiting.removeIf(this::compiled) ? MIN_PAUSE_NANOS : Math.min(2 * pause, MAX_PAUSE_NANOS);
			LockSupport.parkNanos(pause);
		}
	}

	private boolean compiled(Exercise exercise) {
		long end = System.nanoTime() + TURN_NANOS;
		int clean = 0;
		do {
			long before = this.allocations.bytes();
			exercise.work().run(this.kernels.vector(), this.scratch);
			long allocated = this.allocations.bytes() - before;
			long most = this.interpreted.merge(exercise.kernel(), allocated, Math::max);
			clean = (allocated <= Math.max(MAX_ALLOCATION, most / INTERPRETED_SHARE)) ? clean + 1 : 0;
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
