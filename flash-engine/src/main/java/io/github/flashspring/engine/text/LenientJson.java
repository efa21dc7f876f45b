package io.github.flashspring.engine.text;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Predicate;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

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

	private static final JsonNodeFactory NODES = ModelFiles.JSON.getNodeFactory();

	/** What closes the text around the value, empty: nothing. */
	private final String end;

	/** Ends a string and keys have no quotes; empty: as in JSON. */
	private final String quote;

	private int position;

	private State state = State.VALUE;

	private final Deque<OpenContainer> containers = new ArrayDeque<>();

	private final LenientString string;

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
		this.string = new LenientString(quote);
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
				int read = this.string.read(text, this.position, last);
				if (read < 0) {
					return read;
				}
				this.position += read;
				return (!this.string.isComplete() || endString()) ? 0 : FAILED;
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
					return endKey(text.subSequence(this.wordBegin, this.position).toString()) ? 0 : FAILED;
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
			int match = PartialMatch.match(text, this.position, this.end, last);
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
		OpenContainer container = this.containers.getFirst();
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
			this.containers.addFirst((c == '{') ? new OpenContainer(NODES.objectNode(), '}')
					: new OpenContainer(NODES.arrayNode(), ']'));
			return go((c == '{') ? State.KEY_OR_END : State.VALUE_OR_END);
		}
		if (!this.quote.isEmpty()) {
			int match = PartialMatch.match(text, this.position, this.quote, last);
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
		int match = PartialMatch.match(text, this.position, this.quote, last);
		if (match != 0) {
			return (match < 0) ? MORE : beginString(c, true, this.quote.length());
		}
		this.wordBegin = this.position;
		this.state = State.UNQUOTED_KEY;
		return 0;
	}

	private int beginString(char c, boolean key, int length) {
		this.string.begin(c);
		this.isKey = key;
		this.state = State.STRING;
		this.position += length;
		return 0;
	}

	private boolean endString() {
		String text = this.string.text();
		return this.isKey ? endKey(text) : end(NODES.stringNode(text));
	}

	private boolean endKey(String name) {
		this.containers.getFirst().key(name);
		this.state = State.COLON;
		return isExpected();
	}

	private boolean endWord(CharSequence text) {
		String word = text.subSequence(this.wordBegin, this.position).toString().stripTrailing();
		JsonNode node = JsonWord.value(word);
		return node != null && end(node);
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

	/** What comes next. */
	private enum State {

		VALUE, VALUE_OR_END, KEY_OR_END, COLON, AFTER, STRING, WORD, UNQUOTED_KEY

	}

}
