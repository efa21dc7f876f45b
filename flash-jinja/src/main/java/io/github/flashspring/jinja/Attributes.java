package io.github.flashspring.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * {@code a.b}, {@code a[b]} and {@code a[b:c]}. A dot prefers methods, brackets prefer
 * elements; what does not exist is {@link Undefined}.
 */
final class Attributes {

	private Attributes() {
	}

	static Object attribute(Object owner, String name) {
		Object attribute = find(owner, name);
		if (attribute == null && owner instanceof Map<?, ?> map) {
			attribute = map.get(MarkedText.trusted(name));
		}
		return (attribute != null) ? attribute : Undefined.of(owner, MarkedText.trusted(name));
	}

	static Object item(Object owner, Object key, Budget budget) {
		Object element = switch (owner) {
			case Undefined undefined -> throw undefined.error();
			case Map<?, ?> map -> Operators.lookup(map, key);
			case List<?> list -> Types.isInteger(key) ? elementAt(list, Operators.toIndex(key)) : null;
			case MarkedText text -> Types.isInteger(key) ? characterAt(text, Operators.toIndex(key), budget) : null;
			default -> null;
		};
		if (element == null && key instanceof MarkedText name) {
			element = find(owner, name.string());
		}
		return (element != null) ? element : Undefined.of(owner, key);
	}

	/**
	 * A value's own attribute, without the elements of a dict.
	 * @param owner the value
	 * @param name the attribute's name
	 * @return its value, null if there is none
	 */
	static @Nullable Object find(Object owner, String name) {
		return switch (owner) {
			case Undefined undefined -> throw undefined.error();
			case MarkedText text -> StringMethods.find(text, name);
			case Map<?, ?> map -> dictMethod(map, name);
			case Tuple tuple when tuple.indexOfName(name) >= 0 -> tuple.get(tuple.indexOfName(name));
			case List<?> list -> listMethod(list, name);
			case Namespace namespace -> namespace.attributes().get(name);
			case Loop loop -> loop.attribute(name);
			case Macro macro -> switch (name) {
				case "name" -> MarkedText.trusted(macro.signature().name());
				case "arguments" ->
					Tuple.copyOf(macro.signature().parameters().stream().map(MarkedText::trusted).toList());
				default -> null;
			};
			case Cycle cycle -> cycle.attribute(name);
			default -> null;
		};
	}

	private static @Nullable Function dictMethod(Map<?, ?> map, String name) {
		return switch (name) {
			case "get" -> (rendering, arguments) -> {
				arguments.expect("get", "key", "default");
				Object found = Operators.lookup(map, Operators.hashable(arguments.require("get", 0, "key")));
				return (found != null) ? found : arguments.get(1, "default", None.NONE);
			};
			case "items" -> view(DictView.Kind.ITEMS, map, name);
			case "keys" -> view(DictView.Kind.KEYS, map, name);
			case "values" -> view(DictView.Kind.VALUES, map, name);
			case "copy" -> (rendering, arguments) -> {
				arguments.expect(name);
				return map;
			};
			default -> null;
		};
	}

	private static Function view(DictView.Kind kind, Map<?, ?> map, String name) {
		return (rendering, arguments) -> {
			arguments.expect(name);
			return new DictView(kind, map);
		};
	}

	private static @Nullable Function listMethod(List<?> list, String name) {
		return switch (name) {
			case "count" -> (rendering, arguments) -> {
				Object wanted = arguments.expect(name, "value").require(name, 0, "value");
				return list.stream().filter((item) -> Operators.areEqual(item, wanted, rendering.budget())).count();
			};
			case "index" -> (rendering, arguments) -> {
				Object wanted = arguments.expect(name, "value").require(name, 0, "value");
				for (int i = 0; i < list.size(); i++) {
					if (Operators.areEqual(list.get(i), wanted, rendering.budget())) {
						return (long) i;
					}
				}
				throw JinjaException.value("the value is not in list");
			};
			case "copy" -> (list instanceof Tuple || list instanceof Range) ? null : (rendering, arguments) -> {
				arguments.expect(name);
				return list;
			};
			default -> null;
		};
	}

	private static @Nullable Object elementAt(List<?> list, long index) {
		long at = (index < 0) ? index + list.size() : index;
		return (at >= 0 && at < list.size()) ? list.get((int) at) : null;
	}

	private static @Nullable MarkedText characterAt(MarkedText text, long index, Budget budget) {
		budget.spendText(text.length());
		int length = text.string().codePointCount(0, text.length());
		long at = (index < 0) ? index + length : index;
		if (at < 0 || at >= length) {
			return null;
		}
		int begin = text.string().offsetByCodePoints(0, (int) at);
		return text.substring(begin, text.string().offsetByCodePoints(begin, 1));
	}

	static Object slice(Object owner, Object start, Object stop, Object step, Budget budget) {
		return switch (owner) {
			case Undefined undefined -> throw undefined.error();
			case MarkedText text -> slice(text, start, stop, step, budget);
			case List<?> list -> {
				int[] indices = indices(list.size(), start, stop, step);
				budget.checkItems(indices.length);
				List<Object> slice = new ArrayList<>(indices.length);
				for (int index : indices) {
					slice.add(list.get(index));
				}
				yield (list instanceof Tuple) ? Tuple.copyOf(slice) : slice;
			}
			case Map<?, ?> map -> throw JinjaException.type("unhashable type: 'slice'");
			default -> throw JinjaException.type("'" + Types.name(owner) + "' object is not subscriptable");
		};
	}

	private static MarkedText slice(MarkedText text, Object start, Object stop, Object step, Budget budget) {
		String string = text.string();
		budget.spendText(text.length());
		int[] indices = indices(string.codePointCount(0, text.length()), start, stop, step);
		if (indices.length == 0) {
			return MarkedText.EMPTY;
		}
		if (bound(step, 1) == 1) {
			int begin = string.offsetByCodePoints(0, indices[0]);
			return text.substring(begin, string.offsetByCodePoints(begin, indices.length));
		}
		int[] codePoints = string.codePoints().toArray();
		budget.spendText(4L * codePoints.length);
		StringBuilder slice = new StringBuilder();
		for (int index : indices) {
			slice.appendCodePoint(codePoints[index]);
		}
		return text.changed(slice.toString());
	}

	private static int[] indices(int length, Object start, Object stop, Object step) {
		long by = bound(step, 1);
		if (by == 0) {
			throw JinjaException.value("slice step cannot be zero");
		}
		long lowest = (by > 0) ? 0 : -1;
		long highest = (by > 0) ? length : length - 1L;
		long from = clamp(start, (by > 0) ? lowest : highest, length, lowest, highest);
		long to = clamp(stop, (by > 0) ? highest : lowest, length, lowest, highest);
		long count = (by > 0) ? Math.ceilDiv(to - from, by) : Math.ceilDiv(from - to, -Math.max(by, -Long.MAX_VALUE));
		int[] indices = new int[(int) Math.max(0, count)];
		for (int i = 0; i < indices.length; i++) {
			indices[i] = (int) (from + i * by);
		}
		return indices;
	}

	private static long bound(Object value, long otherwise) {
		if (value == None.NONE) {
			return otherwise;
		}
		if (!Types.isInteger(value)) {
			throw JinjaException.type("slice indices must be integers or None or have an __index__ method");
		}
		return Operators.toIndex(value);
	}

	private static long clamp(Object value, long otherwise, int length, long lowest, long highest) {
		if (value == None.NONE) {
			return otherwise;
		}
		long index = bound(value, 0);
		return Math.clamp((index < 0) ? index + length : index, lowest, highest);
	}

}
