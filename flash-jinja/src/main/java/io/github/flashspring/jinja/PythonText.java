package io.github.flashspring.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * How Python writes values ({@code str}, {@code repr}) and reads string literals, and
 * what it takes for white space.
 */
final class PythonText {

	private PythonText() {
	}

	static MarkedText str(Object value, Budget budget) {
		return (value instanceof MarkedText text) ? text : str(value, new TextBuilder(budget)).toText();
	}

	static TextBuilder str(Object value, TextBuilder to) {
		return switch (value) {
			case MarkedText text -> to.append(text);
			case Undefined undefined -> to;
			default -> repr(value, to);
		};
	}

	static TextBuilder repr(Object value, TextBuilder to) {
		to.budget().enter();
		switch (value) {
			case None none -> to.append("None");
			case Boolean truth -> to.append(truth ? "True" : "False");
			case Long number -> to.append(Long.toString(number));
			case BigInteger number -> to.append(number.toString());
			case Double number -> to.append(repr(number));
			case MarkedText text -> quote(text, to);
			case Range range -> to.append(range.toString());
			case Tuple tuple -> list("(", tuple, (tuple.size() == 1) ? ",)" : ")", to);
			case List<?> list -> list("[", list, "]", to);
			case Map<?, ?> map -> dict(map, to);
			case DictView view -> list(Types.name(view) + "([", view, "])", to);
			case Undefined undefined -> to.append("Undefined");
			case Namespace namespace -> namespace(namespace, to);
			case Macro macro -> quote(MarkedText.trusted(macro.signature().name()), to.append("<Macro ")).append(">");
			default -> to.append("<" + Types.name(value) + " object>");
		}
		to.budget().leave();
		return to;
	}

	private static void list(String begin, Iterable<?> items, String end, TextBuilder to) {
		to.append(begin);
		for (Iterator<?> iterator = items.iterator(); iterator.hasNext();) {
			repr(iterator.next(), to);
			if (iterator.hasNext()) {
				to.append(", ");
			}
		}
		to.append(end);
	}

	private static TextBuilder namespace(Namespace namespace, TextBuilder to) {
		Map<Object, Object> attributes = new LinkedHashMap<>();
		namespace.attributes().forEach((name, value) -> attributes.put(MarkedText.trusted(name), value));
		return dict(attributes, to.append("<Namespace ")).append(">");
	}

	private static TextBuilder dict(Map<?, ?> map, TextBuilder to) {
		to.append("{");
		boolean first = true;
		for (Map.Entry<?, ?> entry : map.entrySet()) {
			if (!first) {
				to.append(", ");
			}
			first = false;
			repr(entry.getKey(), to).append(": ");
			repr(entry.getValue(), to);
		}
		return to.append("}");
	}

	private static TextBuilder quote(MarkedText text, TextBuilder to) {
		String string = text.string();
		char quote = (string.indexOf('\'') >= 0 && string.indexOf('"') < 0) ? '"' : '\'';
		to.append(quote);
		int plainFrom = 0;
		for (int i = 0; i < string.length();) {
			int c = string.codePointAt(i);
			int next = i + Character.charCount(c);
			String escaped = escape(c, quote);
			if (escaped != null) {
				to.append(text, plainFrom, i).append(escaped, text.isUntrusted(i));
				plainFrom = next;
			}
			i = next;
		}
		return to.append(text, plainFrom, string.length()).append(quote);
	}

	private static @Nullable String escape(int c, char quote) {
		return switch (c) {
			case '\\' -> "\\\\";
			case '\n' -> "\\n";
			case '\r' -> "\\r";
			case '\t' -> "\\t";
			default -> (c == quote) ? "\\" + quote : (c == ' ' || isPrintable(c)) ? null
					: (c < 0x100) ? "\\x" + hex(c, 2) : (c < 0x10000) ? "\\u" + hex(c, 4) : "\\U" + hex(c, 8);
		};
	}

	static String hex(int number, int digits) {
		String hex = Integer.toHexString(number);
		return "0".repeat(Math.max(0, digits - hex.length())) + hex;
	}

	private static boolean isPrintable(int codePoint) {
		return switch (Character.getType(codePoint)) {
			case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE, Character.UNASSIGNED,
					Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR, Character.SPACE_SEPARATOR ->
				false;
			default -> true;
		};
	}

