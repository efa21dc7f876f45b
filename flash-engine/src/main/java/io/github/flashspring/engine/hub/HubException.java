package io.github.flashspring.engine.hub;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.failure.FlashException;

/**
 * A model that cannot be downloaded, or a cache that cannot be used. The message never
 * holds an access token or the query of a link.
 */
public final class HubException extends FlashException {

	private static final long serialVersionUID = 1L;

	private static final int MAX_QUOTE = 120;

	HubException(String description, String action) {
		this(description, action, null);
	}

	HubException(String description, String action, @Nullable Throwable cause) {
		super(description, action, cause);
	}

	/** A text from outside for a message: shortened, and without control characters. */
	static String quote(String text) {
		int end = Math.min(text.length(), MAX_QUOTE);
		StringBuilder quoted = new StringBuilder("'");
		text.substring(0, end)
			.chars()
			.forEach((c) -> quoted
				.append((Character.isISOControl(c) || Character.isSurrogate((char) c)) ? '?' : (char) c));
		return quoted.append((end < text.length()) ? "…'" : "'").toString();
	}

}
