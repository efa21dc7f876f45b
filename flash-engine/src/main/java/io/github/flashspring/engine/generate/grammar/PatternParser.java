package io.github.flashspring.engine.generate.grammar;

import java.util.ArrayList;
import java.util.List;

/**
 * Reads regular expressions of JSON Schema: ECMA-262 with the flag {@code u}, as far as
 * it is regular. Look-around, back references and word boundaries are refused.
 *
 * @see <a href="https://tc39.es/ecma262/#sec-patterns">ECMA-262, Patterns</a>
 */
final class PatternParser {

	private static final int MAX_CHARACTERS = 10_000;

	private static final int MAX_NESTING = 100;

	static final int MAX_REPEAT = 10_000;

	private final PatternText text;

	private final EscapeParser escapes;

	private int nesting;

	private PatternParser(String source) {
		this.text = new PatternText(source);
		this.escapes = new EscapeParser(this.text);
	}

	/**
	 * Reads an expression.
	 * @param source its text
	 * @return what it means
	 * @throws GrammarException if it is malformed, or not regular
	 */
	static Regex parse(String source) {
		if (source.length() > MAX_CHARACTERS) {
			throw new GrammarException(
					"it has %d characters, expected at most %d".formatted(source.length(), MAX_CHARACTERS));
		}
		PatternParser parser = new PatternParser(source);
		Regex regex = parser.alternatives();
		if (parser.text.hasMore()) {
			throw parser.text.wrong("a ')' closes nothing");
		}
		return regex;
	}

	private Regex alternatives() {
		if (++this.nesting > MAX_NESTING) {
			throw this.text.wrong("groups are nested more than " + MAX_NESTING + " deep");
		}
		List<Regex> choices = new ArrayList<>();
		choices.add(sequence());
		while (this.text.peek() == '|') {
			this.text.skip(1);
			choices.add(sequence());
		}
		this.nesting--;
		return (choices.size() == 1) ? choices.getFirst() : new Regex.Alt(choices);
	}

	private Regex sequence() {
		List<Regex> parts = new ArrayList<>();
		while (this.text.hasMore() && this.text.peek() != '|' && this.text.peek() != ')') {
			Regex atom = atom();
			parts.add(quantified(atom));
		}
		return new Regex.Seq(parts);
	}

	private Regex atom() {
		int c = this.text.next();
		return switch (c) {
			case '^' -> new Regex.Start();
			case '$' -> new Regex.End();
			case '.' -> new Regex.Chars(EscapeParser.LINE_END.not());
			case '[' -> new Regex.Chars(characterClass());
			case '(' -> group();
			case '\\' -> escape();
			case '*', '+', '?' -> throw this.text.wrong("a quantifier follows nothing");
			default -> new Regex.Chars(CodePoints.of(c));
		};
	}

	private Regex group() {
		if (this.text.peek() == '?') {
			this.text.skip(1);
			int kind = this.text.next();
			if (kind == '<' && this.text.peek() != '=' && this.text.peek() != '!') {
				int end = this.text.indexOf('>');
				if (end < 0) {
					throw this.text.wrong("the name of a group is not closed");
				}
				this.text.at(end + 1);
			}
			else if (kind != ':') {
				throw this.text.wrong((kind == '=' || kind == '!' || kind == '<') ? "look-around is not supported"
						: "'(?" + Character.toString(kind) + "' is not supported");
			}
		}
		Regex group = alternatives();
		if (this.text.next() != ')') {
			throw this.text.wrong("a group is not closed");
		}
		return group;
	}

	private Regex quantified(Regex atom) {
		int min;
		int max;
		switch (this.text.peek()) {
			case '*' -> {
				min = 0;
				max = Expr.UNBOUNDED;
				this.text.skip(1);
			}
			case '+' -> {
				min = 1;
				max = Expr.UNBOUNDED;
				this.text.skip(1);
			}
			case '?' -> {
				min = 0;
				max = 1;
				this.text.skip(1);
			}
			case '{' -> {
				this.text.skip(1);
				min = number();
				max = min;
				if (this.text.peek() == ',') {
					this.text.skip(1);
					max = (this.text.peek() == '}') ? Expr.UNBOUNDED : number();
				}
				if (this.text.next() != '}') {
					throw this.text.wrong("a repetition is not closed");
				}
				if (min > max) {
					throw this.text
						.wrong("a repetition has the bounds {%d,%d}, expected them to rise".formatted(min, max));
				}
			}
			default -> {
				return atom;
			}
		}
		if (atom instanceof Regex.Start || atom instanceof Regex.End) {
			throw this.text.wrong("an anchor cannot be repeated");
		}
		// A lazy quantifier matches the same texts.
		if (this.text.peek() == '?') {
			this.text.skip(1);
		}
		return new Regex.Repeat(atom, min, max);
	}

	private int number() {
		int from = this.text.at();
		int value = 0;
		while (this.text.peek() >= '0' && this.text.peek() <= '9') {
			value = 10 * value + this.text.next() - '0';
			if (value > MAX_REPEAT) {
				throw this.text.wrong("a repetition is above " + MAX_REPEAT);
			}
		}
		if (from == this.text.at()) {
			throw this.text.wrong("expected a number in a repetition");
		}
		return value;
	}

	private Regex escape() {
		int c = this.text.peek();
		if (c == 'b' || c == 'B') {
			throw this.text.wrong("the word boundary \\" + (char) c + " is not supported");
		}
		if (c >= '1' && c <= '9' || c == 'k') {
			throw this.text.wrong("back references are not supported");
		}
		return new Regex.Chars(this.escapes.set());
	}

	private CodePoints characterClass() {
		boolean negated = this.text.peek() == '^';
		if (negated) {
			this.text.skip(1);
		}
		List<int[]> ranges = new ArrayList<>();
		while (this.text.peek() != ']') {
			CodePoints low = classAtom();
			int[] bounds = low.bounds();
			boolean single = bounds.length == 2 && bounds[0] == bounds[1];
			if (single && this.text.peek() == '-' && this.text.hasNext() && !this.text.startsWith("-]")) {
				this.text.skip(1);
				int[] high = classAtom().bounds();
				if (high.length != 2 || high[0] != high[1] || high[0] < bounds[0]) {
					throw this.text.wrong("a range in a class must rise from one character to another");
				}
				ranges.add(new int[] { bounds[0], high[0] });
			}
			else {
				ranges.addAll(low.ranges());
			}
		}
		this.text.skip(1);
		CodePoints set = CodePoints.ofRanges(ranges);
		return negated ? set.not() : set;
	}

	private CodePoints classAtom() {
		int c = this.text.next();
		if (c != '\\') {
			return CodePoints.of(c);
		}
		if (this.text.peek() == 'b') {
			this.text.skip(1);
			return CodePoints.of('\b');
		}
		return this.escapes.set();
	}

}