	/**
	 * The shortest decimal that reads back as the same number, as Python lays it out.
	 * @param number the number
	 * @return its text
	 */
	static String repr(double number) {
		if (Double.isNaN(number)) {
			return "nan";
		}
		if (Double.isInfinite(number)) {
			return (number > 0) ? "inf" : "-inf";
		}
		if (number == 0) {
			return (1 / number < 0) ? "-0.0" : "0.0";
		}
		BigDecimal decimal = new BigDecimal(Double.toString(number)).stripTrailingZeros();
		int exponent = decimal.precision() - decimal.scale() - 1;
		if (exponent >= -4 && exponent < 16) {
			String plain = decimal.toPlainString();
			return (plain.indexOf('.') >= 0) ? plain : plain + ".0";
		}
		String digits = decimal.unscaledValue().abs().toString();
		return ((number < 0) ? "-" : "") + digits.charAt(0) + ((digits.length() > 1) ? "." + digits.substring(1) : "")
				+ "e" + ((exponent < 0) ? "-" : "+") + ((Math.abs(exponent) < 10) ? "0" : "") + Math.abs(exponent);
	}

	static boolean isSpace(int codePoint) {
		return switch (codePoint) {
			case 0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000 -> true;
			default -> codePoint >= 9 && codePoint <= 13 || codePoint >= 28 && codePoint <= 32
					|| codePoint >= 0x2000 && codePoint <= 0x200a;
		};
	}

	static String stripRight(String text) {
		int end = text.length();
		while (end > 0 && isSpace(text.charAt(end - 1))) {
			end--;
		}
		return text.substring(0, end);
	}

	static String stripLeft(String text) {
		int begin = 0;
		while (begin < text.length() && isSpace(text.charAt(begin))) {
			begin++;
		}
		return text.substring(begin);
	}

	static List<MarkedText> splitLines(MarkedText marked, boolean keepEnds) {
		String text = marked.string();
		List<MarkedText> lines = new ArrayList<>();
		int begin = 0;
		for (int i = 0; i < text.length(); i++) {
			char c = text.charAt(i);
			boolean ends = switch (c) {
				case '\n', '\r', 0x0b, 0x0c, 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029 -> true;
				default -> false;
			};
			if (ends) {
				int end = i;
				if (c == '\r' && i + 1 < text.length() && text.charAt(i + 1) == '\n') {
					i++;
				}
				lines.add(marked.substring(begin, keepEnds ? i + 1 : end));
				begin = i + 1;
			}
		}
		if (begin < text.length()) {
			lines.add(marked.substring(begin));
		}
		return lines;
	}

	/**
	 * The value of a string literal.
	 * @param source what stands between the quotes
	 * @return the value; an unknown escape stays as it is
	 */
	static String unescape(String source) {
		if (source.indexOf('\\') < 0) {
			return source;
		}
		StringBuilder text = new StringBuilder();
		int i = 0;
		while (i < source.length()) {
			char c = source.charAt(i);
			if (c != '\\' || i + 1 == source.length()) {
				text.append(c);
				i++;
				continue;
			}
			char escape = source.charAt(i + 1);
			i += 2;
			switch (escape) {
				case '\n' -> {
				}
				case '\\', '\'', '"' -> text.append(escape);
				case 'a' -> text.append('\u0007');
				case 'b' -> text.append('\b');
				case 'f' -> text.append('\f');
				case 'n' -> text.append('\n');
				case 'r' -> text.append('\r');
				case 't' -> text.append('\t');
				case 'v' -> text.append('\u000b');
				case 'x' -> i = codePoint(source, i, 2, text);
				case 'u' -> i = codePoint(source, i, 4, text);
				case 'U' -> i = codePoint(source, i, 8, text);
				case '0', '1', '2', '3', '4', '5', '6', '7' -> {
					int end = i;
					while (end < source.length() && end < i + 2 && source.charAt(end) >= '0'
							&& source.charAt(end) <= '7') {
						end++;
					}
					text.appendCodePoint(Integer.parseInt(source.substring(i - 1, end), 8));
					i = end;
				}
				default -> text.append('\\').append(escape);
			}
		}
		return text.toString();
	}

	private static int codePoint(String source, int at, int digits, StringBuilder to) {
		int end = at + digits;
		if (end > source.length() || !source.substring(at, end).matches("[0-9a-fA-F]+")
				|| !Character.isValidCodePoint((int) Long.parseLong(source.substring(at, end), 16))) {
			throw new JinjaException(JinjaException.Kind.SYNTAX,
					"a string has an escape that is not followed by " + digits + " hexadecimal digits of a character");
		}
		to.appendCodePoint((int) Long.parseLong(source.substring(at, end), 16));
		return end;
	}

}
