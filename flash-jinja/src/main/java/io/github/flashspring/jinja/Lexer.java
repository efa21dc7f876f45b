package io.github.flashspring.jinja;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import io.github.flashspring.jinja.Token.Type;

/**
 * Cuts a template's source into tokens. White space around tags is treated as with
 * {@code trim_blocks} and {@code lstrip_blocks}: the line break after a statement or
 * comment goes, and so do the blanks before it on its line.
 */
final class Lexer {

	private static final Pattern RAW_BEGIN = Pattern.compile("\\{%[-+]?\\s*raw\\s*(?:-%}\\s*|%})",
			Pattern.UNICODE_CHARACTER_CLASS);

	private static final Pattern RAW_END = Pattern.compile("\\{%([-+]?)\\s*endraw\\s*(?:\\+%}|-%}\\s*|%}\\n?)",
			Pattern.UNICODE_CHARACTER_CLASS);

	private static final Pattern COMMENT_END = Pattern.compile("\\+#}|-#}\\s*|#}\\n?", Pattern.UNICODE_CHARACTER_CLASS);

	private static final Pattern BLOCK_END = Pattern.compile("\\+%}|-%}\\s*|%}\\n?", Pattern.UNICODE_CHARACTER_CLASS);

	private static final Pattern PRINT_END = Pattern.compile("-}}\\s*|}}", Pattern.UNICODE_CHARACTER_CLASS);

	private static final Pattern FLOAT = Pattern.compile(
			"(?<!\\.)(?:[0-9]+_)*[0-9]++(?:(?:\\.(?:[0-9]+_)*[0-9]+)?[eE][+-]?(?:[0-9]+_)*[0-9]+|\\.(?:[0-9]+_)*[0-9]+)");

	private static final Pattern INTEGER = Pattern
		.compile("0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[0-9a-fA-F])+|[1-9](?:_?[0-9])*+|0(?:_?0)*+");

	private static final Pattern NAME = Pattern.compile("[\\p{L}\\p{Nl}\\p{Mn}\\p{Mc}\\p{Nd}\\p{Pc}]+");

	private static final Pattern SPACE = Pattern.compile("\\s+", Pattern.UNICODE_CHARACTER_CLASS);

