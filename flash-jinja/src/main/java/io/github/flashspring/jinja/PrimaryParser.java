package io.github.flashspring.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

import io.github.flashspring.jinja.Parser.NameScan;
import io.github.flashspring.jinja.Token.Type;

import org.jspecify.annotations.Nullable;

/**
 * Reads what expressions begin with: names, constants, lists, dicts, tuples and what
 * stands in parentheses. Notes the names that a macro uses.
 */
final class PrimaryParser {

	private static final int MAX_DIGITS = 1200;

	private final TokenStream tokens;

	private final ExpressionParser expressions;

	private @Nullable NameScan scan;

	PrimaryParser(TokenStream tokens, ExpressionParser expressions) {
		this.tokens = tokens;
		this.expressions = expressions;
	}

	NameScan beginScan() {
		NameScan inner = new NameScan(new HashSet<>(), this.scan);
		this.scan = inner;
		return inner;
	}

	Set<String> endScan(NameScan inner) {
		this.scan = inner.outer();
		return inner.names();
	}

	Expression primary() {
		Token token = this.tokens.next();
		int line = token.line();
		return switch (token.type()) {
			case NAME -> switch (token.text()) {
				case "true", "True" -> new Expression.Constant(true, line);
				case "false", "False" -> new Expression.Constant(false, line);
				case "none", "None" -> new Expression.Constant(None.NONE, line);
				default -> {
					if (this.scan != null) {
						noteName(this.scan, token.text());
					}
					yield new Expression.Name(token.text(), line);
				}
			};
			case STRING -> {
				StringBuilder text = new StringBuilder(token.text());
				while (this.tokens.current().type() == Type.STRING) {
					text.append(this.tokens.next().text());
				}
				yield new Expression.Constant(MarkedText.trusted(text.toString()), line);
			}
			case INTEGER -> new Expression.Constant(integer(token), line);
			case FLOAT -> new Expression.Constant(Double.valueOf(token.text().replace("_", "")), line);
			case OPERATOR -> switch (token.text()) {
				case "(" -> parenthesized(line);
				case "[" -> new Expression.ListLiteral(items("]"), line);
				case "{" -> dict(line);
				default -> throw unexpected(token);
			};
			default -> throw unexpected(token);
		};
	}

	private static void noteName(NameScan scan, String name) {
		for (NameScan at = scan; at != null; at = at.outer()) {
			at.names().add(name);
		}
	}

	private static JinjaException unexpected(Token token) {
		return new JinjaException(JinjaException.Kind.SYNTAX, "unexpected " + token.describe(), token.line());
	}

	static Object integer(Token token) {
		String digits = token.text().replace("_", "").toLowerCase(java.util.Locale.ROOT);
		if (digits.length() > MAX_DIGITS) {
			throw new JinjaException(JinjaException.Kind.SYNTAX, "an integer has more than " + MAX_DIGITS + " digits",
					token.line());
		}
		BigInteger value = switch ((digits.length() > 1) ? digits.charAt(1) : '0') {
			case 'x' -> new BigInteger(digits.substring(2), 16);
			case 'o' -> new BigInteger(digits.substring(2), 8);
			case 'b' -> new BigInteger(digits.substring(2), 2);
			default -> new BigInteger(digits);
		};
		return Arithmetic.normalize(value);
	}

	private Expression parenthesized(int line) {
		this.expressions.enter();
		if (this.tokens.skipOperator(")")) {
			this.expressions.leave();
			return new Expression.TupleLiteral(List.of(), line);
		}
		Expression value = this.expressions.tuple(true);
		this.tokens.expectOperator(")");
		this.expressions.leave();
		return value;
	}

	List<Expression> items(String end) {
		List<Expression> items = new ArrayList<>();
		while (!this.tokens.skipOperator(end)) {
			if (!items.isEmpty()) {
				this.tokens.expectOperator(",");
				if (this.tokens.skipOperator(end)) {
					break;
				}
			}
			items.add(this.expressions.expression());
		}
		return List.copyOf(items);
	}

	private Expression dict(int line) {
		List<Expression> keys = new ArrayList<>();
		List<Expression> values = new ArrayList<>();
		while (!this.tokens.skipOperator("}")) {
			if (!keys.isEmpty()) {
				this.tokens.expectOperator(",");
				if (this.tokens.skipOperator("}")) {
					break;
				}
			}
			keys.add(this.expressions.expression());
			this.tokens.expectOperator(":");
			values.add(this.expressions.expression());
		}
		return new Expression.DictLiteral(List.copyOf(keys), List.copyOf(values), line);
	}

}
