package io.github.flashspring.jinja;

import java.util.Iterator;
import java.util.stream.Stream;

/**
 * Python's generator: computed while it is read, readable once, without a length.
 */
final class Generator implements Iterable<Object> {

	private final Iterator<Object> iterator;

	Generator(Stream<?> stream) {
		Stream<Object> objects = stream.map((item) -> item);
		this.iterator = objects.iterator();
	}

	@Override
	public Iterator<Object> iterator() {
		return this.iterator;
	}

}
