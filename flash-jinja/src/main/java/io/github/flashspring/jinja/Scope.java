package io.github.flashspring.jinja;

import java.util.HashMap;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * Names and their values; what is not here is looked up outside, what is set is set here.
 */
final class Scope {

	private final @Nullable Scope outer;

	private final Map<String, Object> values;

	private Scope(@Nullable Scope outer, Map<String, Object> values) {
		this.outer = outer;
		this.values = values;
	}

	static Scope outermost(Map<String, Object> values) {
		return new Scope(null, new HashMap<>(values));
	}

	Scope inner() {
		return new Scope(this, new HashMap<>());
	}

	void set(String name, Object value) {
		this.values.put(name, value);
	}

	Object get(String name) {
		for (Scope scope = this; scope != null; scope = scope.outer) {
			Object value = scope.values.get(name);
			if (value != null) {
				return value;
			}
		}
		return Undefined.name(name);
	}

}
