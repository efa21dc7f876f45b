package io.github.flashspring.engine;

import java.time.Duration;
import java.util.Locale;

/**
 * Ends a generation whose reader took nothing for longer than
 * {@link FlashConfig#idleTimeout()} while events waited for it. Events that were not read
 * until then are dropped.
 */
public class IdleTimeoutException extends FlashEngineException {

	private static final long serialVersionUID = 1L;

	IdleTimeoutException(Duration timeout) {
		super("The answer was not read for %s, so its generation was ended. Read it faster, cancel a generation that is not wanted any more, or raise flash.idle-timeout."
			.formatted(readable(timeout)), false);
	}

	private static String readable(Duration timeout) {
		return timeout.toString().substring(2).toLowerCase(Locale.ROOT);
	}

}