	private static final List<String> OPERATORS = List.of("//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%",
			"~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";");

	private final String source;

	private final List<Token> tokens = new ArrayList<>();

	private final Matcher matcher;

	private int position;

	private int line = 1;

	private int lineCountedTo;

	private Lexer(String source) {
		this.source = source;
		this.matcher = SPACE.matcher(source);
		this.matcher.useTransparentBounds(true).useAnchoringBounds(false);
	}

	static List<Token> tokenize(String source) {
		String normalized = source.replace("\r\n", "\n").replace('\r', '\n');
		if (normalized.endsWith("\n")) {
			normalized = normalized.substring(0, normalized.length() - 1);
		}
		Lexer lexer = new Lexer(normalized);
		lexer.run();
		return lexer.tokens;
	}

	private void run() {
		while (this.position < this.source.length()) {
			int begin = findTag();
			if (begin < 0) {
				add(Type.DATA, this.source.substring(this.position), this.position);
				this.position = this.source.length();
				break;
			}
			char kind = this.source.charAt(begin + 1);
			char sign = (begin + 2 < this.source.length()) ? this.source.charAt(begin + 2) : ' ';
			addData(this.source.substring(this.position, begin), sign, kind != '{');
			int start = begin + ((sign == '-' || sign == '+') ? 3 : 2);
			switch (kind) {
				case '#' -> comment(begin, start);
				case '{' -> {
					add(Type.PRINT_BEGIN, "{{", begin);
					expression(start, PRINT_END, Type.PRINT_END);
				}
				default -> {
					if (matches(RAW_BEGIN, begin)) {
						raw(begin, this.matcher.end());
					}
					else {
						add(Type.BLOCK_BEGIN, "{%", begin);
						expression(start, BLOCK_END, Type.BLOCK_END);
					}
				}
			}
		}
		add(Type.END, "", this.source.length());
	}

	private int findTag() {
		for (int i = this.source.indexOf('{', this.position); i >= 0; i = this.source.indexOf('{', i + 1)) {
			if (i + 1 < this.source.length() && "{%#".indexOf(this.source.charAt(i + 1)) >= 0) {
				return i;
			}
		}
		return -1;
	}

	private void addData(String data, char sign, boolean stripBlanks) {
		String text = data;
		if (sign == '-') {
			text = PythonText.stripRight(text);
		}
		else if (sign != '+' && stripBlanks) {
			int lineStart = text.lastIndexOf('\n') + 1;
			boolean atLineStart = lineStart > 0 || this.position == 0 || this.source.charAt(this.position - 1) == '\n';
			if (atLineStart && PythonText.stripRight(text.substring(lineStart)).isEmpty()) {
				text = text.substring(0, lineStart);
			}
		}
		if (!text.isEmpty()) {
			add(Type.DATA, text, this.position);
		}
	}

	private void comment(int begin, int start) {
		this.matcher.usePattern(COMMENT_END).region(start, this.source.length());
		if (!this.matcher.find()) {
			throw error("Missing end of comment tag", begin);
		}
		this.position = this.matcher.end();
	}

	private void raw(int begin, int start) {
		this.matcher.usePattern(RAW_END).region(start, this.source.length());
		if (!this.matcher.find()) {
			throw error("Missing end of raw directive", begin);
		}
		int end = this.matcher.end();
		String sign = this.matcher.group(1);
		String data = this.source.substring(start, this.matcher.start());
		this.position = start;
		addData(data, sign.isEmpty() ? ' ' : sign.charAt(0), true);
		this.position = end;
	}

	private void expression(int start, Pattern end, Type endType) {
		Deque<Character> brackets = new ArrayDeque<>();
		int at = start;
		while (at < this.source.length()) {
			if (brackets.isEmpty() && matches(end, at)) {
				int next = this.matcher.end();
				add(endType, this.matcher.group(), at);
				this.position = next;
				return;
			}
			at = expressionToken(at, brackets);
		}
		throw error("unexpected end of template, expected " + ((endType == Type.PRINT_END) ? "'}}'" : "'%}'"), start);
	}

	private int expressionToken(int at, Deque<Character> brackets) {
		char c = this.source.charAt(at);
		if (matches(SPACE, at)) {
			return this.matcher.end();
		}
		if (c == '"' || c == '\'') {
			return string(at, c);
		}
		for (Type type : List.of(Type.FLOAT, Type.INTEGER, Type.NAME)) {
			Pattern pattern = (type == Type.FLOAT) ? FLOAT : (type == Type.INTEGER) ? INTEGER : NAME;
			if (matches(pattern, at)) {
				int next = this.matcher.end();
				add(type, this.matcher.group(), at);
				return next;
			}
		}
		for (String operator : OPERATORS) {
			if (this.source.startsWith(operator, at)) {
				balance(operator.charAt(0), brackets, at);
				add(Type.OPERATOR, operator, at);
				return at + operator.length();
			}
		}
		throw error("unexpected char '" + Character.toString(this.source.codePointAt(at)) + "'", at);
	}

	private void balance(char c, Deque<Character> brackets, int at) {
		switch (c) {
			case '(' -> brackets.push(')');
			case '[' -> brackets.push(']');
			case '{' -> brackets.push('}');
			case ')', ']', '}' -> {
				if (brackets.isEmpty()) {
					throw error("unexpected '" + c + "'", at);
				}
				char expected = brackets.pop();
				if (expected != c) {
					throw error("unexpected '" + c + "', expected '" + expected + "'", at);
				}
			}
			default -> {
			}
		}
	}

	private int string(int at, char quote) {
		for (int i = at + 1; i < this.source.length(); i++) {
			char c = this.source.charAt(i);
			if (c == '\\') {
				i++;
			}
			else if (c == quote) {
				add(Type.STRING, PythonText.unescape(this.source.substring(at + 1, i)), at);
				return i + 1;
			}
		}
		throw error("unexpected char '" + quote + "': the string does not end", at);
	}

	private boolean matches(Pattern pattern, int at) {
		return this.matcher.usePattern(pattern).region(at, this.source.length()).lookingAt();
	}

	private void add(Type type, String text, int at) {
		this.tokens.add(new Token(type, text, lineOf(at)));
	}

	private int lineOf(int at) {
		for (; this.lineCountedTo < at; this.lineCountedTo++) {
			if (this.source.charAt(this.lineCountedTo) == '\n') {
				this.line++;
			}
		}
		return this.line;
	}

	private JinjaException error(String message, int at) {
		int errorLine = 1 + (int) this.source.substring(0, at).chars().filter((c) -> c == '\n').count();
		return new JinjaException(JinjaException.Kind.SYNTAX, message, errorLine);
	}

}
