package io.github.flashspring.jinja;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

/**
 * Jinja's filters for single values and texts; those for lists are in
 * {@link ListFilters}.
 */
final class Filters {

	private static final Pattern WORD_START = Pattern.compile("[-\\s({\\[<]+", Pattern.UNICODE_CHARACTER_CLASS);

	private static final Pattern WORD = Pattern.compile("\\w+", Pattern.UNICODE_CHARACTER_CLASS);

	private static final Pattern TAG = Pattern.compile("<!--[^>]*-->|<[^>]*>");

	private Filters() {
	}

	static Object apply(String name, Object value, Arguments arguments, Rendering rendering) {
		Filter filter = find(name);
		if (filter == null) {
			throw new JinjaException(JinjaException.Kind.SYNTAX, "No filter named '" + name + "'");
		}
		if (value instanceof MarkedText text) {
			rendering.budget().spendText(text.length());
		}
		Object result = filter.apply(value, arguments, rendering);
		return (result instanceof MarkedText text) ? rendering.budget().text(text) : result;
	}

	static boolean exists(String name) {
		return find(name) != null;
	}

	private static @Nullable Filter find(String name) {
		Filter filter = ListFilters.find(name);
		return (filter != null) ? filter : switch (name) {
			case "abs" -> (value, arguments, rendering) -> Arithmetic.order(number(value), 0L) < 0
					? Arithmetic.negate(value) : Arithmetic.plus(value);
			case "attr" -> (value, arguments, rendering) -> {
				String attribute = string(arguments.expect(name, "name").require(name, 0, "name"), rendering);
				Object found = Attributes.find(value, attribute);
				return (found != null) ? found : Undefined.of(value, MarkedText.trusted(attribute));
			};
			case "capitalize" -> changed(LetterCase::capitalize);
			case "center" -> (value, arguments, rendering) -> StringMethods.justify(text(value, rendering),
					arguments.expect(name, "width").integer(0, "width", 80), MarkedText.trusted(" "),
					rendering.budget(), 1);
			case "d", "default" -> (value, arguments, rendering) -> {
				arguments.expect(name, "default_value", "boolean");
				boolean missing = value instanceof Undefined
						|| arguments.flag(1, "boolean") && !Operators.isTrue(value);
				return missing ? arguments.get(0, "default_value", MarkedText.EMPTY) : value;
			};
			case "e", "escape", "forceescape" ->
				(value, arguments, rendering) -> escape(text(value, rendering), rendering.budget());
			case "float" -> (value, arguments, rendering) -> Conversions.toFloat(value,
					arguments.expect(name, "default").get(0, "default", 0.0));
			case "format" -> (value, arguments, rendering) -> PythonFormat.percent(text(value, rendering),
					arguments.named().isEmpty() ? Tuple.copyOf(arguments.positional()) : dict(arguments.named()),
					rendering.budget());
			case "indent" -> (value, arguments, rendering) -> indent(value,
					arguments.expect(name, "width", "first", "blank"), rendering.budget());
			case "int" ->
				(value, arguments, rendering) -> Conversions.toInt(value, arguments.expect(name, "default", "base"));
			case "lower" -> changed((text) -> text.toLowerCase(Locale.ROOT));
			case "replace" -> (value, arguments, rendering) -> {
				arguments.expect(name, "old", "new", "count");
				Object count = arguments.get(2, "count", None.NONE);
				return StringMethods.replace(text(value, rendering),
						string(arguments.require(name, 0, "old"), rendering),
						text(arguments.require(name, 1, "new"), rendering),
						(count == None.NONE) ? -1 : Operators.toIndex(count), rendering.budget());
			};
			case "round" -> (value, arguments, rendering) -> Conversions.round(value,
					arguments.expect(name, "precision", "method"));
			case "safe", "string" -> (value, arguments, rendering) -> text(value, rendering);
			case "striptags" ->
				changed((text) -> String.join(" ", TAG.matcher(text).replaceAll("").trim().split("\\s+")));
			case "title" -> changed(Filters::title);
			case "tojson" -> (value, arguments, rendering) -> PythonJson.write(value, arguments, rendering.budget());
			case "trim" -> (value, arguments, rendering) -> {
				Object chars = arguments.expect(name, "chars").get(0, "chars", None.NONE);
				return StringMethods.strip(text(value, rendering),
						(chars == None.NONE) ? null : string(chars, rendering), true, true);
			};
			case "truncate" -> (value, arguments, rendering) -> truncate(value,
					arguments.expect(name, "length", "killwords", "end", "leeway"), rendering);
			case "upper" -> changed((text) -> text.toUpperCase(Locale.ROOT));
			case "urlencode" -> (value, arguments, rendering) -> Conversions.urlEncode(value, rendering.budget());
			case "wordcount" ->
				(value, arguments, rendering) -> WORD.matcher(string(value, rendering)).results().count();
			default -> null;
		};
	}

