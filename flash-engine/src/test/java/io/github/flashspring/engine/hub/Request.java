package io.github.flashspring.engine.hub;

import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * A request that a hub has seen.
 *
 * @param host which host was asked
 * @param path with the query
 * @param headers all of them
 */
record Request(String host, String path, Map<String, List<String>> headers) {

	@Nullable String header(String name) {
		List<String> values = this.headers.get(name);
		return (values != null) ? values.getFirst() : null;
	}

}
