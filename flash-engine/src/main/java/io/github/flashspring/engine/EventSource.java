package io.github.flashspring.engine;

import org.jspecify.annotations.Nullable;

/**
 * Where a {@link GenerationSubscription} takes events from.
 */
@FunctionalInterface
interface EventSource {

	/**
	 * Takes the next event.
	 * @param demanded whether the subscriber wants an event; otherwise only a failure is
	 * looked for
	 * @return the event, or null if there is none now
	 * @throws RuntimeException what made the generation fail
	 */
	@Nullable GenerationEvent poll(boolean demanded);

}
