package io.github.flashspring.jinja;

import java.util.AbstractCollection;
import java.util.Iterator;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What Python's {@code keys()}, {@code values()} and {@code items()} give: a collection
 * without indices.
 */
final class DictView extends AbstractCollection<Object> {

	private final Kind kind;

	private final Map<?, ?> map;

	DictView(Kind kind, Map<?, ?> map) {
		this.kind = kind;
		this.map = map;
	}

	Kind kind() {
		return this.kind;
	}

	@Override
	public Iterator<Object> iterator() {
		Stream<Object> stream = this.map.entrySet().stream().map((entry) -> switch (this.kind) {
			case KEYS -> entry.getKey();
			case VALUES -> entry.getValue();
			case ITEMS -> Tuple.of(entry.getKey(), entry.getValue());
		});
		return stream.iterator();
	}

	@Override
	public int size() {
		return this.map.size();
	}

	/** What of the entries it shows. */
	enum Kind {

		KEYS, VALUES, ITEMS

	}

}
