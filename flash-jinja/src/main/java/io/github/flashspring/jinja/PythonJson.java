package io.github.flashspring.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * Writes values as Python's {@code json.dumps} does. Chat templates' {@code tojson}
 * leaves non-ASCII characters and HTML's special ones as they are.
 */
final class PythonJson {

	private final TextBuilder text;

	private final Budget budget;

	private final boolean asciiOnly;

	private final boolean sorted;

	private final @Nullable MarkedText indent;

	private final MarkedText itemSeparator;

	private final MarkedText keySeparator;

	private int depth;

	private PythonJson(Budget budget, boolean asciiOnly, boolean sorted, @Nullable MarkedText indent,
			MarkedText itemSeparator, MarkedText keySeparator) {
		this.text = new TextBuilder(budget);
		this.budget = budget;
		this.asciiOnly = asciiOnly;
		this.sorted = sorted;
		this.indent = indent;
		this.itemSeparator = itemSeparator;
		this.keySeparator = keySeparator;
	}

	/**
	 * The filter {@code tojson}.
	 * @param value what to write
	 * @param arguments {@code ensure_ascii}, {@code indent}, {@code separators},
	 * {@code sort_keys}
	 * @param budget bounds the text
	 * @return the JSON text
	 */
	static MarkedText write(Object value, Arguments arguments, Budget budget) {
		arguments.expect("tojson", "ensure_ascii", "indent", "separators", "sort_keys");
		Object indent = arguments.get(1, "indent", None.NONE);
		MarkedText unit = (indent == None.NONE) ? null : (indent instanceof MarkedText own) ? own
				: new TextBuilder(budget).repeat(" ", Operators.toIndex(indent)).toText();
		MarkedText itemSeparator = MarkedText.trusted((unit == null) ? ", " : ",");
		MarkedText keySeparator = MarkedText.trusted(": ");
		Object separators = arguments.get(2, "separators", None.NONE);
		if (separators != None.NONE) {
			List<Object> pair = Operators.toList(separators, budget);
			if (pair.size() != 2 || !(pair.get(0) instanceof MarkedText first)
					|| !(pair.get(1) instanceof MarkedText second)) {
				throw JinjaException.value("separators must be two strings");
			}
			itemSeparator = first;
			keySeparator = second;
		}
		PythonJson json = new PythonJson(budget, arguments.flag(0, "ensure_ascii"), arguments.flag(3, "sort_keys"),
				unit, itemSeparator, keySeparator);
		json.write(value);
		return json.text.toText();
	}

	private void write(Object value) {
		this.budget.enter();
		switch (value) {
			case None none -> this.text.append("null");
			case Boolean truth -> this.text.append(truth ? "true" : "false");
			case Long number -> this.text.append(Long.toString(number));
			case BigInteger number -> this.text.append(number.toString());
			case Double number -> this.text.append(number(number));
			case MarkedText string -> quote(string);
			case Range range -> throw unsupported(range);
			case List<?> list -> list(list);
			case Map<?, ?> map -> dict(map);
			default -> throw unsupported(value);
		}
		this.budget.leave();
	}

	private static JinjaException unsupported(Object value) {
		return JinjaException.type("Object of type " + Types.name(value) + " is not JSON serializable");
	}

	private static String number(double number) {
		return Double.isNaN(number) ? "NaN"
				: Double.isInfinite(number) ? ((number > 0) ? "Infinity" : "-Infinity") : PythonText.repr(number);
	}

	private void list(List<?> list) {
		this.text.append("[");
		this.depth++;
		for (Iterator<?> iterator = list.iterator(); iterator.hasNext();) {
			newLine();
			write(iterator.next());
			if (iterator.hasNext()) {
				this.text.append(this.itemSeparator);
			}
		}
		this.depth--;
		if (!list.isEmpty()) {
			newLine();
		}
		this.text.append("]");
	}

	private void dict(Map<?, ?> map) {
		this.text.append("{");
		this.depth++;
		List<Map.Entry<?, ?>> entries = new ArrayList<>(map.entrySet());
		if (this.sorted) {
			entries.sort((a, b) -> Operators.order("<", a.getKey(), b.getKey(), this.budget));
		}
		for (Iterator<Map.Entry<?, ?>> iterator = entries.iterator(); iterator.hasNext();) {
			Map.Entry<?, ?> entry = iterator.next();
			newLine();
			quote(key(entry.getKey()));
			this.text.append(this.keySeparator);
			write(entry.getValue());
			if (iterator.hasNext()) {
				this.text.append(this.itemSeparator);
			}
		}
		this.depth--;
		if (!map.isEmpty()) {
			newLine();
		}
		this.text.append("}");
	}

	private static MarkedText key(Object key) {
		return switch (key) {
			case MarkedText name -> name;
			default -> MarkedText.trusted(constantKey(key));
		};
	}

	private static String constantKey(Object key) {
		return switch (key) {
			case None none -> "null";
			case Boolean truth -> truth ? "true" : "false";
			case Double number -> number(number);
			case Long number -> Long.toString(number);
			case BigInteger number -> number.toString();
			default -> throw JinjaException.type("keys must be str, int, float, bool or None, not " + Types.name(key));
		};
	}

	private void newLine() {
		if (this.indent != null) {
			this.text.append("\n").repeat(this.indent, this.depth);
		}
	}

	private void quote(MarkedText marked) {
		String string = marked.string();
		this.text.append('"');
		int plainFrom = 0;
		for (int i = 0; i < string.length(); i++) {
			String escaped = escape(string.charAt(i));
			if (escaped != null) {
				this.text.append(marked, plainFrom, i).append(escaped, marked.isUntrusted(i));
				plainFrom = i + 1;
			}
		}
		this.text.append(marked, plainFrom, string.length()).append('"');
	}

	private @Nullable String escape(char c) {
		return switch (c) {
			case '"' -> "\\\"";
			case '\\' -> "\\\\";
			case '\n' -> "\\n";
			case '\r' -> "\\r";
			case '\t' -> "\\t";
			case '\f' -> "\\f";
			case '\b' -> "\\b";
			default -> (c < 0x20 || this.asciiOnly && c > 0x7e) ? "\\u" + PythonText.hex(c, 4) : null;
		};
	}

}
