package io.github.flashspring.engine.generate.grammar;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * Reads GBNF, the notation of grammars of llama.cpp: rules {@code name ::= …} of quoted
 * texts, character classes, {@code .}, names, groups, alternatives and the repetitions
 * {@code * + ? {m} {m,} {m,n}}. The rule {@code root} begins.
 *
 * @see <a href=
 * "https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md">GBNF</a>
 */
final class GbnfParser {

	private static final int MAX_CHARACTERS = 1 << 20;

	private static final int MAX_NESTING = 100;

	private static final String ROOT = "root";

	private final String source;

	private final Grammar grammar;

	private final Map<String, Expr.Rule> rules = new LinkedHashMap<>();

	private final Map<String, Integer> used = new LinkedHashMap<>();

	private final Map<String, Integer> defined = new LinkedHashMap<>();

	private int at;

	private int nesting;

	private GbnfParser(String source, Grammar grammar) {
		this.source = source;
		this.grammar = grammar;
	}

	/**
	 * Reads a grammar.
	 * @param source its text
	 * @param grammar gets the rules
	 * @return the rule that begins
	 * @throws GrammarException if it is not GBNF; names the line
	 */
	static Expr.Rule parse(String source, Grammar grammar) {
		if (source.length() > MAX_CHARACTERS) {
			throw new GrammarException(
					"The grammar has %d characters, expected at most %d".formatted(source.length(), MAX_CHARACTERS));
		}
		return new GbnfParser(source, grammar).parse();
	}

	private Expr.Rule parse() {
		Expr.Rule root = rule(ROOT);
		skipSpace(true);
		while (this.at < this.source.length()) {
			String name = name();
			if (name.isEmpty()) {
				throw wrong("expected the name of a rule");
			}
			skipSpace(false);
			if (!this.source.startsWith("::=", this.at)) {
				throw wrong("expected '::=' behind the name '" + name + "'");
			}
			this.at += 3;
			if (this.defined.put(name, this.at) != null) {
				throw wrong("the rule '" + name + "' is defined twice");
			}
			skipSpace(true);
			this.grammar.define(rule(name), alternatives());
			if (this.at < this.source.length() && !atLineEnd()) {
				throw wrong("expected the end of the line, found '"
						+ Character.toString(this.source.codePointAt(this.at)) + "'");
			}
			skipSpace(true);
		}
		if (!this.defined.containsKey(ROOT)) {
			throw new GrammarException("The grammar has no rule 'root', with which an answer begins");
		}
		this.used.forEach((name, position) -> {
			if (!this.defined.containsKey(name)) {
				this.at = position;
				throw wrong("the rule '" + name + "' is not defined");
			}
		});
		return root;
	}

	private Expr.Rule rule(String name) {
		return this.rules.computeIfAbsent(name, (each) -> this.grammar.declare("The rule '" + each + "'"));
	}

	private Expr alternatives() {
		if (++this.nesting > MAX_NESTING) {
			throw wrong("groups are nested more than " + MAX_NESTING + " deep");
		}
		List<Expr> choices = new ArrayList<>();
		choices.add(sequence());
		while (peek() == '|') {
			this.at++;
			skipSpace(true);
			choices.add(sequence());
		}
		this.nesting--;
		return (choices.size() == 1) ? choices.getFirst() : new Expr.Alt(choices);
	}

	private Expr sequence() {
		List<Expr> parts = new ArrayList<>();
		while (true) {
			Expr part = part();
			if (part == null) {
				return (parts.size() == 1) ? parts.getFirst() : new Expr.Seq(parts);
			}
			skipSpace(this.nesting > 1);
			Expr repeated = repetition(part);
			while (repeated != part) {
				part = repeated;
				repeated = repetition(part);
			}
			parts.add(part);
		}
	}

	private @Nullable Expr part() {
		int c = peek();
		if (c == '"') {
			return text();
		}
		if (c == '[') {
			return characterClass();
		}
		if (c == '.') {
			this.at++;
			return MachineBuilder.character(CodePoints.ALL);
		}
		if (c == '(') {
			this.at++;
			skipSpace(true);
			Expr group = alternatives();
			if (peek() != ')') {
				throw wrong("expected ')'");
			}
			this.at++;
			return group;
		}
		int from = this.at;
		String name = name();
		if (name.isEmpty()) {
			return null;
		}
		this.used.putIfAbsent(name, from);
		return rule(name);
	}

