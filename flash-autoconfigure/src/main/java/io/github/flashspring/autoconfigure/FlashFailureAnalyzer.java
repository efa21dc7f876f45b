package io.github.flashspring.autoconfigure;

import java.math.BigDecimal;
import java.math.RoundingMode;

import org.jspecify.annotations.Nullable;

import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalyzer;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.MissingModelException;
import io.github.flashspring.engine.device.DeviceException;
import io.github.flashspring.engine.failure.FlashException;
import io.github.flashspring.engine.hub.HubException;
import io.github.flashspring.engine.modelfile.ModelfileException;
import io.github.flashspring.engine.model.UnsupportedArchitectureException;
import io.github.flashspring.engine.memory.BudgetExceededException;
import io.github.flashspring.engine.text.ChatTemplateException;
import io.github.flashspring.engine.text.TokenizerException;

/**
 * {@link FailureAnalyzer} for models that cannot be loaded: tells what is wrong and what
 * to do.
 */
class FlashFailureAnalyzer implements FailureAnalyzer {

	private static final BigDecimal GIGABYTE = new BigDecimal(1L << 30);

	private static final long SMALL = 100L << 20;

	@Override
	public @Nullable FailureAnalysis analyze(Throwable failure) {
		Throwable cause = failure;
		while (cause != null) {
			FailureAnalysis analysis = analysis(cause);
			if (analysis != null) {
				return analysis;
			}
			cause = cause.getCause();
		}
		return null;
	}

	private static @Nullable FailureAnalysis analysis(Throwable cause) {
		return switch (cause) {
			case MissingModelException ex -> new FailureAnalysis(preamble(ex) + ex.description(),
					ex.action()
							+ " Or set 'flash.hub.pull' to 'when-missing': then it is downloaded when it is loaded.",
					ex);
			case FlashException ex -> new FailureAnalysis(preamble(ex) + ex.description(), ex.action(), ex);
			case BudgetExceededException ex -> new FailureAnalysis(String.valueOf(ex.getMessage()),
					"Set 'flash.ram-budget-gb' to at least %s, or choose a smaller model or a shorter 'flash.context-length'."
						.formatted(atLeast(ex.neededBytes())),
					ex);
			case DeviceException ex -> new FailureAnalysis("The device cannot be used. " + ex.getMessage(),
					"Correct 'flash.device', or remove it to use the best device there is.", ex);
			default -> null;
		};
	}

	private static String preamble(FlashException failure) {
		return switch (failure) {
			case UnsupportedArchitectureException _ -> "The model of 'flash.model' cannot be computed. ";
			case HubException _ -> "The model of 'flash.model' cannot be downloaded. ";
			case ModelfileException _ -> "The Modelfile of 'flash.modelfile' cannot be used. ";
			case CheckpointException _ -> "The model of 'flash.model' cannot be loaded. ";
			case TokenizerException _ -> "The tokenizer of 'flash.model' cannot be used. ";
			case ChatTemplateException _ -> "The chat template of 'flash.model' cannot be used. ";
			default -> "";
		};
	}

	/**
	 * Gigabytes that are enough for a number of bytes.
	 */
	private static String atLeast(long bytes) {
		return new BigDecimal(bytes).divide(GIGABYTE, (bytes < SMALL) ? 6 : 3, RoundingMode.CEILING)
			.stripTrailingZeros()
			.toPlainString();
	}

}
