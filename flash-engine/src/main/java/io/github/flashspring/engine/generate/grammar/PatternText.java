package io.github.flashspring.engine.generate.grammar;

/**
 * The text of a regular expression, read character by character.
 */
final class PatternText {

	private final String source;

	private int at;

	PatternText(String source) {
		this.source = source;
	}

	int at() {
		return this.at;
	}

	void at(int index) {
		this.at = index;
	}

	void skip(int characters) {
		this.at += characters;
	}

	boolean hasMore() {
		return this.at < this.source.length();
	}

	/** Whether a character follows the one that is next. */
	boolean hasNext() {
		return this.at + 1 < this.source.length();
	}

	int indexOf(char character) {
		return this.source.indexOf(character, this.at);
	}

	boolean startsWith(String prefix) {
		return this.source.startsWith(prefix, this.at);
	}

	String substring(int from, int to) {
		return this.source.substring(from, to);
	}

	int peek() {
		return (this.at < this.source.length()) ? this.source.codePointAt(this.at) : -1;
	}

	int next() {
		int c = peek();
		if (c < 0) {
			throw wrong("it is cut off");
		}
		this.at += Character.charCount(c);
		return c;
	}

	GrammarException wrong(String what) {
		return new GrammarException("at character " + this.at + ", " + what);
	}

}
