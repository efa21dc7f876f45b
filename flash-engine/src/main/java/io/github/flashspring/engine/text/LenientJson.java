package io.github.flashspring.engine.text;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Predicate;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads one value as models write them, while its text still grows: JSON, with what has
 * only one meaning although it is not JSON. That is control characters and unknown
 * escapes in strings, commas behind the last element, missing brackets before a closing
 * tag, and Python's quotes and words, with apostrophes that are not escaped. Valid JSON
 * is read as it is. Each character is looked at once.
 */
final class LenientJson {

	/** More text is needed. */
	static final int MORE = -1;

	/** The text is no value. */
	static final int FAILED = -2;

	private static final int MAX_NESTED = 100;

	/** Longer numbers are refused, as by JSON parsers. */
	private static final int MAX_WORD = 1000;

	/** Brackets that may be missing: those of arguments, of a call and of all calls. */
	private static final int MAX_MISSING = 3;

	private static final Pattern NUMBER = Pattern.compile("-?(?:0|[1-9]\\d*)(\\.\\d+)?([eE][+-]?\\d{1,9})?");

	private static final JsonNodeFactory NODES = ModelFiles.JSON.getNodeFactory();

	/** What closes the text around the value, empty: nothing. */
	private final String end;

	/** Ends a string and keys have no quotes; empty: as in JSON. */
	private final String quote;

	private int position;

	private State state = State.VALUE;

	private final Deque<Container> containers = new ArrayDeque<>();

	private final StringBuilder string = new StringBuilder();

	private char quoteCharacter;

	private boolean isKey;

	private int wordBegin;

	private @Nullable JsonNode value;

	private @Nullable Predicate<LenientJson> expected;

	/**
	 * A reader.
	 * @param begin index of the value's first character
	 * @param end what closes the text around the value; brackets that are missing there
	 * are added. Empty: none
	 * @param quote what stands around strings instead of quotes; keys then have none.
	 * Empty: JSON
	 */
	LenientJson(int begin, String end, String quote) {
		this.position = begin;
		this.end = end;
		this.quote = quote;
	}

	/**
	 * Gives up as soon as the value is not what is expected. This is asked whenever a key
	 * or a value of the outermost object, or of an object in the outermost array, is
	 * read.
	 * @param condition tells by {@link #outerKey()} and {@link #begun()}
	 * @return this reader
	 */
	LenientJson expecting(Predicate<LenientJson> condition) {
		this.expected = condition;
		return this;
	}

	/**
	 * Reads a text that is one value.
	 * @param text the text
	 * @return the value, null if the text is none
	 */
	static @Nullable JsonNode parse(String text) {
		String stripped = text.strip();
		LenientJson json = new LenientJson(0, "", "");
		return (json.read(stripped, true) == stripped.length()) ? json.value() : null;
	}

	/**
	 * Goes on reading.
	 * @param text what is there now, with what was there before unchanged
	 * @param last whether no more text comes
	 * @return the index behind the value, {@link #MORE} or {@link #FAILED}
	 */
	int read(CharSequence text, boolean last) {
		while (this.value == null || !this.containers.isEmpty()) {
			if (this.position >= text.length()) {
				boolean ends = last && this.state == State.WORD && this.containers.isEmpty();
				return (ends && endWord(text)) ? this.position : MORE;
			}
			int result = step(text, last);
			if (result < 0) {
				return result;
			}
		}
		return this.position;
	}

	/**
	 * Where reading stopped.
	 * @return the index of the first character that was not read
	 */
	int position() {
		return this.position;
	}

	JsonNode value() {
		JsonNode complete = this.value;
		if (complete == null) {
			throw new IllegalStateException("The value is not complete");
		}
		return complete;
	}

	/**
	 * What of an object or array was read until now.
	 * @return the outermost container, null if there is none
	 */
	@Nullable JsonNode begun() {
		return this.containers.isEmpty() ? null : this.containers.getLast().node();
	}

	/**
	 * The latest key of the outermost object, or of an object in the outermost array.
	 * @return the key, null if the text is within a value of such an object
	 */
	@Nullable String outerKey() {
		int depth = this.containers.size();
		boolean outer = depth == 1 || depth == 2 && this.containers.getLast().close() == ']';
		return (outer && this.containers.getFirst().close() == '}') ? this.containers.getFirst().key() : null;
	}

