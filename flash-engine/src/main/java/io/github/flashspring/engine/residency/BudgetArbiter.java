package io.github.flashspring.engine.residency;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import io.github.flashspring.engine.memory.BudgetExceededException;
import io.github.flashspring.engine.metrics.ByteSize;

/**
 * Divides one budget among engines so that they decode the most tokens per second
 * together, from their plans alone. What a byte is worth depends on how much an engine
 * has already: pinning the last streamed block of a small model frees it from the disk,
 * while the same block of a large one saves little. So all divisions into equal steps are
 * compared, engine by engine, and not the next step alone.
 */
public final class BudgetArbiter {

	/** Steps that the memory above all minima is cut into: 2 % of it each. */
	private static final int STEPS = 48;

	private BudgetArbiter() {
	}

	/**
	 * Divides a budget.
	 * @param budgetBytes memory of all engines
	 * @param engines at least one
	 * @return bytes of each engine, in order; their sum is at most the budget
	 * @throws BudgetExceededException if the minima of all engines exceed the budget
	 */
	public static long[] divide(long budgetBytes, List<Share> engines) {
		long[] minima = engines.stream().mapToLong(Share::minimumBytes).toArray();
		long minimum = Arrays.stream(minima).sum();
		if (minimum > budgetBytes) {
			throw new BudgetExceededException(
					"The models cannot run together in a RAM budget of %s. They need at least %s: %s. Raise the budget to at least %d bytes, close a model, or shorten contexts."
						.formatted(ByteSize.readable(budgetBytes), ByteSize.readable(minimum),
								IntStream.range(0, minima.length)
									.mapToObj((i) -> ByteSize.readable(minima[i]) + " for " + engines.get(i).name())
									.collect(Collectors.joining(", ")),
								minimum),
					budgetBytes, minimum);
		}
		long step = (budgetBytes - minimum) / STEPS;
		// best[s]: the most tokens per second of the engines so far in s steps
		double[] best = new double[STEPS + 1];
		int[][] chosen = new int[engines.size()][STEPS + 1];
		for (int i = 0; i < engines.size(); i++) {
			Share engine = engines.get(i);
			double[] rates = new double[STEPS + 1];
			for (int steps = 0; steps <= STEPS; steps++) {
				rates[steps] = engine.tokensPerSecond(minima[i] + steps * step);
			}
			double[] next = new double[STEPS + 1];
			Arrays.fill(next, Double.NEGATIVE_INFINITY);
			for (int all = 0; all <= STEPS; all++) {
				for (int own = 0; own <= all; own++) {
					double rate = best[all - own] + rates[own];
					if (rate > next[all]) {
						next[all] = rate;
						chosen[i][all] = own;
					}
				}
			}
			best = next;
		}
		long[] bytes = new long[engines.size()];
		int left = STEPS;
		for (int i = engines.size() - 1; i >= 0; i--) {
			int own = chosen[i][left];
			bytes[i] = minima[i] + own * step;
			left -= own;
		}
		return bytes;
	}

	/**
	 * An engine that takes part.
	 */
	public interface Share {

		/**
		 * The engine's model.
		 * @return its name
		 */
		String name();

		/**
		 * The least memory in which it runs.
		 * @return bytes
		 */
		long minimumBytes();

		/**
		 * How fast it would decode alone.
		 * @param bytes its memory, at least the minimum
		 * @return predicted tokens per second, finite
		 */
		double tokensPerSecond(long bytes);

	}

}
