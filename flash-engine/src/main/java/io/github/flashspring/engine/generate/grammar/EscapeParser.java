package io.github.flashspring.engine.generate.grammar;

import java.util.List;

/**
 * Reads the escapes of a regular expression behind their backslash.
 */
final class EscapeParser {

	private static final CodePoints DIGIT = CodePoints.range('0', '9');

	private static final CodePoints WORD = CodePoints.ofRanges(
			List.of(new int[] { '0', '9' }, new int[] { 'A', 'Z' }, new int[] { '_', '_' }, new int[] { 'a', 'z' }));

	static final CodePoints LINE_END = CodePoints.of('\n', '\r', 0x2028, 0x2029);

	private static final CodePoints SPACE = CodePoints
		.of('\t', 0x0b, '\f', ' ', 0xa0, 0x1680, 0x202f, 0x205f, 0x3000, 0xfeff)
		.or(CodePoints.range(0x2000, 0x200a))
		.or(LINE_END);

	private static final String SYNTAX = "^$\\.*+?()[]{}|/-";

	private final PatternText text;

	EscapeParser(PatternText text) {
		this.text = text;
	}

	CodePoints set() {
		int c = this.text.next();
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
				int letter = this.text.next();
				if (letter < 'A' || letter > 'z') {
					throw this.text.wrong("expected a letter behind \\c");
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
					throw this.text.wrong("'\\" + Character.toString(c) + "' is not an escape");
				}
				return c;
			}
		}
	}

	private int unicode() {
		if (this.text.peek() == '{') {
			int end = this.text.indexOf('}');
			int digits = end - this.text.at() - 1;
			this.text.skip(1);
			if (digits < 1 || digits > 6) {
				throw this.text.wrong("expected one to six hexadecimal digits in \\u{}");
			}
			int value = hex(digits);
			this.text.skip(1);
			if (value > Character.MAX_CODE_POINT) {
				throw this.text.wrong("\\u{%x} is beyond Unicode".formatted(value));
			}
			return value;
		}
		int high = hex(4);
		if (high >= Character.MIN_HIGH_SURROGATE && high <= Character.MAX_HIGH_SURROGATE
				&& this.text.startsWith("\\u")) {
			int before = this.text.at();
			this.text.skip(2);
			int low = hex(4);
			if (low >= Character.MIN_LOW_SURROGATE && low <= Character.MAX_LOW_SURROGATE) {
				return Character.toCodePoint((char) high, (char) low);
			}
			this.text.at(before);
		}
		return high;
	}

	private int hex(int digits) {
		int end = this.text.at() + digits;
		try {
			int value = Integer.parseInt(this.text.substring(this.text.at(), end), 16);
			this.text.at(end);
			return value;
		}
		catch (NumberFormatException | StringIndexOutOfBoundsException ex) {
			throw this.text.wrong("expected " + digits + " hexadecimal digits");
		}
	}

	private CodePoints property() {
		int end = this.text.indexOf('}');
		if (this.text.peek() != '{' || end < 0) {
			throw this.text.wrong("expected a property as in \\p{L}");
		}
		String name = this.text.substring(this.text.at() + 1, end);
		this.text.at(end + 1);
		for (String key : List.of("General_Category=", "gc=")) {
			name = name.startsWith(key) ? name.substring(key.length()) : name;
		}
		CodePoints category = GeneralCategory.of(name);
		if (category == null) {
			throw this.text
				.wrong("the property \\p{" + name + "} is not supported, only general categories such as \\p{L} are");
		}
		return category;
	}

}