	private static Filter changed(UnaryOperator<String> function) {
		return (value, arguments, rendering) -> {
			MarkedText text = text(value, rendering);
			return text.changed(function.apply(text.string()));
		};
	}

	private static MarkedText text(Object value, Rendering rendering) {
		return PythonText.str(value, rendering.budget());
	}

	private static String string(Object value, Rendering rendering) {
		return text(value, rendering).string();
	}

	private static Map<Object, Object> dict(Map<String, Object> named) {
		Map<Object, Object> dict = new LinkedHashMap<>();
		named.forEach((name, value) -> dict.put(MarkedText.trusted(name), value));
		return dict;
	}

	private static Object number(Object value) {
		Operators.refuseUndefined(value);
		if (!Types.isNumber(value)) {
			throw JinjaException.type("bad operand type for abs(): '" + Types.name(value) + "'");
		}
		return value;
	}

	private static MarkedText escape(MarkedText text, Budget budget) {
		TextBuilder escaped = new TextBuilder(budget);
		int plainFrom = 0;
		for (int i = 0; i < text.length(); i++) {
			String entity = switch (text.string().charAt(i)) {
				case '&' -> "&amp;";
				case '<' -> "&lt;";
				case '>' -> "&gt;";
				case '"' -> "&#34;";
				case '\'' -> "&#39;";
				default -> "";
			};
			if (!entity.isEmpty()) {
				escaped.append(text, plainFrom, i).append(entity, text.isUntrusted(i));
				plainFrom = i + 1;
			}
		}
		return escaped.append(text, plainFrom, text.length()).toText();
	}

	private static MarkedText indent(Object value, Arguments arguments, Budget budget) {
		Operators.refuseUndefined(value);
		if (!(value instanceof MarkedText text)) {
			throw JinjaException.type("indent needs a str, not " + Types.name(value));
		}
		Object width = arguments.get(0, "width", 4L);
		MarkedText indention = (width instanceof MarkedText own) ? own
				: new TextBuilder(budget).repeat(" ", Operators.toIndex(width)).toText();
		boolean first = arguments.flag(1, "first");
		boolean blank = arguments.flag(2, "blank");
		List<MarkedText> lines = PythonText.splitLines(text.plus(MarkedText.trusted("\n")), false);
		TextBuilder indented = new TextBuilder(budget);
		for (int i = 0; i < lines.size(); i++) {
			MarkedText line = lines.get(i);
			indented.append((i > 0) ? "\n" : "");
			if ((i > 0) ? blank || !line.isEmpty() : first) {
				indented.append(indention);
			}
			indented.append(line);
		}
		return indented.toText();
	}

	private static String title(String text) {
		StringBuilder titled = new StringBuilder();
		Matcher matcher = WORD_START.matcher(text);
		int begin = 0;
		while (matcher.find()) {
			titled.append(LetterCase.capitalize(text.substring(begin, matcher.start()))).append(matcher.group());
			begin = matcher.end();
		}
		return titled.append(LetterCase.capitalize(text.substring(begin))).toString();
	}

	private static Object truncate(Object value, Arguments arguments, Rendering rendering) {
		MarkedText end = text(arguments.get(2, "end", MarkedText.trusted("...")), rendering);
		long length = arguments.integer(0, "length", 255);
		long leeway = arguments.integer(3, "leeway", 5);
		if (length < end.length() || leeway < 0) {
			throw JinjaException
				.value("expected length >= " + end.length() + " and leeway >= 0, got " + length + " and " + leeway);
		}
		if (Operators.length(value) <= length + leeway) {
			return value;
		}
		if (!(value instanceof MarkedText text)) {
			throw JinjaException.type("can only truncate str, not " + Types.name(value));
		}
		MarkedText cut = text.substring(0, text.string().offsetByCodePoints(0, (int) (length - end.length())));
		int space = cut.string().lastIndexOf(' ');
		return ((arguments.flag(1, "killwords") || space < 0) ? cut : cut.substring(0, space)).plus(end);
	}

	/**
	 * A filter. Arguments after the value are its own.
	 */
	@FunctionalInterface
	interface Filter {

		Object apply(Object value, Arguments arguments, Rendering rendering);

	}

}
