package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.time.Duration;

import org.jspecify.annotations.Nullable;

/**
 * A host that cannot answer now and may be able to later.
 */
final class BusyException extends IOException {

	private static final long serialVersionUID = 1L;

	private final transient @Nullable Duration retryAfter;

	BusyException(String message, @Nullable Duration retryAfter) {
		super(message);
		this.retryAfter = retryAfter;
	}

	/**
	 * {@return how long it asks to wait; null if it does not say}
	 */
	@Nullable Duration retryAfter() {
		return this.retryAfter;
	}

}
