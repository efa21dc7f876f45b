package io.github.flashspring.jinja;

import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

/**
 * Python's two ways of formatting: {@code '%s' % x} and {@code '{}'.format(x)}.
 */
final class PythonFormat {

	private static final Pattern PERCENT = Pattern
		.compile("%(?:\\(([^)]*)\\))?([-+ 0#]{0,8})(\\d{0,9})(?:\\.(\\d{0,9}))?[hlL]?([a-zA-Z%])");

	private static final Pattern FIELD = Pattern.compile("\\{([^{}!:]{0,200})(?:!([rsa]))?(?::([^{}]{0,100}))?}");

	private static final Pattern SPEC = Pattern
		.compile("(?:(.)?([<>=^]))?([-+ ])?(#)?(0)?(\\d{1,9})?([,_])?(?:\\.(\\d{1,9}))?([a-zA-Z%])?", Pattern.DOTALL);

	private static final Pattern ACCESSOR = Pattern.compile("\\.([^.\\[]+)|\\[([^\\]]+)]");

	private PythonFormat() {
	}

	/**
	 * {@code format % values}.
	 * @param marked the format
	 * @param values a tuple, a dict, or a single value
	 * @param budget bounds the text
	 * @return the text
	 */
	static MarkedText percent(MarkedText marked, Object values, Budget budget) {
		String format = marked.string();
		List<Object> list = (values instanceof Tuple tuple) ? tuple : List.of(values);
		TextBuilder text = new TextBuilder(budget);
		Matcher matcher = PERCENT.matcher(format);
		int begin = 0;
		int used = 0;
		for (int at = format.indexOf('%'); at >= 0; at = format.indexOf('%', begin)) {
			text.append(marked, begin, at);
			if (!matcher.region(at, format.length()).lookingAt()) {
				throw JinjaException.value("unsupported format character or incomplete format");
			}
			begin = matcher.end();
			if (matcher.group(5).equals("%")) {
				text.append(marked, begin - 1, begin);
				continue;
			}
			Object value;
			if (matcher.group(1) != null) {
				if (!(values instanceof Map<?, ?> map)) {
					throw JinjaException.type("format requires a mapping");
				}
				value = Attributes.item(map, MarkedText.trusted(matcher.group(1)), budget);
			}
			else if (used < list.size()) {
				value = list.get(used++);
			}
			else {
				throw JinjaException.type("not enough arguments for format string");
			}
			percentValue(matcher, value, text);
		}
		boolean indexable = values instanceof Map || values instanceof Undefined
				|| values instanceof List && !(values instanceof Tuple);
		if (used < list.size() && !indexable) {
			throw JinjaException.type("not all arguments converted during string formatting");
		}
		return text.append(marked, begin, format.length()).toText();
	}

	private static void percentValue(Matcher matcher, Object value, TextBuilder to) {
		String flags = matcher.group(2);
		long width = matcher.group(3).isEmpty() ? 0 : Long.parseLong(matcher.group(3));
		String places = matcher.group(4);
		int precision = (places == null) ? -1 : places.isEmpty() ? 0 : Integer.parseInt(places);
		char type = matcher.group(5).charAt(0);
		boolean left = flags.contains("-");
		String sign = flags.contains("+") ? "+" : flags.contains(" ") ? " " : "-";
		switch (type) {
			case 's', 'r', 'a' -> {
				MarkedText text = (type == 's') ? PythonText.str(value, to.budget())
						: PythonText.repr(value, new TextBuilder(to.budget())).toText();
				pad(cut(text, precision), "", left ? '<' : '>', " ", width, to);
			}
			case 'c' -> pad(Types.isInteger(value)
					? MarkedText
						.trusted(Character.toString(Math.clamp(Operators.toIndex(value), 0, Character.MAX_CODE_POINT)))
					: PythonText.str(value, to.budget()), "", left ? '<' : '>', " ", width, to);
			case 'd', 'i', 'u', 'x', 'X', 'o', 'f', 'F', 'e', 'E', 'g', 'G' -> {
				if (!Types.isNumber(value)) {
					Operators.refuseUndefined(value);
					throw JinjaException
						.type("%" + type + " format: a real number is required, not " + Types.name(value));
				}
				char letter = (type == 'i' || type == 'u') ? 'd' : type;
				String digits = NumberFormat.digits(letter, value, precision);
				String prefix = NumberFormat.isNegative(value) ? "-" : sign.replace("-", "");
				if (flags.contains("#") && (letter == 'x' || letter == 'X' || letter == 'o')) {
					prefix += "0" + letter;
				}
				boolean zeros = flags.contains("0") && !left;
				pad(MarkedText.trusted(digits), prefix, left ? '<' : zeros ? '=' : '>', zeros ? "0" : " ", width, to);
			}
			default -> throw JinjaException.value("unsupported format character '" + type + "'");
		}
	}

	private static MarkedText cut(MarkedText text, int precision) {
		return (precision < 0 || precision >= text.string().codePointCount(0, text.length())) ? text
				: text.substring(0, text.string().offsetByCodePoints(0, precision));
	}

	private static void pad(MarkedText digits, String prefix, char align, String fill, long width, TextBuilder to) {
		long missing = Math.max(0,
				width - digits.string().codePointCount(0, digits.length()) - prefix.codePointCount(0, prefix.length()));
		switch (align) {
			case '<' -> to.append(prefix).append(digits).repeat(fill, missing);
			case '=' -> to.append(prefix).repeat(fill, missing).append(digits);
			case '^' -> to.repeat(fill, missing / 2).append(prefix).append(digits).repeat(fill, missing - missing / 2);
			default -> to.repeat(fill, missing).append(prefix).append(digits);
		}
	}

