package io.github.flashspring.engine.tokenizer;

/**
 * Finds where a JSON object or array ends, while its text still grows. Looks only at
 * brackets and strings.
 */
final class JsonEnd {

	private static final int MOST_NESTED = 200;

	private final int begin;

	private int position;

	private final StringBuilder open = new StringBuilder();

	private boolean inString;

	private boolean escaped;

	/**
	 * A search.
	 * @param begin index of the opening bracket
	 */
	JsonEnd(int begin) {
		this.begin = begin;
		this.position = begin;
	}

	int begin() {
		return this.begin;
	}

	/**
	 * Continues the search.
	 * @param text what is there now, with what was there before unchanged
	 * @return the index after the closing bracket; -1 if the end is not there yet; -2 if
	 * the brackets do not match
	 */
	int find(CharSequence text) {
		while (this.position < text.length()) {
			char c = text.charAt(this.position++);
			if (this.inString) {
				this.inString = this.escaped || c != '"';
				this.escaped = !this.escaped && c == '\\';
				continue;
			}
			switch (c) {
				case '"' -> this.inString = true;
				case '{', '[' -> this.open.append((c == '{') ? '}' : ']');
				case '}', ']' -> {
					int last = this.open.length() - 1;
					if (this.open.charAt(last) != c) {
						return -2;
					}
					this.open.setLength(last);
					if (last == 0) {
						return this.position;
					}
				}
				default -> {
				}
			}
			if (this.open.length() > MOST_NESTED) {
				return -2;
			}
		}
		return -1;
	}

	/**
	 * The index up to which the search has come.
	 * @return the index
	 */
	int position() {
		return this.position;
	}

}
