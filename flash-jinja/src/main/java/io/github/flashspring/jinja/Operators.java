package io.github.flashspring.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

/**
 * Truth, equality, order, membership and iteration as Python defines them. Arithmetic is
 * in {@link Arithmetic}.
 */
final class Operators {

	private Operators() {
	}

	static boolean isTrue(Object value) {
		return switch (value) {
			case Boolean truth -> truth;
			case None none -> false;
			case Undefined undefined -> false;
			case Long number -> number != 0;
			case Double number -> number != 0;
			case MarkedText text -> !text.isEmpty();
			case Collection<?> collection -> !collection.isEmpty();
			case Map<?, ?> map -> !map.isEmpty();
			default -> true;
		};
	}

	static Object binary(String operator, Object left, Object right, Budget budget) {
		if (operator.equals("~")) {
			return PythonText.str(left, new TextBuilder(budget)).append(PythonText.str(right, budget)).toText();
		}
		refuseUndefined(left);
		if (!(operator.equals("%") && left instanceof MarkedText)) {
			refuseUndefined(right);
		}
		return Arithmetic.binary(operator, left, right, budget);
	}

	static void refuseUndefined(Object value) {
		if (value instanceof Undefined undefined) {
			throw undefined.error();
		}
	}

	static boolean compare(String operator, Object left, Object right, Budget budget) {
		return switch (operator) {
			case "==" -> areEqual(left, right, budget);
			case "!=" -> !areEqual(left, right, budget);
			case "in" -> contains(right, left, budget);
			case "not in" -> !contains(right, left, budget);
			default -> {
				refuseUndefined(left);
				refuseUndefined(right);
				yield isOrdered(operator, left, right, budget);
			}
		};
	}

	private static boolean isOrdered(String operator, Object left, Object right, Budget budget) {
		if (left instanceof Double a && a.isNaN() || right instanceof Double b && b.isNaN()) {
			if (Types.isNumber(left) && Types.isNumber(right)) {
				return false;
			}
		}
		int order = order(operator, left, right, budget);
		return switch (operator) {
			case "<" -> order < 0;
			case "<=" -> order <= 0;
			case ">" -> order > 0;
			default -> order >= 0;
		};
	}

