package io.github.flashspring.jinja;

import java.util.List;

import io.github.flashspring.jinja.Token.Type;

/**
 * Tokens with a place to read from.
 */
final class TokenStream {

	private final List<Token> tokens;

	private int position;

	TokenStream(List<Token> tokens) {
		this.tokens = tokens;
	}

	Token current() {
		return this.tokens.get(this.position);
	}

	Token peek() {
		return this.tokens.get(Math.min(this.position + 1, this.tokens.size() - 1));
	}

	Token next() {
		Token token = current();
		if (token.type() != Type.END) {
			this.position++;
		}
		return token;
	}

	boolean skipOperator(String operator) {
		boolean there = current().isOperator(operator);
		if (there) {
			next();
		}
		return there;
	}

	boolean skipName(String name) {
		boolean there = current().isName(name);
		if (there) {
			next();
		}
		return there;
	}

	Token expect(Type type) {
		Token token = current();
		if (token.type() != type) {
			throw error("expected " + switch (type) {
				case NAME -> "a name";
				case STRING -> "a string";
				default -> new Token(type, "", 0).describe();
			} + ", got " + token.describe());
		}
		return next();
	}

	void expectOperator(String operator) {
		if (!skipOperator(operator)) {
			throw error("expected '" + operator + "', got " + current().describe());
		}
	}

	void expectName(String name) {
		if (!skipName(name)) {
			throw error("expected '" + name + "', got " + current().describe());
		}
	}

	JinjaException error(String message) {
		return new JinjaException(JinjaException.Kind.SYNTAX, message, current().line());
	}

}
