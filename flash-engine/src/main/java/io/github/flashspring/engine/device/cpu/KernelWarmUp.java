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
	private static final int INTERPRETED_SHARE = 64;

	/** Calls in a row that allocate little before a kernel counts as compiled. */
	private static final int CLEAN_CALLS = 3;

	/** How long an exercise without empty calls runs before the next. */
	private static final long TURN_NANOS = 1_000_000;

	/** How long cores are left to compilers between rounds. */
	private static final long PAUSE_NANOS = 3_000_000;

	/**
	 * Turns to wait for the compiler, which may never come, as with
	 * {@code -XX:TieredStopAtLevel=1}: 20 s and more. Not a time, since turns come only
	 * while a kernel is wanted.
	 */
	private static final int MAX_TURNS = 5000;

	private final SwitchingKernels kernels;

	private final List<Exercise> exercises;

	private final Allocations allocations;

	private final Scratch scratch = new Scratch();

	/** The most that a call has allocated so far. */
	private final Map<Kernel, Long> interpreted = new HashMap<>();

	/** Turns so far. */
	private final Map<Kernel, Integer> turns = new HashMap<>();

	KernelWarmUp(SwitchingKernels kernels, List<Exercise> exercises, Allocations allocations) {
		this.kernels = kernels;
		this.exercises = exercises;
		this.allocations = allocations;
	}

	@Override
	public void run() {
		List<Exercise> waiting = new ArrayList<>(this.exercises);
		try {
			while (!waiting.isEmpty() && !Thread.currentThread().isInterrupted()) {
				waiting.removeIf((exercise) -> this.kernels.wanted(exercise.kernel())
						&& (compiled(exercise) || settled(exercise)));
				LockSupport.parkNanos(PAUSE_NANOS);
			}
		}
		catch (RuntimeException | Error ex) {
			// nobody waits for what does not come any more
			waiting.forEach((exercise) -> this.kernels.ready(exercise.kernel()));
			throw ex;
		}
	}

	private boolean compiled(Exercise exercise) {
		long end = System.nanoTime();
		if (exercise.empty() != null) {
			exercise.empty().run(this.kernels.vector(), this.scratch);
		}
		else {
			end += TURN_NANOS;
		}
		int clean = 0;
		do {
			clean = clean(exercise.kernel(), exercise.work()) ? clean + 1 : 0;
		}
		while (clean < CLEAN_CALLS && (clean > 0 || System.nanoTime() < end));
		if (clean < CLEAN_CALLS) {
			return false;
		}
		logger.debug("{} is compiled", exercise.kernel());
		this.kernels.compiled(exercise.kernel());
		return true;
	}

	private boolean clean(Kernel kernel, Exercise.Work work) {
		long before = this.allocations.bytes();
		work.run(this.kernels.vector(), this.scratch);
		long allocated = this.allocations.bytes() - before;
		long most = this.interpreted.merge(kernel, allocated, Math::max);
		return allocated <= Math.max(MAX_ALLOCATION, most / INTERPRETED_SHARE);
	}

	/**
	 * Of a kernel that is not compiled in time, takes the vector code if it is faster.
	 * @return false if there is time left
	 */
	private boolean settled(Exercise exercise) {
		if (this.turns.merge(exercise.kernel(), 1, Integer::sum) < MAX_TURNS) {
			return false;
		}
		if (nanos(exercise, this.kernels.vector()) < nanos(exercise, this.kernels.portable())) {
			this.kernels.ready(exercise.kernel());
		}
		else {
			logger.warn("The JVM does not compile the vector code of {}, so portable code computes it",
					exercise.kernel());
		}
		return true;
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
