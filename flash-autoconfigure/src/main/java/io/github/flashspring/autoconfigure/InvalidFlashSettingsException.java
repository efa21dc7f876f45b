package io.github.flashspring.autoconfigure;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.failure.FlashException;

/**
 * Settings that contradict each other or the model, or that miss something.
 */
class InvalidFlashSettingsException extends FlashException {

	InvalidFlashSettingsException(String description, String action) {
		this(description, action, null);
	}

	InvalidFlashSettingsException(String description, String action, @Nullable Throwable cause) {
		super(description, action, cause);
	}

}
