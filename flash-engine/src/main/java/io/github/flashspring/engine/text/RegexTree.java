package io.github.flashspring.engine.text;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * The structure of a regular expression in Oniguruma's syntax: what is repeated, and
 * where there are alternatives. Characters are not looked at. Expressions that the
 * library will refuse are read somehow.
 *
 * @see <a href="https://github.com/kkos/oniguruma/blob/master/doc/RE">Oniguruma's
 * syntax</a>
 */
final class RegexTree {

	private static final int MAX_CHARACTERS = 16_384;

	private static final int MAX_NESTED = 50;

	private final String text;

	private int at;

	private int depth;

	private RegexTree(String text) {
		this.text = text;
	}

	/**
	 * Reads an expression.
	 * @param text the expression
	 * @return its structure
	 * @throws IllegalArgumentException if it is too large, or uses something that no
	 * tokenizer needs; the message continues a sentence
	 */
	static Group parse(String text) {
		if (text.length() > MAX_CHARACTERS) {
			throw new IllegalArgumentException("has more than " + MAX_CHARACTERS + " characters");
		}
		return new RegexTree(text).alternatives(false, false);
	}

	/** Reads up to the end of a group, or of the text. */
	private Group alternatives(boolean once, boolean look) {
		if (++this.depth > MAX_NESTED) {
			throw new IllegalArgumentException("is nested deeper than " + MAX_NESTED + " levels");
		}
		List<List<Piece>> alternatives = new ArrayList<>();
		List<Piece> sequence = new ArrayList<>();
		while (this.at < this.text.length() && this.text.charAt(this.at) != ')') {
			if (take("|")) {
				alternatives.add(sequence);
				sequence = new ArrayList<>();
				continue;
			}
			Piece piece = piece();
			if (piece != null) {
				sequence.add(repeated(piece));
			}
		}
		this.at++;
		this.depth--;
		alternatives.add(sequence);
		if (look) {
			// it may fail although all that it contains is optional
			alternatives.forEach((alternative) -> alternative.add(new Single()));
		}
		return new Group(alternatives, once);
	}

	private @Nullable Piece piece() {
		char c = this.text.charAt(this.at++);
		switch (c) {
			case '(' -> {
				return group();
			}
			case '[' -> skipClass();
			case '\\' -> skipEscape();
			default -> {
			}
		}
		return new Single();
	}

	private @Nullable Piece group() {
		if (take("*")) {
			throw unusual("(*");
		}
		if (!take("?")) {
			return alternatives(false, false);
		}
		if (take("#")) {
			skipBehind(')');
			return null;
		}
		if (take(">")) {
			return alternatives(true, false);
		}
		if (take("=") || take("!") || take("<=") || take("<!")) {
			return alternatives(true, true);
		}
		if (take("<")) {
			skipBehind('>');
			return alternatives(false, false);
		}
		while (this.at < this.text.length() && "imaDSWP-".indexOf(this.text.charAt(this.at)) >= 0) {
			this.at++;
		}
		if (take(")")) {
			return null;
		}
		if (take(":")) {
			return alternatives(false, false);
		}
		throw unusual("(?" + ((this.at < this.text.length()) ? this.text.charAt(this.at) : ""));
	}

	private Piece repeated(Piece piece) {
		Piece result = piece;
		while (this.at < this.text.length()) {
			int[] range = range();
			if (range == null) {
				return result;
			}
			boolean interval = this.text.charAt(this.at - 1) == '}';
			boolean lazy = take("?");
			// behind an interval, a plus repeats once more
			boolean possessive = !interval && !lazy && take("+");
			int least = (interval && lazy && range[0] == range[1]) ? 0 : range[0];
			result = new Repeat(result, least, range[1], possessive);
		}
		return result;
	}

	/** Reads a quantifier; null if there is none. */
	private int @Nullable [] range() {
		if (take("*")) {
			return new int[] { 0, Integer.MAX_VALUE };
		}
		if (take("+")) {
			return new int[] { 1, Integer.MAX_VALUE };
		}
		if (take("?")) {
			return new int[] { 0, 1 };
		}
		int end = this.text.indexOf('}', this.at);
		if (this.text.charAt(this.at) != '{' || end < 0) {
			return null;
		}
		String inside = this.text.substring(this.at + 1, end);
		if (!inside.matches("\\d{1,9}(,\\d{0,9})?|,\\d{1,9}")) {
			return null;
		}
		this.at = end + 1;
		int comma = inside.indexOf(',');
		int least = (comma == 0) ? 0 : Integer.parseInt((comma < 0) ? inside : inside.substring(0, comma));
		if (comma < 0) {
			return new int[] { least, least };
		}
		String most = inside.substring(comma + 1);
		return new int[] { least, most.isEmpty() ? Integer.MAX_VALUE : Integer.parseInt(most) };
	}

	/** Goes behind a character class, which may contain others. */
	private void skipClass() {
		take("^");
		take("]");
		for (int open = 1; open > 0 && this.at < this.text.length();) {
			char c = this.text.charAt(this.at++);
			if (c == '\\') {
				this.at++;
			}
			else if (c == '[') {
				open++;
			}
			else if (c == ']') {
				open--;
			}
		}
	}

	private void skipEscape() {
		char c = (this.at < this.text.length()) ? this.text.charAt(this.at++) : ' ';
		if ("pPxo".indexOf(c) >= 0 && take("{")) {
			skipBehind('}');
		}
		else if (c == 'k' && take("<")) {
			skipBehind('>');
		}
		else if (c == 'g') {
			throw unusual("\\g");
		}
	}

	private void skipBehind(char end) {
		int found = this.text.indexOf(end, this.at);
		this.at = (found < 0) ? this.text.length() : found + 1;
	}

	private boolean take(String expected) {
		if (!this.text.startsWith(expected, this.at)) {
			return false;
		}
		this.at += expected.length();
		return true;
	}

	private static IllegalArgumentException unusual(String what) {
		return new IllegalArgumentException("uses '" + what + "', which no tokenizer needs");
	}

	/** A part of an expression. */
	sealed interface Piece {

	}

	/** A character, a class, an anchor or a reference. */
	record Single() implements Piece {

	}

	/**
	 * Alternatives in parentheses.
	 *
	 * @param alternatives sequences of pieces
	 * @param once whether no other way is tried after it matched
	 */
	record Group(List<List<Piece>> alternatives, boolean once) implements Piece {

	}

	/**
	 * A repetition.
	 *
	 * @param piece what is repeated
	 * @param least how often at least
	 * @param most how often at most; {@link Integer#MAX_VALUE}: without bound
	 * @param possessive whether no other number is tried after it matched
	 */
	record Repeat(Piece piece, int least, int most, boolean possessive) implements Piece {

	}

}