	/**
	 * Which of two values comes first.
	 * @param operator named in the error
	 * @param left a value
	 * @param right a value
	 * @param budget bounds the work
	 * @return negative, 0, or positive
	 */
	static int order(String operator, Object left, Object right, Budget budget) {
		if (Types.isNumber(left) && Types.isNumber(right)) {
			return Arithmetic.order(left, right);
		}
		if (left instanceof MarkedText a && right instanceof MarkedText b) {
			budget.spendText(Math.min(a.length(), b.length()));
			return orderByCodePoint(a.string(), b.string());
		}
		if (left instanceof List<?> a && right instanceof List<?> b && (a instanceof Tuple) == (b instanceof Tuple)) {
			budget.enter();
			int result = Integer.compare(a.size(), b.size());
			for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
				if (!areEqual(a.get(i), b.get(i), budget)) {
					result = order(operator, a.get(i), b.get(i), budget);
					break;
				}
			}
			budget.leave();
			return result;
		}
		refuseUndefined(left);
		refuseUndefined(right);
		throw JinjaException.type("'" + operator + "' not supported between instances of '" + Types.name(left)
				+ "' and '" + Types.name(right) + "'");
	}

	private static int orderByCodePoint(String left, String right) {
		int mismatch = 0;
		int most = Math.min(left.length(), right.length());
		while (mismatch < most && left.charAt(mismatch) == right.charAt(mismatch)) {
			mismatch++;
		}
		if (mismatch == most) {
			return Integer.compare(left.length(), right.length());
		}
		char a = left.charAt(mismatch);
		char b = right.charAt(mismatch);
		// surrogates stand for code points above all others
		if (Character.isSurrogate(a) != Character.isSurrogate(b)) {
			return Character.isSurrogate(a) ? 1 : -1;
		}
		return Character.compare(a, b);
	}

	static boolean areEqual(Object left, Object right, Budget budget) {
		if (Types.isNumber(left) && Types.isNumber(right)) {
			return Arithmetic.order(left, right) == 0 && !left.equals(Double.NaN);
		}
		budget.enter();
		boolean equal = switch (left) {
			case MarkedText a when right instanceof MarkedText b -> {
				budget.spendText((a.length() == b.length()) ? a.length() : 1);
				yield a.equals(b);
			}
			case List<?> a when right instanceof List<?> b -> (a instanceof Tuple) == (b instanceof Tuple)
					&& (a instanceof Range) == (b instanceof Range) && areEqual(a, b, budget);
			case Map<?, ?> a when right instanceof Map<?, ?> b -> a.size() == b.size() && a.entrySet()
				.stream()
				.allMatch((entry) -> lookup(b, entry.getKey()) instanceof Object other
						&& areEqual(entry.getValue(), other, budget));
			case Undefined undefined -> right instanceof Undefined;
			default -> left == right;
		};
		budget.leave();
		return equal;
	}

	private static boolean areEqual(List<?> left, List<?> right, Budget budget) {
		if (left.size() != right.size()) {
			return false;
		}
		for (int i = 0; i < left.size(); i++) {
			if (!areEqual(left.get(i), right.get(i), budget)) {
				return false;
			}
		}
		return true;
	}

	static boolean contains(Object container, Object wanted, Budget budget) {
		return switch (container) {
			case MarkedText text -> {
				if (!(wanted instanceof MarkedText part)) {
					throw JinjaException
						.type("'in <string>' requires string as left operand, not " + Types.name(wanted));
				}
				budget.spendText(text.length());
				yield text.string().contains(part.string());
			}
			case Map<?, ?> map -> lookup(map, hashable(wanted)) != null;
			case Undefined undefined -> false;
			case Iterable<?> items -> {
				boolean found = false;
				for (Iterator<?> iterator = items.iterator(); !found && iterator.hasNext();) {
					found = areEqual(iterator.next(), wanted, budget);
				}
				yield found;
			}
			default -> throw JinjaException.type("argument of type '" + Types.name(container) + "' is not iterable");
		};
	}

	static boolean isIterable(Object value) {
		return value instanceof MarkedText || value instanceof Map || value instanceof Iterable
				|| value instanceof Undefined;
	}

	static Iterator<Object> iterate(Object value) {
		if (value instanceof Generator generator) {
			return generator.iterator();
		}
		Stream<Object> stream = switch (value) {
			case MarkedText text -> characters(text);
			case Map<?, ?> map -> map.keySet().stream().map(Operators::present);
			case Collection<?> items -> items.stream().map(Operators::present);
			case Undefined undefined -> Stream.empty();
			default -> throw JinjaException.type("'" + Types.name(value) + "' object is not iterable");
		};
		return stream.iterator();
	}

	private static Stream<Object> characters(MarkedText text) {
		return IntStream.iterate(0, (at) -> at < text.length(), (at) -> text.string().offsetByCodePoints(at, 1))
			.mapToObj((at) -> text.substring(at, text.string().offsetByCodePoints(at, 1)));
	}

	private static Object present(@Nullable Object value) {
		return Objects.requireNonNull(value);
	}

	static List<Object> toList(Object value, Budget budget) {
		List<Object> list = new ArrayList<>();
		Iterator<Object> iterator = iterate(value);
		while (iterator.hasNext()) {
			budget.spend(8);
			list.add(iterator.next());
		}
		budget.checkItems(list.size());
		return list;
	}

	/**
	 * The number of elements, if it can be told without reading them.
	 * @param value a container
	 * @return the number, -1 if it is not known
	 */
	static int knownLength(Object value) {
		return switch (value) {
			case MarkedText text -> text.string().codePointCount(0, text.length());
			case Collection<?> collection -> collection.size();
			case Map<?, ?> map -> map.size();
			case Undefined undefined -> 0;
			default -> -1;
		};
	}

	static long length(Object value) {
		int length = knownLength(value);
		if (length < 0) {
			throw JinjaException.type("object of type '" + Types.name(value) + "' has no len()");
		}
		return length;
	}

	/**
	 * Checks that a value can be the key of a dict.
	 * @param key the value
	 * @return the value
	 */
	static Object hashable(Object key) {
		if (key instanceof Map || key instanceof List && !(key instanceof Tuple) && !(key instanceof Range)) {
			throw JinjaException.type("unhashable type: '" + Types.name(key) + "'");
		}
		return key;
	}

	static @Nullable Object lookup(Map<?, ?> map, Object key) {
		Object value = map.get(key);
		if (value == null && (key instanceof Boolean || key instanceof Double)) {
			// 1 == 1.0 == True in Python
			for (Map.Entry<?, ?> entry : map.entrySet()) {
				if (Types.isNumber(entry.getKey()) && Arithmetic.order(entry.getKey(), key) == 0) {
					return entry.getValue();
				}
			}
		}
		return value;
	}

	/**
	 * An integer that counts or points at something.
	 * @param value an int or a bool
	 * @return its value, or the nearest long
	 */
	static long toIndex(Object value) {
		return switch (value) {
			case Long number -> number;
			case Boolean truth -> truth ? 1 : 0;
			case BigInteger number -> (number.signum() < 0) ? Long.MIN_VALUE / 4 : Long.MAX_VALUE / 4;
			case Undefined undefined -> throw undefined.error();
			default ->
				throw JinjaException.type("'" + Types.name(value) + "' object cannot be interpreted as an integer");
		};
	}

}
