package io.github.flashspring.jinja;

import java.math.BigInteger;
import java.util.List;
import java.util.Map;

/**
 * Python's names of the closed set of types that values have: {@link None},
 * {@link Boolean}, {@link Long} and {@link BigInteger} for int, {@link Double},
 * {@link MarkedText}, {@link List}, {@link Tuple}, {@link Range}, {@link Map},
 * {@link DictView}, {@link Generator}, {@link Namespace}, {@link Function} and
 * {@link Undefined}.
 */
final class Types {

	private Types() {
	}

	static String name(Object value) {
		return switch (value) {
			case None none -> "NoneType";
			case Boolean truth -> "bool";
			case Long number -> "int";
			case BigInteger big -> "int";
			case Double number -> "float";
			case MarkedText text -> "str";
			case Tuple tuple -> "tuple";
			case Range range -> "range";
			case List<?> list -> "list";
			case Map<?, ?> map -> "dict";
			case DictView view -> switch (view.kind()) {
				case KEYS -> "dict_keys";
				case VALUES -> "dict_values";
				case ITEMS -> "dict_items";
			};
			case Generator generator -> "generator";
			case Namespace namespace -> "Namespace";
			case Undefined undefined -> "Undefined";
			case Loop loop -> "LoopContext";
			case Macro macro -> "Macro";
			default -> "function";
		};
	}

	static boolean isInteger(Object value) {
		return value instanceof Long || value instanceof BigInteger || value instanceof Boolean;
	}

	static boolean isNumber(Object value) {
		return isInteger(value) || value instanceof Double;
	}

}
