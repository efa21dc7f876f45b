package io.github.flashspring.cli.bench;

import java.util.Locale;
import java.util.Map;

import io.github.flashspring.engine.residency.ExpertStreaming;
import io.github.flashspring.engine.residency.ExpertStreaming.Keep;
import io.github.flashspring.engine.memory.RamBudget;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A budget to measure with.
 *
 * @param text as it was typed: {@code all}, a share of the weights such as {@code 80%},
 * or a size; optionally with how experts are streamed behind a colon
 * @param size the same without that
 * @param experts how experts are streamed
 */
record Budget(String text, String size, ExpertStreaming experts) {

	/** Everything in memory. */
	static final Budget ALL = new Budget("all", "all", ExpertStreaming.DEFAULT);

	/** Ways for experts to stream, to compare with the usual one. */
	private static final Map<String, ExpertStreaming> WAYS = Map.of("no-lookahead",
			new ExpertStreaming(Keep.BY_USE, false), "lru", new ExpertStreaming(Keep.LAST_USED, false), "no-cache",
			new ExpertStreaming(Keep.NONE, false), "no-cache+lookahead", new ExpertStreaming(Keep.NONE, true));

	boolean isAll() {
		return this.size.equals(ALL.size);
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
		return this.size.endsWith("%")
				? RamBudget.ofBytes(Math.max(1, Math.round(weightBytes * percent(this.size) / 100)))
				: RamBudget.parse(this.size);
	}

	private static double percent(String text) {
		return Double.parseDouble(text.substring(0, text.length() - 1));
	}

	/** Reads a budget. */
	static final class Converter implements ITypeConverter<Budget> {

		@Override
		public Budget convert(String typed) {
			String whole = typed.strip().toLowerCase(Locale.ROOT);
			int colon = whole.indexOf(':');
			String text = (colon < 0) ? whole : whole.substring(0, colon);
			ExpertStreaming experts = (colon < 0) ? ExpertStreaming.DEFAULT : WAYS.get(whole.substring(colon + 1));
			if (experts == null) {
				throw new TypeConversionException("'" + typed
						+ "' does not say how experts are streamed. Expected no-lookahead, lru, no-cache or no-cache+lookahead behind the colon.");
			}
			boolean share = text.matches("\\d{1,3}(\\.\\d{1,3})?%");
			if (text.endsWith("%") && !(share && percent(text) > 0)) {
				throw new TypeConversionException("'" + typed + "' is not a share of the weights such as 50%.");
			}
			if (!share && !text.equals(ALL.size())) {
				try {
					RamBudget.parse(text);
				}
				catch (IllegalArgumentException ex) {
					throw new TypeConversionException("'" + typed
							+ "' is not a budget. Expected all, a share such as 50%, or a size such as 2GB.");
				}
			}
			return new Budget(whole, text, experts);
		}

	}

}
