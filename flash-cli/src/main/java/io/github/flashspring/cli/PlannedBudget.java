package io.github.flashspring.cli;

import java.util.Locale;
import java.util.function.LongFunction;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import io.github.flashspring.engine.memory.RamBudget;

/**
 * A budget to plan for.
 *
 * @param text as it was typed
 * @param choice the budget for a model, given the size of its weights; null: the default
 */
record PlannedBudget(String text, LongFunction<@Nullable RamBudget> choice) {

	/** What {@code flash run} would use. */
	static final PlannedBudget DEFAULT = new PlannedBudget("default", (weights) -> null);

	static PlannedBudget parse(String typed) {
		String text = typed.strip().toLowerCase(Locale.ROOT);
		if (text.endsWith("%")) {
			if (!text.matches("\\d{1,3}(\\.\\d{1,3})?%") || share(text) <= 0) {
				throw new IllegalArgumentException("'" + typed + "' is not a share of the weights such as 50%.");
			}
			return new PlannedBudget(text,
					(weights) -> RamBudget.ofBytes(Math.max(1, Math.round(weights * share(text)))));
		}
		RamBudget budget = RamBudget.parse(text);
		return new PlannedBudget((budget.kind() == RamBudget.Kind.BYTES) ? budget.readable() : text,
				(weights) -> budget);
	}

	private static double share(String text) {
		return Double.parseDouble(text.substring(0, text.length() - 1)) / 100;
	}

	/** Reads a budget. */
	static final class Converter implements ITypeConverter<PlannedBudget> {

		@Override
		public PlannedBudget convert(String text) {
			try {
				return parse(text);
			}
			catch (IllegalArgumentException ex) {
				throw new TypeConversionException(String.valueOf(ex.getMessage()));
			}
		}

	}

}
