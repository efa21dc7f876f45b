package io.github.flashspring.jinja;

import java.util.AbstractList;
import java.util.List;

/**
 * Python's tuple; {@code names} are those of a named tuple's elements, or empty.
 */
final class Tuple extends AbstractList<Object> {

	private final List<Object> items;

	private final List<String> names;

	private Tuple(List<Object> items, List<String> names) {
		this.items = items;
		this.names = names;
	}

	static Tuple of(Object... items) {
		return new Tuple(List.of(items), List.of());
	}

	static Tuple copyOf(List<?> items) {
		return new Tuple(List.copyOf(items), List.of());
	}

	static Tuple named(List<String> names, Object... items) {
		return new Tuple(List.of(items), names);
	}

	int indexOfName(String name) {
		return this.names.indexOf(name);
	}

	@Override
	public Object get(int index) {
		return this.items.get(index);
	}

	@Override
	public int size() {
		return this.items.size();
	}

}
