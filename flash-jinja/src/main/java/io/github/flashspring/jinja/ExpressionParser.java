package io.github.flashspring.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

import io.github.flashspring.jinja.Expression.CallArguments;
import io.github.flashspring.jinja.Parser.NameScan;
import io.github.flashspring.jinja.Statement.FilterCall;
import io.github.flashspring.jinja.Token.Type;

import org.jspecify.annotations.Nullable;

/**
 * Reads expressions. From loosest to tightest: inline if, or, and, not, comparison, + -,
 * ~, * / // %, ** (to the left), sign, postfix, filter and test.
 */
final class ExpressionParser {

	private static final int MAX_NESTED = 100;

	private static final int MAX_DIGITS = 1200;

	private final TokenStream tokens;

	private @Nullable NameScan scan;

	private int depth;

	ExpressionParser(TokenStream tokens) {
		this.tokens = tokens;
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

	/**
	 * One expression, or several with commas between, which make a tuple.
	 * @param conditional whether an inline if may stand here
	 * @return the expression
	 */
	Expression tuple(boolean conditional) {
		int line = line();
		Expression first = conditional ? expression() : or();
		if (!this.tokens.current().isOperator(",")) {
			return first;
		}
		List<Expression> items = new ArrayList<>(List.of(first));
		while (this.tokens.skipOperator(",") && !endsTuple()) {
			items.add(conditional ? expression() : or());
		}
		return new Expression.TupleLiteral(List.copyOf(items), line);
	}

	private boolean endsTuple() {
		Token token = this.tokens.current();
		return switch (token.type()) {
			case PRINT_END, BLOCK_END -> true;
			case OPERATOR -> token.text().equals(")");
			case NAME -> token.text().equals("recursive");
			default -> false;
		};
	}

	Expression expression() {
		enter();
		Expression value = or();
		while (this.tokens.current().isName("if")) {
			int line = line();
			this.tokens.next();
			Expression condition = or();
			Expression otherwise = this.tokens.skipName("else") ? expression() : null;
			value = new Expression.Conditional(condition, value, otherwise, line);
		}
		this.depth--;
		return value;
	}

	private Expression or() {
		Expression left = and();
		while (this.tokens.current().isName("or")) {
			int line = line();
			this.tokens.next();
			left = new Expression.Logical(false, left, and(), line);
		}
		return left;
	}

	private Expression and() {
		Expression left = not();
		while (this.tokens.current().isName("and")) {
			int line = line();
			this.tokens.next();
			left = new Expression.Logical(true, left, not(), line);
		}
		return left;
	}

	private Expression not() {
		int line = line();
		if (this.tokens.skipName("not")) {
			enter();
			Expression operand = not();
			this.depth--;
			return new Expression.Unary("not", operand, line);
		}
		return comparison();
	}

	private Expression comparison() {
		int line = line();
		Expression first = sum();
		List<String> operators = new ArrayList<>();
		List<Expression> operands = new ArrayList<>();
		while (true) {
			Token token = this.tokens.current();
			if (token.type() == Type.OPERATOR && switch (token.text()) {
				case "==", "!=", "<", "<=", ">", ">=" -> true;
				default -> false;
			}) {
				this.tokens.next();
				operators.add(token.text());
			}
			else if (token.isName("in")) {
				this.tokens.next();
				operators.add("in");
			}
			else if (token.isName("not") && this.tokens.peek().isName("in")) {
				this.tokens.next();
				this.tokens.next();
				operators.add("not in");
			}
			else {
				return operators.isEmpty() ? first
						: new Expression.Comparison(first, List.copyOf(operators), List.copyOf(operands), line);
			}
			operands.add(sum());
		}
	}

	private Expression sum() {
		Expression left = concatenation();
		while (this.tokens.current().isOperator("+") || this.tokens.current().isOperator("-")) {
			Token operator = this.tokens.next();
			left = new Expression.Binary(operator.text(), left, concatenation(), operator.line());
		}
		return left;
	}

	private Expression concatenation() {
		Expression left = product();
		while (this.tokens.current().isOperator("~")) {
			Token operator = this.tokens.next();
			left = new Expression.Binary("~", left, product(), operator.line());
		}
		return left;
	}

	private Expression product() {
		Expression left = power();
		while (this.tokens.current().type() == Type.OPERATOR && switch (this.tokens.current().text()) {
			case "*", "/", "//", "%" -> true;
			default -> false;
		}) {
			Token operator = this.tokens.next();
			left = new Expression.Binary(operator.text(), left, power(), operator.line());
		}
		return left;
	}

	private Expression power() {
		Expression left = unary(true);
		while (this.tokens.current().isOperator("**")) {
			Token operator = this.tokens.next();
			left = new Expression.Binary("**", left, unary(true), operator.line());
		}
		return left;
	}

	private Expression unary(boolean filtered) {
		Token token = this.tokens.current();
		Expression value;
		if (token.isOperator("-") || token.isOperator("+")) {
			this.tokens.next();
			enter();
			value = new Expression.Unary(token.text(), unary(false), token.line());
			this.depth--;
		}
		else {
			value = primary();
		}
		value = postfix(value);
		return filtered ? filtersAndTests(value) : value;
	}

	private Expression primary() {
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

	private static Object integer(Token token) {
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
		enter();
		if (this.tokens.skipOperator(")")) {
			this.depth--;
			return new Expression.TupleLiteral(List.of(), line);
		}
		Expression value = tuple(true);
		this.tokens.expectOperator(")");
		this.depth--;
		return value;
	}

	private List<Expression> items(String end) {
		List<Expression> items = new ArrayList<>();
		while (!this.tokens.skipOperator(end)) {
			if (!items.isEmpty()) {
				this.tokens.expectOperator(",");
				if (this.tokens.skipOperator(end)) {
					break;
				}
			}
			items.add(expression());
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
			keys.add(expression());
			this.tokens.expectOperator(":");
			values.add(expression());
		}
		return new Expression.DictLiteral(List.copyOf(keys), List.copyOf(values), line);
	}

	private Expression postfix(Expression start) {
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
			case INTEGER ->
				new Expression.Item(owner, new Expression.Constant(integer(token), token.line()), token.line());
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
				parts[colons] = expression();
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
		items.addAll(items("]"));
		return new Expression.Item(owner, new Expression.TupleLiteral(List.copyOf(items), line), line);
	}

	private CallArguments arguments() {
		this.tokens.expectOperator("(");
		enter();
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
				dict = expression();
			}
			else if (list == null && dict == null && this.tokens.skipOperator("*")) {
				list = expression();
			}
			else if (dict == null && token.type() == Type.NAME && this.tokens.peek().isOperator("=")) {
				this.tokens.next();
				this.tokens.next();
				names.add(token.text());
				named.add(expression());
			}
			else if (list == null && dict == null && names.isEmpty()) {
				positional.add(expression());
			}
			else {
				throw this.tokens.error("invalid syntax for function call expression");
			}
		}
		this.depth--;
		return new CallArguments(List.copyOf(positional), List.copyOf(names), List.copyOf(named), list, dict);
	}

	private Expression filtersAndTests(Expression start) {
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
			Expression argument = postfix(primary());
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

	private int line() {
		return this.tokens.current().line();
	}

	private void enter() {
		if (++this.depth > MAX_NESTED) {
			throw this.tokens.error("expressions are nested more than " + MAX_NESTED + " levels deep");
		}
	}

}