	/**
	 * {@code format.format(…)}.
	 * @param marked the format
	 * @param arguments the values
	 * @param budget bounds the text
	 * @return the text
	 */
	static MarkedText format(MarkedText marked, Arguments arguments, Budget budget) {
		String format = marked.string();
		TextBuilder text = new TextBuilder(budget);
		Matcher matcher = FIELD.matcher(format);
		int automatic = 0;
		int i = 0;
		while (i < format.length()) {
			char c = format.charAt(i);
			if ((c == '{' || c == '}') && i + 1 < format.length() && format.charAt(i + 1) == c) {
				text.append(marked, i, i + 1);
				i += 2;
			}
			else if (c == '{') {
				if (!matcher.region(i, format.length()).lookingAt()) {
					throw JinjaException.value("a replacement field is not complete, or of a kind that is not offered");
				}
				i = matcher.end();
				String field = matcher.group(1);
				if (field.isEmpty() || field.startsWith(".") || field.startsWith("[")) {
					field = automatic++ + field;
				}
				Object value = field(field, arguments, budget);
				String conversion = matcher.group(2);
				if (conversion != null) {
					value = conversion.equals("s") ? PythonText.str(value, budget)
							: PythonText.repr(value, new TextBuilder(budget)).toText();
				}
				formatValue(value, matcher.group(3), text);
			}
			else if (c == '}') {
				throw JinjaException.value("Single '}' encountered in format string");
			}
			else {
				text.append(marked, i, i + 1);
				i++;
			}
		}
		return text.toText();
	}

	private static Object field(String field, Arguments arguments, Budget budget) {
		int end = 0;
		while (end < field.length() && field.charAt(end) != '.' && field.charAt(end) != '[') {
			end++;
		}
		String name = field.substring(0, end);
		Object value;
		if (name.matches("\\d{1,9}")) {
			int index = Integer.parseInt(name);
			if (index >= arguments.positional().size()) {
				throw JinjaException.value("Replacement index " + index + " out of range for positional args tuple");
			}
			value = arguments.positional().get(index);
		}
		else {
			Object named = arguments.named().get(name);
			if (named == null) {
				throw JinjaException.value("format() lacks the argument '" + name + "'");
			}
			value = named;
		}
		Matcher accessor = ACCESSOR.matcher(field);
		while (end < field.length()) {
			if (!accessor.region(end, field.length()).lookingAt()) {
				throw JinjaException.value("a replacement field has a wrong accessor");
			}
			end = accessor.end();
			String item = accessor.group(2);
			if (item == null) {
				value = Attributes.attribute(value, accessor.group(1));
			}
			else {
				value = Attributes.item(value,
						item.matches("\\d{1,9}") ? (Object) Long.valueOf(item) : MarkedText.trusted(item), budget);
			}
		}
		return value;
	}

	private static void formatValue(Object value, @Nullable String spec, TextBuilder to) {
		if (spec == null || spec.isEmpty()) {
			PythonText.str(value, to);
			return;
		}
		Matcher matcher = SPEC.matcher(spec);
		if (!matcher.matches()) {
			throw JinjaException.value("Invalid format specifier '" + spec + "'");
		}
		String fill = (matcher.group(1) != null) ? matcher.group(1) : " ";
		String align = matcher.group(2);
		long width = (matcher.group(6) != null) ? Long.parseLong(matcher.group(6)) : 0;
		int precision = (matcher.group(8) != null) ? Integer.parseInt(matcher.group(8)) : -1;
		String type = matcher.group(9);
		if (!Types.isNumber(value) || value instanceof Boolean && type == null) {
			if (type != null && !type.equals("s")) {
				throw JinjaException
					.value("Unknown format code '" + type + "' for object of type '" + Types.name(value) + "'");
			}
			pad(cut(PythonText.str(value, to.budget()), precision), "", (align != null) ? align.charAt(0) : '<', fill,
					width, to);
			return;
		}
		boolean zeros = matcher.group(5) != null;
		pad(MarkedText.trusted(number(value, type, precision, matcher.group(7), to.budget())),
				prefix(value, matcher, type), (align != null) ? align.charAt(0) : zeros ? '=' : '>',
				(zeros && matcher.group(1) == null) ? "0" : fill, width, to);
	}

	private static String number(Object value, @Nullable String type, int precision, @Nullable String grouping,
			Budget budget) {
		String digits;
		if (type == null && precision < 0) {
			digits = PythonText.str((value instanceof Double number) ? (Object) Math.abs(number) : value, budget)
				.string();
			digits = digits.startsWith("-") ? digits.substring(1) : digits;
		}
		else if ("%".equals(type)) {
			digits = NumberFormat.digits('f', Arithmetic.toDouble(value) * 100, precision) + "%";
		}
		else {
			char letter = (type == null) ? 'g' : type.equals("n") ? 'd' : type.charAt(0);
			boolean forInteger = "dxXob".indexOf(letter) >= 0;
			if (forInteger && value instanceof Double || "dxXobfFeEgG".indexOf(letter) < 0) {
				throw JinjaException
					.value("Unknown format code '" + letter + "' for object of type '" + Types.name(value) + "'");
			}
			digits = NumberFormat.digits(letter, value, precision);
		}
		return (grouping == null) ? digits
				: digits.replaceAll("\\G(\\d{1,3})(?=(?:\\d{3})+(?:\\D|$))", "$1" + grouping);
	}

	private static String prefix(Object value, Matcher matcher, @Nullable String type) {
		String sign = NumberFormat.isNegative(value) ? "-"
				: (matcher.group(3) == null || matcher.group(3).equals("-")) ? "" : matcher.group(3);
		boolean base = matcher.group(4) != null && type != null && "xXob".contains(type);
		return base ? sign + "0" + type : sign;
	}

}
