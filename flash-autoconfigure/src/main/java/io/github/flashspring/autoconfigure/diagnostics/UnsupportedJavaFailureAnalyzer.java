package io.github.flashspring.autoconfigure.diagnostics;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/**
 * {@link AbstractFailureAnalyzer} for {@link UnsupportedJavaException}.
 */
class UnsupportedJavaFailureAnalyzer extends AbstractFailureAnalyzer<UnsupportedJavaException> {

	@Override
	protected FailureAnalysis analyze(Throwable rootFailure, UnsupportedJavaException cause) {
		return new FailureAnalysis(String.valueOf(cause.getMessage()),
				cause.action() + " To use another chat model instead, set '" + FlashSelection.CHAT_MODEL_PROPERTY
						+ "' to it and remove '" + FlashSelection.MODEL_PROPERTY + "'.",
				cause);
	}

}
