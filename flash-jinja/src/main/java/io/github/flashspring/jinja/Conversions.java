package io.github.flashspring.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * The filters that turn values into numbers or addresses.
 */
final class Conversions {

	private Conversions() {
	}

	static Object toInt(Object value, Arguments arguments) {
		Operators.refuseUndefined(value);
		Object defaultValue = arguments.get(0, "default", 0L);
		int base = Math.clamp(arguments.integer(1, "base", 10), 0, 99);
		Object result = switch (value) {
			case Double number when number.isNaN() || number.isInfinite() -> null;
			case Double number -> new BigDecimal(number).toBigInteger();
			case MarkedText text -> parseInt(text.string().strip(), base);
			default -> Types.isInteger(value) ? Arithmetic.toBig(value) : null;
		};
		return (result instanceof BigInteger integer) ? Arithmetic.normalize(integer) : defaultValue;
	}

	private static @Nullable BigInteger parseInt(String text, int base) {
		String digits = text.replace("_", "").toLowerCase(java.util.Locale.ROOT);
		String prefix = switch (base) {
			case 16 -> "0x";
			case 8 -> "0o";
			case 2 -> "0b";
			default -> " ";
		};
		digits = digits.startsWith(prefix) ? digits.substring(2) : digits;
		if (base >= Character.MIN_RADIX && base <= Character.MAX_RADIX && digits.length() <= 1200) {
			try {
				return new BigInteger(digits, base);
			}
			catch (NumberFormatException ex) {
				// not whole: it may read as a float
			}
		}
		Double number = parseFloat(text);
		return (number == null || number.isNaN() || number.isInfinite()) ? null : new BigDecimal(number).toBigInteger();
	}

	static Object toFloat(Object value, Object defaultValue) {
		Operators.refuseUndefined(value);
		if (value instanceof MarkedText text) {
			Double number = parseFloat(text.string().strip());
			return (number != null) ? number : defaultValue;
		}
		return Types.isNumber(value) ? (Object) Arithmetic.toDouble(value) : defaultValue;
	}

	private static @Nullable Double parseFloat(String text) {
		String plain = text.replace("_", "").toLowerCase(java.util.Locale.ROOT);
		return switch (plain) {
			case "nan", "+nan", "-nan" -> Double.NaN;
			case "inf", "+inf", "infinity", "+infinity" -> Double.POSITIVE_INFINITY;
			case "-inf", "-infinity" -> Double.NEGATIVE_INFINITY;
			default ->
				plain.matches("[+-]?(?:[0-9]+\\.?[0-9]*|\\.[0-9]+)(?:e[+-]?[0-9]+)?") ? Double.valueOf(plain) : null;
		};
	}

	static Object round(Object value, Arguments arguments) {
		Operators.refuseUndefined(value);
		if (!Types.isNumber(value)) {
			throw JinjaException.type("type " + Types.name(value) + " doesn't define __round__ method");
		}
		long precision = Math.clamp(arguments.integer(0, "precision", 0), -400, 400);
		String method = String.valueOf(arguments.get(1, "method", "common"));
		RoundingMode mode = switch (method) {
			case "common" -> RoundingMode.HALF_EVEN;
			case "ceil" -> RoundingMode.CEILING;
			case "floor" -> RoundingMode.FLOOR;
			default -> throw JinjaException.value("method must be common, ceil or floor");
		};
		if (value instanceof Double number && (number.isNaN() || number.isInfinite())) {
			return number;
		}
		boolean whole = mode == RoundingMode.HALF_EVEN && !(value instanceof Double);
		if (mode != RoundingMode.HALF_EVEN) {
			double scale = Math.pow(10, precision);
			double scaled = Arithmetic.toDouble(value) * scale;
			return ((mode == RoundingMode.CEILING) ? Math.ceil(scaled) : Math.floor(scaled)) / scale;
		}
		BigDecimal exact = whole ? new BigDecimal(Arithmetic.toBig(value)) : new BigDecimal(Arithmetic.toDouble(value));
		BigDecimal rounded = exact.setScale((int) precision, mode);
		return whole ? Arithmetic.normalize(rounded.toBigInteger()) : (Object) rounded.doubleValue();
	}

	static MarkedText urlEncode(Object value, Budget budget) {
		TextBuilder text = new TextBuilder(budget);
		if (value instanceof MarkedText || !Operators.isIterable(value) || value instanceof Undefined) {
			quote(PythonText.str(value, budget), "/", "%20", text);
			return text.toText();
		}
		Object pairs = (value instanceof Map<?, ?> map) ? new DictView(DictView.Kind.ITEMS, map) : value;
		for (Object pair : Operators.toList(pairs, budget)) {
			if (text.length() > 0) {
				text.append('&');
			}
			List<Object> entry = Operators.toList(pair, budget);
			if (entry.size() != 2) {
				throw JinjaException.value("urlencode needs pairs, got " + entry.size() + " values");
			}
			quote(PythonText.str(entry.get(0), budget), "", "+", text);
			text.append('=');
			quote(PythonText.str(entry.get(1), budget), "", "+", text);
		}
		return text.toText();
	}

	private static void quote(MarkedText text, String safe, String space, TextBuilder to) {
		StringBuilder quoted = new StringBuilder();
		for (byte b : text.string().getBytes(StandardCharsets.UTF_8)) {
			char c = (char) (b & 0xff);
			if (c < 0x80 && (Character.isLetterOrDigit(c) || "_.-~".indexOf(c) >= 0 || safe.indexOf(c) >= 0)) {
				quoted.append(c);
			}
			else if (c == ' ') {
				quoted.append(space);
			}
			else {
				quoted.append('%').append(PythonText.hex(c, 2).toUpperCase(java.util.Locale.ROOT));
			}
		}
		to.append(text.changed(quoted.toString()));
	}

}
