package io.github.flashspring.jinja;

import java.util.ArrayList;
import java.util.List;

import io.github.flashspring.jinja.Expression.CallArguments;
import io.github.flashspring.jinja.Statement.FilterCall;
import io.github.flashspring.jinja.Token.Type;

import org.jspecify.annotations.Nullable;

/**
 * Reads what follows an operand: attributes, items, slices, calls, filters and tests.
 */
final class PostfixParser {

	private final TokenStream tokens;

	private final ExpressionParser expressions;

	private final PrimaryParser primaries;

	PostfixParser(TokenStream tokens, ExpressionParser expressions, PrimaryParser primaries) {
		this.tokens = tokens;
		this.expressions = expressions;
		this.primaries = primaries;
	}

	Expression postfix(Expression start) {
		Expression value = start;
		while (this.tokens.current().type() == Type.OPERATOR) {
			Token token = this.tokens.current();
			switch (token.text()) {
				case "." -> {
					this.tokens.next();
					value = attribute(value);
				}
				case "[" -> {
					this.tokens.next();
					value = subscript(value, token.line());
				}
				case "(" -> value = new Expression.Call(value, arguments(), token.line());
				default -> {
					return value;
				}
			}
		}
		return value;
	}

	private Expression attribute(Expression owner) {
		Token token = this.tokens.next();
		return switch (token.type()) {
			case NAME -> new Expression.Attribute(owner, token.text(), token.line());
			case INTEGER -> new Expression.Item(owner,
					new Expression.Constant(PrimaryParser.integer(token), token.line()), token.line());
			default -> throw new JinjaException(JinjaException.Kind.SYNTAX, "expected name or number", token.line());
		};
	}

	private Expression subscript(Expression owner, int line) {
		@Nullable Expression[] parts = new @Nullable Expression[3];
		int colons = 0;
		while (!this.tokens.skipOperator("]")) {
			if (this.tokens.skipOperator(":")) {
				if (++colons > 2) {
					throw this.tokens.error("expected ']', got ':'");
				}
			}
			else if (parts[colons] != null) {
				if (colons == 0 && this.tokens.skipOperator(",")) {
					return subscriptTuple(owner, parts[0], line);
				}
				throw this.tokens.error("expected ']', got " + this.tokens.current().describe());
			}
			else {
				parts[colons] = this.expressions.expression();
			}
		}
		if (colons > 0) {
			return new Expression.Slice(owner, parts[0], parts[1], parts[2], line);
		}
		if (parts[0] == null) {
			throw this.tokens.error("expected subscript expression");
		}
		return new Expression.Item(owner, parts[0], line);
	}

	private Expression subscriptTuple(Expression owner, @Nullable Expression first, int line) {
		List<Expression> items = new ArrayList<>();
		if (first != null) {
			items.add(first);
		}
		items.addAll(this.primaries.items("]"));
		return new Expression.Item(owner, new Expression.TupleLiteral(List.copyOf(items), line), line);
	}

	private CallArguments arguments() {
		this.tokens.expectOperator("(");
		this.expressions.enter();
		List<Expression> positional = new ArrayList<>();
		List<String> names = new ArrayList<>();
		List<Expression> named = new ArrayList<>();
		Expression list = null;
		Expression dict = null;
		boolean first = true;
		while (!this.tokens.skipOperator(")")) {
			if (!first) {
				this.tokens.expectOperator(",");
				if (this.tokens.skipOperator(")")) {
					break;
				}
			}
			first = false;
			Token token = this.tokens.current();
			if (dict == null && this.tokens.skipOperator("**")) {
				dict = this.expressions.expression();
			}
			else if (list == null && dict == null && this.tokens.skipOperator("*")) {
				list = this.expressions.expression();
			}
			else if (dict == null && token.type() == Type.NAME && this.tokens.peek().isOperator("=")) {
				this.tokens.next();
				this.tokens.next();
				names.add(token.text());
				named.add(this.expressions.expression());
			}
			else if (list == null && dict == null && names.isEmpty()) {
				positional.add(this.expressions.expression());
			}
			else {
				throw this.tokens.error("invalid syntax for function call expression");
			}
		}
		this.expressions.leave();
		return new CallArguments(List.copyOf(positional), List.copyOf(names), List.copyOf(named), list, dict);
	}

	Expression filtersAndTests(Expression start) {
		Expression value = start;
		while (true) {
			Token token = this.tokens.current();
			if (token.isOperator("|")) {
				this.tokens.next();
				FilterCall filter = filter();
				value = new Expression.Filtered(value, filter.name(), filter.arguments(), token.line());
			}
			else if (token.isName("is")) {
				this.tokens.next();
				value = test(value, token.line());
			}
			else if (token.isOperator("(")) {
				value = new Expression.Call(value, arguments(), token.line());
			}
			else {
				return value;
			}
		}
	}

	/**
	 * {@code | a | b(1)}.
	 * @return the filters in order
	 */
	List<FilterCall> pipedFilters() {
		List<FilterCall> filters = new ArrayList<>();
		while (this.tokens.skipOperator("|")) {
			filters.add(filter());
		}
		return List.copyOf(filters);
	}

	/**
	 * {@code a | b(1)}.
	 * @return the filters in order
	 */
	List<FilterCall> filterChain() {
		List<FilterCall> filters = new ArrayList<>(List.of(filter()));
		filters.addAll(pipedFilters());
		return List.copyOf(filters);
	}

	private FilterCall filter() {
		StringBuilder name = new StringBuilder(this.tokens.expect(Type.NAME).text());
		while (this.tokens.skipOperator(".")) {
			name.append('.').append(this.tokens.expect(Type.NAME).text());
		}
		CallArguments arguments = this.tokens.current().isOperator("(") ? arguments() : CallArguments.NONE;
		return new FilterCall(name.toString(), arguments);
	}

	private Expression test(Expression value, int line) {
		boolean negated = this.tokens.skipName("not");
		StringBuilder name = new StringBuilder(this.tokens.expect(Type.NAME).text());
		while (this.tokens.skipOperator(".")) {
			name.append('.').append(this.tokens.expect(Type.NAME).text());
		}
		CallArguments arguments = CallArguments.NONE;
		if (this.tokens.current().isOperator("(")) {
			arguments = arguments();
		}
		else if (startsTestArgument()) {
			if (this.tokens.current().isName("is")) {
				throw this.tokens.error("You cannot chain multiple tests with is");
			}
			Expression argument = postfix(this.primaries.primary());
			arguments = new CallArguments(List.of(argument), List.of(), List.of(), null, null);
		}
		return new Expression.Tested(value, name.toString(), arguments, negated, line);
	}

	private boolean startsTestArgument() {
		Token token = this.tokens.current();
		return switch (token.type()) {
			case NAME -> switch (token.text()) {
				case "else", "or", "and" -> false;
				// read as a name here, an inline if after a test would never parse;
				// Python's
				// engine stumbles over it, so no template relies on the other reading
				case "if" -> false;
				default -> true;
			};
			case STRING, INTEGER, FLOAT -> true;
			case OPERATOR -> switch (token.text()) {
				case "(", "[", "{" -> true;
				default -> false;
			};
			default -> false;
		};
	}

}
