package io.github.flashspring.jinja;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.jspecify.annotations.Nullable;

/**
 * Arguments of a call, a filter or a test.
 *
 * @param positional the unnamed ones, in order
 * @param named the named ones
 */
record Arguments(List<Object> positional, Map<String, Object> named) {

	static final Arguments NONE = new Arguments(List.of(), Map.of());

	/**
	 * Checks that there are no arguments but these.
	 * @param callee names the called thing in errors
	 * @param names parameters in order
	 * @return this
	 */
	Arguments expect(String callee, String... names) {
		if (this.positional.size() > names.length) {
			throw JinjaException.type(
					callee + "() takes at most " + names.length + " arguments (" + this.positional.size() + " given)");
		}
		if (!this.named.isEmpty()) {
			Set<String> unknown = new HashSet<>(this.named.keySet());
			for (int i = 0; i < names.length; i++) {
				if (unknown.remove(names[i]) && i < this.positional.size()) {
					throw JinjaException.type(callee + "() got multiple values for argument '" + names[i] + "'");
				}
			}
			if (!unknown.isEmpty()) {
				throw JinjaException
					.type(callee + "() got an unexpected keyword argument '" + unknown.iterator().next() + "'");
			}
		}
		return this;
	}

	@Nullable Object find(int index, String name) {
		return (index < this.positional.size()) ? this.positional.get(index) : this.named.get(name);
	}

	Object get(int index, String name, Object defaultValue) {
		Object value = find(index, name);
		return (value != null) ? value : defaultValue;
	}

	Object require(String callee, int index, String name) {
		Object value = find(index, name);
		if (value == null) {
			throw JinjaException.type(callee + "() missing required argument: '" + name + "'");
		}
		return value;
	}

	boolean flag(int index, String name) {
		Object value = find(index, name);
		return value != null && Operators.isTrue(value);
	}

	long integer(int index, String name, long defaultValue) {
		Object value = find(index, name);
		return (value != null) ? Operators.toIndex(value) : defaultValue;
	}

	/**
	 * The arguments after the first ones.
	 * @param count how many to leave out
	 * @return the rest
	 */
	Arguments skip(int count) {
		return new Arguments(this.positional.subList(Math.min(count, this.positional.size()), this.positional.size()),
				this.named);
	}

}
