package io.github.flashspring.engine.tokenizer.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * How Python writes values ({@code str}, {@code repr}) and reads string literals, and
 * what it takes for white space.
 */
final class PythonText {

	private PythonText() {
	}

	static String str(Object value, Budget budget) {
		return (value instanceof String text) ? text : str(value, new TextBuilder(budget)).toString();
	}

	static TextBuilder str(Object value, TextBuilder to) {
		return switch (value) {
			case String text -> to.append(text);
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
			case String text -> quote(text, to);
			case Range range -> to.append(range.toString());
			case Tuple tuple -> list("(", tuple, (tuple.size() == 1) ? ",)" : ")", to);
			case List<?> list -> list("[", list, "]", to);
			case Map<?, ?> map -> dict(map, to);
			case DictView view -> list(Types.name(view) + "([", view, "])", to);
			case Undefined undefined -> to.append("Undefined");
			case Namespace namespace -> dict(namespace.attributes(), to.append("<Namespace ")).append(">");
			case Macro macro -> quote(macro.signature().name(), to.append("<Macro ")).append(">");
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

	private static TextBuilder quote(String text, TextBuilder to) {
		char quote = (text.indexOf('\'') >= 0 && text.indexOf('"') < 0) ? '"' : '\'';
		to.append(quote);
		text.codePoints().forEach((c) -> {
			switch (c) {
				case '\\' -> to.append("\\\\");
				case '\n' -> to.append("\\n");
				case '\r' -> to.append("\\r");
				case '\t' -> to.append("\\t");
				default -> {
					if (c == quote) {
						to.append('\\').append(quote);
					}
					else if (c == ' ' || isPrintable(c)) {
						to.appendCodePoint(c);
					}
					else {
						to.append((c < 0x100) ? "\\x" + hex(c, 2)
								: (c < 0x10000) ? "\\u" + hex(c, 4) : "\\U" + hex(c, 8));
					}
				}
			}
		});
		return to.append(quote);
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

	static List<String> splitLines(String text, boolean keepEnds) {
		List<String> lines = new ArrayList<>();
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
				lines.add(text.substring(begin, keepEnds ? i + 1 : end));
				begin = i + 1;
			}
		}
		if (begin < text.length()) {
			lines.add(text.substring(begin));
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
