package io.github.flashspring.cli.bench;

import java.util.Locale;

import io.github.flashspring.engine.residency.RamBudget;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A budget to measure with.
 *
 * @param text as it was typed: {@code all}, a share of the weights such as {@code 80%},
 * or a size
 */
record Budget(String text) {

	/** Everything in memory. */
	static final Budget ALL = new Budget("all");

	boolean isAll() {
		return this.text.equals(ALL.text);
	}

	/**
	 * The budget for a model.
	 * @param weightBytes size of the model's weights
	 * @return the budget
	 */
	RamBudget of(long weightBytes) {
		if (isAll()) {
			return RamBudget.UNLIMITED;
		}
		return this.text.endsWith("%")
				? RamBudget.ofBytes(Math.max(1, Math.round(weightBytes * percent(this.text) / 100)))
				: RamBudget.parse(this.text);
	}

	private static double percent(String text) {
		return Double.parseDouble(text.substring(0, text.length() - 1));
	}

	/** Reads a budget. */
	static final class Converter implements ITypeConverter<Budget> {

		@Override
		public Budget convert(String typed) {
			String text = typed.strip().toLowerCase(Locale.ROOT);
			boolean share = text.matches("\\d{1,3}(\\.\\d{1,3})?%");
			if (text.endsWith("%") && !(share && percent(text) > 0)) {
				throw new TypeConversionException("'" + typed + "' is not a share of the weights such as 50%.");
			}
			if (!share && !text.equals(ALL.text())) {
				try {
					RamBudget.parse(text);
				}
				catch (IllegalArgumentException ex) {
					throw new TypeConversionException("'" + typed
							+ "' is not a budget. Expected all, a share such as 50%, or a size such as 2GB.");
				}
			}
			return new Budget(text);
		}

	}

}
