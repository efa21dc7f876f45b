package io.github.flashspring.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.UnaryOperator;

import org.jspecify.annotations.Nullable;

/**
 * What filters compare, group and read items of a list by: the items, or attributes of
 * them.
 */
final class ItemKeys {

	private ItemKeys() {
	}

	/**
	 * What to compare items by.
	 */
	static UnaryOperator<Object> key(Object attribute, boolean caseSensitive, Rendering rendering) {
		UnaryOperator<Object> own = (attribute == None.NONE) ? UnaryOperator.identity()
				: attribute(attribute, null, rendering);
		return caseSensitive ? own : (item) -> lower(own.apply(item));
	}

	/**
	 * What to sort items by: a tuple of one or several attributes, so that equal ones of
	 * whatever type need no order.
	 */
	static UnaryOperator<Object> keys(Object attributes, boolean caseSensitive, Rendering rendering) {
		List<UnaryOperator<Object>> keys = new ArrayList<>();
		if (attributes instanceof MarkedText names) {
			for (String name : names.string().split(",", -1)) {
				keys.add(key(MarkedText.trusted(name), caseSensitive, rendering));
			}
		}
		else {
			keys.add(key(attributes, caseSensitive, rendering));
		}
		return (item) -> Tuple.copyOf(keys.stream().map((key) -> key.apply(item)).toList());
	}

	static Object lower(Object value) {
		return (value instanceof MarkedText text) ? text.changed(text.string().toLowerCase(Locale.ROOT)) : value;
	}

	/**
	 * Reads {@code a.0.b} from items.
	 */
	static UnaryOperator<Object> attribute(Object path, @Nullable Object otherwise, Rendering rendering) {
		List<Object> keys = new ArrayList<>();
		if (path instanceof MarkedText names) {
			for (String name : names.string().split("\\.", -1)) {
				keys.add(name.matches("[0-9]{1,9}") ? (Object) Long.valueOf(name) : MarkedText.trusted(name));
			}
		}
		else {
			keys.add(path);
		}
		return (item) -> {
			Object value = item;
			for (Object key : keys) {
				rendering.budget().spend(1);
				value = Attributes.item(value, key, rendering.budget());
				if (value instanceof Undefined && otherwise != null) {
					value = otherwise;
				}
			}
			return value;
		};
	}

}
