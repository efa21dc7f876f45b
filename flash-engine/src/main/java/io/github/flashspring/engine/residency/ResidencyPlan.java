package io.github.flashspring.engine.residency;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntToLongFunction;

import io.github.flashspring.engine.metrics.ByteSize;

/**
 * How the memory of an engine is divided, computed before the first read: which units
 * stay in memory, which are read again in every pass, and what the rest needs.
 *
 * @param budgetBytes memory that may be used; {@link Long#MAX_VALUE}: no bound
 * @param minimumBytes the least in which the model can run with these settings
 * @param prefillChunk most rows of a pass
 * @param contextLength positions of a sequence
 * @param units the units in the order of a pass; the last is the token embedding unless
 * it is tied to the head
 * @param windowBytes memory into which streamed units are read
 * @param kvBytes keys and values of {@code contextLength} positions
 * @param workBytes activations, logits, scratch memory of the device, embedding rows
 * @param tokenizerBytes estimate for the tokenizer
 */
public record ResidencyPlan(long budgetBytes, long minimumBytes, int prefillChunk, int contextLength,
		List<PlannedUnit> units, long windowBytes, long kvBytes, long workBytes, long tokenizerBytes) {

	public ResidencyPlan {
		units = List.copyOf(units);
	}

	/**
	 * Plans.
	 * @param budget memory that may be used
	 * @param layout the weights
	 * @param needs what else needs memory
	 * @return the plan
	 * @throws BudgetExceededException if the budget is too small
	 */
	public static ResidencyPlan of(RamBudget budget, WeightLayout layout, Needs needs) {
		List<WeightLayout.Unit> units = new ArrayList<>(layout.units());
		int streamable = units.size();
		if (layout.tiedUnit() < 0) {
			units.add(layout.embedding());
		}
		long largest = layout.units().stream().mapToLong(WeightLayout.Unit::bytes).max().orElse(0);
		long all = units.stream().mapToLong(WeightLayout.Unit::bytes).sum();
		IntToLongFunction work = (rows) -> needs.workBytes().applyAsLong(rows) + rows * layout.embeddingRowBytes();
		long fixed = needs.kvBytes() + needs.tokenizerBytes();
		long minimum = fixed + work.applyAsLong(1) + largest;
		long bytes = switch (budget.kind()) {
			case UNLIMITED -> Long.MAX_VALUE;
			case MINIMUM -> minimum;
			case BYTES -> budget.bytes();
		};
		if (bytes < minimum) {
			throw new BudgetExceededException(
					"The model cannot run in a RAM budget of %s. It needs at least %s: %s for its largest part (%s), %s for keys and values of %d positions, %s for activations, %s for the tokenizer. Raise the budget to at least %d bytes, or shorten the context."
						.formatted(ByteSize.readable(bytes), ByteSize.readable(minimum), ByteSize.readable(largest),
								layout.units()
									.stream()
									.filter((unit) -> unit.bytes() == largest)
									.findFirst()
									.map(WeightLayout.Unit::name)
									.orElse("-"),
								ByteSize.readable(needs.kvBytes()), needs.contextLength(),
								ByteSize.readable(work.applyAsLong(1)), ByteSize.readable(needs.tokenizerBytes()),
								minimum),
					bytes, minimum);
		}
		int chunk = needs.prefillChunk();
		if (bytes != Long.MAX_VALUE && fixed + work.applyAsLong(chunk) + all > bytes) {
			// A longer chunk saves passes over the streamed weights for prompts, but its
			// memory is lost for pinning: at most a quarter of what is free goes there.
			long free = (bytes - minimum) / 4;
			while (chunk > 1 && work.applyAsLong(chunk) - work.applyAsLong(1) > free) {
				chunk = (chunk + 1) / 2;
			}
		}
		long available = bytes - fixed - work.applyAsLong(chunk);
		boolean[] pinned = choosePinned(units, streamable, available);
		List<PlannedUnit> planned = new ArrayList<>();
		long window = 0;
		for (int i = 0; i < units.size(); i++) {
			planned.add(new PlannedUnit(units.get(i).name(), units.get(i).bytes(), pinned[i]));
			if (!pinned[i] && i < streamable) {
				window = Math.max(window, units.get(i).bytes());
			}
		}
		return new ResidencyPlan(bytes, minimum, chunk, needs.contextLength(), planned, window, needs.kvBytes(),
				work.applyAsLong(chunk), needs.tokenizerBytes());
	}

	/**
	 * Pins as many units as fit beside the largest one that is not pinned, spread evenly
	 * along the pass, so that those left to stream are as well; then any others that fit
	 * into what is left. The embedding comes last: streamed, it costs only its rows.
	 */
	private static boolean[] choosePinned(List<WeightLayout.Unit> units, int streamable, long available) {
		boolean[] pinned = new boolean[units.size()];
		for (int count = streamable; count > 0; count--) {
			for (int i = 0; i < streamable; i++) {
				pinned[i] = (i + 1L) * count / streamable > (long) i * count / streamable;
			}
			if (bytes(units, pinned, streamable) <= available) {
				break;
			}
			Arrays.fill(pinned, false);
		}
		for (int i = 0; i < units.size(); i++) {
			boolean before = pinned[i];
			pinned[i] = true;
			pinned[i] = before || bytes(units, pinned, streamable) <= available;
		}
		return pinned;
	}

	/** Memory of the pinned units and of the window for the others. */
	private static long bytes(List<WeightLayout.Unit> units, boolean[] pinned, int streamable) {
		long bytes = 0;
		long window = 0;
		for (int i = 0; i < units.size(); i++) {
			if (pinned[i]) {
				bytes += units.get(i).bytes();
			}
			else if (i < streamable) {
				window = Math.max(window, units.get(i).bytes());
			}
		}
		return bytes + window;
	}

	/**
	 * Bytes of weights that stay in memory.
	 * @return bytes
	 */
	public long pinnedBytes() {
		return this.units.stream().filter(PlannedUnit::pinned).mapToLong(PlannedUnit::bytes).sum();
	}

	/**
	 * Bytes of weights of all units.
	 * @return bytes
	 */
	public long weightBytes() {
		return this.units.stream().mapToLong(PlannedUnit::bytes).sum();
	}

	/**
	 * All memory of the plan.
	 * @return bytes, at most the budget
	 */
	public long plannedBytes() {
		return pinnedBytes() + this.windowBytes + this.kvBytes + this.workBytes + this.tokenizerBytes;
	}

	/**
	 * A unit and its place.
	 *
	 * @param name for people
	 * @param bytes size of its weights
	 * @param pinned whether it stays in memory
	 */
	public record PlannedUnit(String name, long bytes, boolean pinned) {

	}

	/**
	 * What needs memory besides the weights.
	 *
	 * @param prefillChunk most rows of a pass that are wanted
	 * @param contextLength positions of a sequence
	 * @param kvBytes keys and values
	 * @param tokenizerBytes the tokenizer
	 * @param workBytes activations and scratch memory for a number of rows
	 */
	public record Needs(int prefillChunk, int contextLength, long kvBytes, long tokenizerBytes,
			IntToLongFunction workBytes) {

	}

}
