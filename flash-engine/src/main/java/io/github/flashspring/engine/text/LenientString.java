package io.github.flashspring.engine.text;

/**
 * Reads a string as models write them, behind its opening quote, while its text still
 * grows. Control characters and unknown escapes stand for themselves, and so do
 * apostrophes within words.
 */
final class LenientString {

	/** Ends strings without escapes; empty: as in JSON. */
	private final String quote;

	private final StringBuilder string = new StringBuilder();

	private char quoteCharacter;

	private boolean complete;

	/**
	 * A reader.
	 * @param quote what stands around strings instead of quotes; empty: JSON
	 */
	LenientString(String quote) {
		this.quote = quote;
	}

	/**
	 * Begins a string.
	 * @param c the quote before it, which ends it where strings have quotes
	 */
	void begin(char c) {
		this.quoteCharacter = c;
		this.string.setLength(0);
		this.complete = false;
	}

	boolean isComplete() {
		return this.complete;
	}

	String text() {
		return this.string.toString();
	}

	/**
	 * Reads one character, escape or closing quote.
	 * @param text what is there now
	 * @param at index of the first character that was not read
	 * @param last whether no more text comes
	 * @return how many characters were read, {@link LenientJson#MORE} or
	 * {@link LenientJson#FAILED}
	 */
	int read(CharSequence text, int at, boolean last) {
		char c = text.charAt(at);
		if (!this.quote.isEmpty()) {
			int match = PartialMatch.match(text, at, this.quote, last);
			if (match != 0) {
				return (match < 0) ? LenientJson.MORE : end(this.quote.length());
			}
		}
		else if (c == '\\') {
			return escape(text, at, last);
		}
		else if (c == this.quoteCharacter) {
			if (c == '\'' && at + 1 == text.length() && !last) {
				return LenientJson.MORE;
			}
			if (c != '\'' || !isApostrophe(text, at)) {
				return end(1);
			}
		}
		return add(c, 1);
	}

	private int end(int length) {
		this.complete = true;
		return length;
	}

	private int add(char c, int length) {
		this.string.append(c);
		return length;
	}

	/** Whether a single quote stands within a word, so that it does not end the text. */
	private static boolean isApostrophe(CharSequence text, int at) {
		return at + 1 < text.length() && Character.isLetterOrDigit(text.charAt(at - 1))
				&& Character.isLetterOrDigit(text.charAt(at + 1));
	}

	private int escape(CharSequence text, int at, boolean last) {
		if (at + 1 == text.length()) {
			return last ? LenientJson.FAILED : LenientJson.MORE;
		}
		char c = text.charAt(at + 1);
		int escaped = "\"\\/bfnrt'".indexOf(c);
		if (escaped >= 0) {
			return add("\"\\/\b\f\n\r\t'".charAt(escaped), 2);
		}
		if (c == 'u') {
			if (at + 6 > text.length() && !last) {
				return LenientJson.MORE;
			}
			int code = hexadecimal(text, at + 2);
			if (code >= 0) {
				return add((char) code, 6);
			}
		}
		// no escape: a backslash, as in a path or in a regular expression
		return add('\\', 1);
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

}
