package io.github.flashspring.autoconfigure;

import org.jspecify.annotations.Nullable;

/**
 * Settings that contradict each other or the model, or that miss something.
 */
class InvalidFlashSettingsException extends RuntimeException {

	private final String description;

	private final String action;

	InvalidFlashSettingsException(String description, String action) {
		this(description, action, null);
	}

	InvalidFlashSettingsException(String description, String action, @Nullable Throwable cause) {
		super(description + " " + action, cause);
		this.description = description;
		this.action = action;
	}

	String description() {
		return this.description;
	}

	String action() {
		return this.action;
	}

}