	/** Takes one step: 0, or why it cannot be taken. */
	private int step(CharSequence text, boolean last) {
		char c = text.charAt(this.position);
		switch (this.state) {
			case STRING -> {
				return string(text, c, last);
			}
			case WORD -> {
				if (isDelimiter(c) || !this.end.isEmpty() && c == this.end.charAt(0)) {
					return endWord(text) ? 0 : FAILED;
				}
				this.position++;
				return (this.position - this.wordBegin > MAX_WORD) ? FAILED : 0;
			}
			case UNQUOTED_KEY -> {
				if (c == ':') {
					this.isKey = true;
					this.string.setLength(0);
					this.string.append(text, this.wordBegin, this.position);
					return endString() ? 0 : FAILED;
				}
				this.position++;
				return ("{}[],\"'<\n".indexOf(c) >= 0) ? FAILED : 0;
			}
			default -> {
				if (Character.isWhitespace(c)) {
					this.position++;
					return 0;
				}
			}
		}
		if (mayCloseAll()) {
			int match = match(text, this.position, this.end, last);
			if (match != 0) {
				return (match < 0) ? MORE : closeAll();
			}
		}
		return switch (this.state) {
			case VALUE -> beginValue(text, c, last);
			case VALUE_OR_END -> (c == ']') ? close(c) : beginValue(text, c, last);
			case KEY_OR_END -> (c == '}') ? close(c) : beginKey(text, c, last);
			case COLON -> (c == ':') ? go(State.VALUE) : FAILED;
			default ->
				(c == ',') ? go((this.containers.getFirst().close() == '}') ? State.KEY_OR_END : State.VALUE_OR_END)
						: close(c);
		};
	}

	private int go(State next) {
		this.position++;
		this.state = next;
		return 0;
	}

	/** Whether all that is missing are closing brackets. */
	private boolean mayCloseAll() {
		return this.state == State.AFTER && !this.end.isEmpty();
	}

	private int closeAll() {
		if (this.containers.size() > MAX_MISSING) {
			return FAILED;
		}
		boolean fits = true;
		while (!this.containers.isEmpty()) {
			fits &= end(this.containers.removeFirst().node());
		}
		return fits ? 0 : FAILED;
	}

	private int close(char c) {
		Container container = this.containers.getFirst();
		if (container.close() != c) {
			return FAILED;
		}
		this.containers.removeFirst();
		this.position++;
		return end(container.node()) ? 0 : FAILED;
	}

	private int beginValue(CharSequence text, char c, boolean last) {
		if (c == '{' || c == '[') {
			if (this.containers.size() == MAX_NESTED) {
				return FAILED;
			}
			this.containers
				.addFirst((c == '{') ? new Container(NODES.objectNode(), '}') : new Container(NODES.arrayNode(), ']'));
			return go((c == '{') ? State.KEY_OR_END : State.VALUE_OR_END);
		}
		if (!this.quote.isEmpty()) {
			int match = match(text, this.position, this.quote, last);
			if (match != 0) {
				return (match < 0) ? MORE : beginString(c, false, this.quote.length());
			}
		}
		else if (c == '"' || c == '\'') {
			return beginString(c, false, 1);
		}
		if (isDelimiter(c)) {
			return FAILED;
		}
		this.wordBegin = this.position;
		return go(State.WORD);
	}

	private int beginKey(CharSequence text, char c, boolean last) {
		if (this.quote.isEmpty()) {
			return (c == '"' || c == '\'') ? beginString(c, true, 1) : FAILED;
		}
		int match = match(text, this.position, this.quote, last);
		if (match != 0) {
			return (match < 0) ? MORE : beginString(c, true, this.quote.length());
		}
		this.wordBegin = this.position;
		this.state = State.UNQUOTED_KEY;
		return 0;
	}

	private int beginString(char c, boolean key, int length) {
		this.quoteCharacter = c;
		this.isKey = key;
		this.string.setLength(0);
		this.state = State.STRING;
		this.position += length;
		return 0;
	}

	private int string(CharSequence text, char c, boolean last) {
		if (!this.quote.isEmpty()) {
			int match = match(text, this.position, this.quote, last);
			if (match < 0) {
				return MORE;
			}
			if (match > 0) {
				this.position += this.quote.length();
				return endString() ? 0 : FAILED;
			}
		}
		else if (c == '\\') {
			return escape(text, last);
		}
		else if (c == this.quoteCharacter) {
			if (c == '\'' && this.position + 1 == text.length() && !last) {
				return MORE;
			}
			if (c != '\'' || !isApostrophe(text)) {
				this.position++;
				return endString() ? 0 : FAILED;
			}
		}
		this.string.append(c);
		this.position++;
		return 0;
	}

