package io.github.flashspring.engine.generate.grammar;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

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

	private static final CodePoints DIGIT = CodePoints.range('0', '9');

	private static final CodePoints WORD = CodePoints.ofRanges(
			List.of(new int[] { '0', '9' }, new int[] { 'A', 'Z' }, new int[] { '_', '_' }, new int[] { 'a', 'z' }));

	private static final CodePoints LINE_END = CodePoints.of('\n', '\r', 0x2028, 0x2029);

	private static final CodePoints SPACE = CodePoints
		.of('\t', 0x0b, '\f', ' ', 0xa0, 0x1680, 0x202f, 0x205f, 0x3000, 0xfeff)
		.or(CodePoints.range(0x2000, 0x200a))
		.or(LINE_END);

	private static final String SYNTAX = "^$\\.*+?()[]{}|/-";

	private static final Map<String, String> CATEGORIES = Map.of("Letter", "L", "Number", "N", "Punctuation", "P",
			"Symbol", "S", "Separator", "Z", "Uppercase_Letter", "Lu", "Lowercase_Letter", "Ll", "Decimal_Number", "Nd",
			"Mark", "M", "Other", "C");

	private static final String[] CATEGORY_NAMES = names();

	private final String source;

	private int at;

	private int nesting;

	private PatternParser(String source) {
		this.source = source;
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
		if (parser.at < source.length()) {
			throw parser.wrong("a ')' closes nothing");
		}
		return regex;
	}

	private Regex alternatives() {
		if (++this.nesting > MAX_NESTING) {
			throw wrong("groups are nested more than " + MAX_NESTING + " deep");
		}
		List<Regex> choices = new ArrayList<>();
		choices.add(sequence());
		while (peek() == '|') {
			this.at++;
			choices.add(sequence());
		}
		this.nesting--;
		return (choices.size() == 1) ? choices.getFirst() : new Regex.Alt(choices);
	}

	private Regex sequence() {
		List<Regex> parts = new ArrayList<>();
		while (this.at < this.source.length() && peek() != '|' && peek() != ')') {
			Regex atom = atom();
			parts.add(quantified(atom));
		}
		return new Regex.Seq(parts);
	}

	private Regex atom() {
		int c = next();
		return switch (c) {
			case '^' -> new Regex.Start();
			case '$' -> new Regex.End();
			case '.' -> new Regex.Chars(LINE_END.not());
			case '[' -> new Regex.Chars(characterClass());
			case '(' -> group();
			case '\\' -> escape();
			case '*', '+', '?' -> throw wrong("a quantifier follows nothing");
			default -> new Regex.Chars(CodePoints.of(c));
		};
	}

	private Regex group() {
		if (peek() == '?') {
			this.at++;
			int kind = next();
			if (kind == '<' && peek() != '=' && peek() != '!') {
				int end = this.source.indexOf('>', this.at);
				if (end < 0) {
					throw wrong("the name of a group is not closed");
				}
				this.at = end + 1;
			}
			else if (kind != ':') {
				throw wrong((kind == '=' || kind == '!' || kind == '<') ? "look-around is not supported"
						: "'(?" + Character.toString(kind) + "' is not supported");
			}
		}
		Regex group = alternatives();
		if (next() != ')') {
			throw wrong("a group is not closed");
		}
		return group;
	}

	private Regex quantified(Regex atom) {
		int min;
		int max;
		switch (peek()) {
			case '*' -> {
				min = 0;
				max = Expr.UNBOUNDED;
				this.at++;
			}
			case '+' -> {
				min = 1;
				max = Expr.UNBOUNDED;
				this.at++;
			}
			case '?' -> {
				min = 0;
				max = 1;
				this.at++;
			}
			case '{' -> {
				this.at++;
				min = number();
				max = min;
				if (peek() == ',') {
					this.at++;
					max = (peek() == '}') ? Expr.UNBOUNDED : number();
				}
				if (next() != '}') {
					throw wrong("a repetition is not closed");
				}
				if (min > max) {
					throw wrong("a repetition has the bounds {%d,%d}, expected them to rise".formatted(min, max));
				}
			}
			default -> {
				return atom;
			}
		}
		if (atom instanceof Regex.Start || atom instanceof Regex.End) {
			throw wrong("an anchor cannot be repeated");
		}
		// A lazy quantifier matches the same texts.
		if (peek() == '?') {
			this.at++;
		}
		return new Regex.Repeat(atom, min, max);
	}

	private int number() {
		int from = this.at;
		int value = 0;
		while (peek() >= '0' && peek() <= '9') {
			value = 10 * value + next() - '0';
			if (value > MAX_REPEAT) {
				throw wrong("a repetition is above " + MAX_REPEAT);
			}
		}
		if (from == this.at) {
			throw wrong("expected a number in a repetition");
		}
		return value;
	}

	private Regex escape() {
		int c = peek();
		if (c == 'b' || c == 'B') {
			throw wrong("the word boundary \\" + (char) c + " is not supported");
		}
		if (c >= '1' && c <= '9' || c == 'k') {
			throw wrong("back references are not supported");
		}
		return new Regex.Chars(escapedSet());
	}

	private CodePoints escapedSet() {
		int c = next();
		return switch (c) {
			case 'd' -> DIGIT;
			case 'D' -> DIGIT.not();
			case 'w' -> WORD;
			case 'W' -> WORD.not();
			case 's' -> SPACE;
			case 'S' -> SPACE.not();
			case 'p' -> property();
			case 'P' -> property().not();
			default -> CodePoints.of(escaped(c));
		};
	}

	private int escaped(int c) {
		switch (c) {
			case 't' -> {
				return '\t';
			}
			case 'n' -> {
				return '\n';
			}
			case 'v' -> {
				return 0x0b;
			}
			case 'f' -> {
				return '\f';
			}
			case 'r' -> {
				return '\r';
			}
			case '0' -> {
				return 0;
			}
			case 'c' -> {
				int letter = next();
				if (letter < 'A' || letter > 'z') {
					throw wrong("expected a letter behind \\c");
				}
				return letter & 31;
			}
			case 'x' -> {
				return hex(2);
			}
			case 'u' -> {
				return unicode();
			}
			default -> {
				boolean syntax = SYNTAX.indexOf(c) >= 0 || c < 128 && !Character.isLetterOrDigit(c);
				if (!syntax) {
					throw wrong("'\\" + Character.toString(c) + "' is not an escape");
				}
				return c;
			}
		}
	}

	private int unicode() {
		if (peek() == '{') {
			int end = this.source.indexOf('}', this.at);
			int digits = end - this.at - 1;
			this.at++;
			if (digits < 1 || digits > 6) {
				throw wrong("expected one to six hexadecimal digits in \\u{}");
			}
			int value = hex(digits);
			this.at++;
			if (value > Character.MAX_CODE_POINT) {
				throw wrong("\\u{%x} is beyond Unicode".formatted(value));
			}
			return value;
		}
		int high = hex(4);
		if (high >= Character.MIN_HIGH_SURROGATE && high <= Character.MAX_HIGH_SURROGATE
				&& this.source.startsWith("\\u", this.at)) {
			int before = this.at;
			this.at += 2;
			int low = hex(4);
			if (low >= Character.MIN_LOW_SURROGATE && low <= Character.MAX_LOW_SURROGATE) {
				return Character.toCodePoint((char) high, (char) low);
			}
			this.at = before;
		}
		return high;
	}

	private int hex(int digits) {
		int end = this.at + digits;
		try {
			int value = Integer.parseInt(this.source.substring(this.at, end), 16);
			this.at = end;
			return value;
		}
		catch (NumberFormatException | StringIndexOutOfBoundsException ex) {
			throw wrong("expected " + digits + " hexadecimal digits");
		}
	}

	private CodePoints property() {
		int end = this.source.indexOf('}', this.at);
		if (peek() != '{' || end < 0) {
			throw wrong("expected a property as in \\p{L}");
		}
		String name = this.source.substring(this.at + 1, end);
		this.at = end + 1;
		for (String key : List.of("General_Category=", "gc=")) {
			name = name.startsWith(key) ? name.substring(key.length()) : name;
		}
		String category = CATEGORIES.getOrDefault(name, name);
		if (!Set.of(CATEGORY_NAMES).contains(category)
				&& !Set.of("L", "M", "N", "P", "S", "Z", "C").contains(category)) {
			throw wrong("the property \\p{" + name + "} is not supported, only general categories such as \\p{L} are");
		}
		List<int[]> ranges = new ArrayList<>();
		int from = -1;
		for (int c = 0; c <= Character.MAX_CODE_POINT + 1; c++) {
			boolean in = c <= Character.MAX_CODE_POINT && CATEGORY_NAMES[Character.getType(c)].startsWith(category);
			if (in && from < 0) {
				from = c;
			}
			else if (!in && from >= 0) {
				ranges.add(new int[] { from, c - 1 });
				from = -1;
			}
		}
		return CodePoints.ofRanges(ranges);
	}

	/** By the numbers of {@link Character#getType(int)}, of which 17 is none. */
	private static String[] names() {
		return ("Cn,Lu,Ll,Lt,Lm,Lo,Mn,Me,Mc,Nd,Nl,No,Zs,Zl,Zp,Cc,Cf,?,Co,Cs,Pd,Ps,Pe,Pc,Po,Sm,Sc,Sk,So,Pi,Pf")
			.split(",");
	}

	private CodePoints characterClass() {
		boolean negated = peek() == '^';
		if (negated) {
			this.at++;
		}
		List<int[]> ranges = new ArrayList<>();
		while (peek() != ']') {
			CodePoints low = classAtom();
			int[] bounds = low.bounds();
			boolean single = bounds.length == 2 && bounds[0] == bounds[1];
			if (single && peek() == '-' && this.at + 1 < this.source.length()
					&& this.source.charAt(this.at + 1) != ']') {
				this.at++;
				int[] high = classAtom().bounds();
				if (high.length != 2 || high[0] != high[1] || high[0] < bounds[0]) {
					throw wrong("a range in a class must rise from one character to another");
				}
				ranges.add(new int[] { bounds[0], high[0] });
			}
			else {
				ranges.addAll(low.ranges());
			}
		}
		this.at++;
		CodePoints set = CodePoints.ofRanges(ranges);
		return negated ? set.not() : set;
	}

	private CodePoints classAtom() {
		int c = next();
		if (c != '\\') {
			return CodePoints.of(c);
		}
		if (peek() == 'b') {
			this.at++;
			return CodePoints.of('\b');
		}
		return escapedSet();
	}

	private int peek() {
		return (this.at < this.source.length()) ? this.source.codePointAt(this.at) : -1;
	}

	private int next() {
		int c = peek();
		if (c < 0) {
			throw wrong("it is cut off");
		}
		this.at += Character.charCount(c);
		return c;
	}

	private GrammarException wrong(String what) {
		return new GrammarException("at character " + this.at + ", " + what);
	}

}