	private Expr repetition(Expr part) {
		int min;
		int max;
		switch (peek()) {
			case '*' -> {
				min = 0;
				max = Expr.UNBOUNDED;
			}
			case '+' -> {
				min = 1;
				max = Expr.UNBOUNDED;
			}
			case '?' -> {
				min = 0;
				max = 1;
			}
			case '{' -> {
				this.at++;
				skipSpace(false);
				min = number();
				max = min;
				skipSpace(false);
				if (peek() == ',') {
					this.at++;
					skipSpace(false);
					max = Character.isDigit(peek()) ? number() : Expr.UNBOUNDED;
					skipSpace(false);
				}
				if (peek() != '}') {
					throw wrong("expected '}'");
				}
				if (min > max) {
					throw wrong("a repetition has the bounds {%d,%d}, expected them to rise".formatted(min, max));
				}
			}
			default -> {
				return part;
			}
		}
		this.at++;
		skipSpace(this.nesting > 1);
		return new Expr.Repeat(part, min, max);
	}

	private int number() {
		int from = this.at;
		while (Character.isDigit(peek())) {
			this.at++;
		}
		try {
			return Integer.parseInt(this.source.substring(from, this.at));
		}
		catch (NumberFormatException ex) {
			throw wrong("expected a whole number below 2^31 in a repetition");
		}
	}

	private Expr text() {
		StringBuilder text = new StringBuilder();
		this.at++;
		while (peek() != '"') {
			text.appendCodePoint(character("a quoted text"));
		}
		this.at++;
		return Expr.literal(text.toString());
	}

	private Expr characterClass() {
		this.at++;
		boolean negated = peek() == '^';
		if (negated) {
			this.at++;
		}
		List<int[]> ranges = new ArrayList<>();
		while (peek() != ']') {
			int low = character("a character class");
			int high = low;
			if (peek() == '-' && this.at + 1 < this.source.length() && this.source.charAt(this.at + 1) != ']') {
				this.at++;
				high = character("a character class");
				if (high < low) {
					throw wrong("a range of characters falls");
				}
			}
			ranges.add(new int[] { low, high });
		}
		this.at++;
		CodePoints set = CodePoints.ofRanges(ranges);
		return MachineBuilder.character(negated ? set.not() : set);
	}

	private int character(String where) {
		if (this.at >= this.source.length() || this.source.charAt(this.at) == '\n') {
			throw wrong(where + " is not closed on its line");
		}
		int c = this.source.codePointAt(this.at);
		this.at += Character.charCount(c);
		if (c != '\\') {
			return whole(c);
		}
		if (this.at >= this.source.length()) {
			throw wrong("a backslash ends the grammar");
		}
		char escape = this.source.charAt(this.at++);
		return switch (escape) {
			case 'n' -> '\n';
			case 'r' -> '\r';
			case 't' -> '\t';
			case '\\', '"', '[', ']', '-', '^' -> escape;
			case 'x' -> hex(2);
			case 'u' -> hex(4);
			case 'U' -> hex(8);
			default -> throw wrong(
					"'\\" + escape + "' is not an escape; there are \\n \\r \\t \\\\ \\\" \\[ \\] \\x00 \\u0000");
		};
	}

	private int hex(int digits) {
		if (this.at + digits > this.source.length()) {
			throw wrong("an escape is cut off");
		}
		String text = this.source.substring(this.at, this.at + digits);
		this.at += digits;
		try {
			return whole(Integer.parseUnsignedInt(text, 16));
		}
		catch (NumberFormatException ex) {
			throw wrong("expected " + digits + " hexadecimal digits, found '" + text + "'");
		}
	}

	private int whole(int c) {
		if (c < 0 || c > Character.MAX_CODE_POINT || c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
			throw wrong("a character is not one of Unicode");
		}
		return c;
	}

	private String name() {
		int from = this.at;
		while (this.at < this.source.length() && isNamePart(this.source.charAt(this.at))) {
			this.at++;
		}
		return this.source.substring(from, this.at);
	}

	private static boolean isNamePart(char c) {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_';
	}

	private int peek() {
		return (this.at < this.source.length()) ? this.source.charAt(this.at) : -1;
	}

	private boolean atLineEnd() {
		return peek() == '\n' || peek() == '\r';
	}

	private void skipSpace(boolean lines) {
		while (this.at < this.source.length()) {
			int c = peek();
			if (c == '#') {
				int end = this.source.indexOf('\n', this.at);
				this.at = (end < 0) ? this.source.length() : end;
			}
			else if (c == ' ' || c == '\t' || lines && atLineEnd()) {
				this.at++;
			}
			else {
				return;
			}
		}
	}

	private GrammarException wrong(String what) {
		int end = Math.min(this.at, this.source.length());
		long line = 1 + this.source.substring(0, end).chars().filter((c) -> c == '\n').count();
		int column = end - this.source.lastIndexOf('\n', end - 1);
		return new GrammarException("Line %d, column %d of the grammar: %s".formatted(line, column, what));
	}

}