	/** Whether a single quote stands within a word, so that it does not end the text. */
	private boolean isApostrophe(CharSequence text) {
		int at = this.position;
		return at + 1 < text.length() && Character.isLetterOrDigit(text.charAt(at - 1))
				&& Character.isLetterOrDigit(text.charAt(at + 1));
	}

	private int escape(CharSequence text, boolean last) {
		if (this.position + 1 == text.length()) {
			return last ? FAILED : MORE;
		}
		char c = text.charAt(this.position + 1);
		int escaped = "\"\\/bfnrt'".indexOf(c);
		if (escaped >= 0) {
			this.string.append("\"\\/\b\f\n\r\t'".charAt(escaped));
			this.position += 2;
			return 0;
		}
		if (c == 'u') {
			if (this.position + 6 > text.length() && !last) {
				return MORE;
			}
			int code = hexadecimal(text, this.position + 2);
			if (code >= 0) {
				this.string.append((char) code);
				this.position += 6;
				return 0;
			}
		}
		// no escape: a backslash, as in a path or in a regular expression
		this.string.append('\\');
		this.position++;
		return 0;
	}

	private static int hexadecimal(CharSequence text, int from) {
		int code = 0;
		for (int i = from; i < from + 4; i++) {
			int digit = (i < text.length()) ? Character.digit(text.charAt(i), 16) : -1;
			if (digit < 0) {
				return -1;
			}
			code = 16 * code + digit;
		}
		return code;
	}

	private boolean endString() {
		String text = this.string.toString();
		if (this.isKey) {
			this.containers.getFirst().key(text);
			this.state = State.COLON;
			return isExpected();
		}
		return end(NODES.stringNode(text));
	}

	private boolean endWord(CharSequence text) {
		String word = text.subSequence(this.wordBegin, this.position).toString().stripTrailing();
		JsonNode node = switch (word) {
			case "true", "True" -> NODES.booleanNode(true);
			case "false", "False" -> NODES.booleanNode(false);
			case "null", "None" -> NODES.nullNode();
			default -> NUMBER.matcher(word).matches() ? number(word) : null;
		};
		return node != null && end(node);
	}

	/** Numbers as they are written. */
	private static JsonNode number(String word) {
		if (word.chars().allMatch((c) -> c == '-' || c >= '0' && c <= '9')) {
			return (word.length() <= 18) ? NODES.numberNode(Long.parseLong(word))
					: NODES.numberNode(new BigInteger(word));
		}
		return NODES.numberNode(new BigDecimal(word));
	}

	/** Puts a complete value where it belongs. */
	private boolean end(JsonNode node) {
		this.state = State.AFTER;
		if (this.containers.isEmpty()) {
			this.value = node;
			return true;
		}
		return this.containers.getFirst().add(node) && isExpected();
	}

	private boolean isExpected() {
		return this.expected == null || this.containers.size() > 2 || this.expected.test(this);
	}

	private static boolean isDelimiter(char c) {
		return ",]}):\"'\n".indexOf(c) >= 0;
	}

	/**
	 * Whether a text stands at a place.
	 * @param text the text
	 * @param at the place
	 * @param expected what may stand there, never empty
	 * @param last whether no more text comes
	 * @return 1 if it does, 0 if it does not, -1 if that is not known yet
	 */
	static int match(CharSequence text, int at, String expected, boolean last) {
		int there = Math.min(expected.length(), text.length() - at);
		for (int i = 0; i < there; i++) {
			if (text.charAt(at + i) != expected.charAt(i)) {
				return 0;
			}
		}
		return (there == expected.length()) ? 1 : last ? 0 : -1;
	}

	/** What comes next. */
	private enum State {

		VALUE, VALUE_OR_END, KEY_OR_END, COLON, AFTER, STRING, WORD, UNQUOTED_KEY

	}

	/** An object or array that is not complete. */
	private static final class Container {

		private final JsonNode node;

		private final char close;

		private String key = "";

		Container(JsonNode node, char close) {
			this.node = node;
			this.close = close;
		}

		JsonNode node() {
			return this.node;
		}

		char close() {
			return this.close;
		}

		String key() {
			return this.key;
		}

		void key(String name) {
			this.key = name;
		}

		/** Adds a value; a second one of the same name must be equal. */
		boolean add(JsonNode value) {
			if (this.node instanceof ArrayNode array) {
				array.add(value);
				return true;
			}
			ObjectNode object = (ObjectNode) this.node;
			JsonNode before = object.get(this.key);
			object.set(this.key, value);
			return before == null || before.equals(value);
		}

	}

}
