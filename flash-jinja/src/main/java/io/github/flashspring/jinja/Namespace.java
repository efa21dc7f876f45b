package io.github.flashspring.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What {@code namespace()} makes: the only value that a template can change.
 *
 * @param attributes name to value
 */
record Namespace(Map<String, Object> attributes) {

	Namespace {
		attributes = new LinkedHashMap<>(attributes);
	}

}
