package io.github.flashspring.jinja;

/**
 * A piece of a template's source.
 *
 * @param type what it is
 * @param text the text outside of tags; a name; a string's value; a number's digits; an
 * operator
 * @param line where it begins, counted from 1
 */
record Token(Type type, String text, int line) {

	boolean is(Type type, String text) {
		return this.type == type && this.text.equals(text);
	}

	boolean isName(String name) {
		return is(Type.NAME, name);
	}

	boolean isOperator(String operator) {
		return is(Type.OPERATOR, operator);
	}

	String describe() {
		return switch (this.type) {
			case DATA -> "text";
			case PRINT_BEGIN -> "begin of print statement";
			case PRINT_END -> "end of print statement";
			case BLOCK_BEGIN -> "begin of statement block";
			case BLOCK_END -> "end of statement block";
			case END -> "end of template";
			default -> "'" + this.text + "'";
		};
	}

	/** What a token is. */
	enum Type {

		DATA, PRINT_BEGIN, PRINT_END, BLOCK_BEGIN, BLOCK_END, NAME, STRING, INTEGER, FLOAT, OPERATOR, END

	}

}
