package io.github.flashspring.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

import io.github.flashspring.jinja.Parser.NameScan;
import io.github.flashspring.jinja.Statement.FilterCall;
import io.github.flashspring.jinja.Token.Type;

/**
 * Reads expressions of operators. From loosest to tightest: inline if, or, and, not,
 * comparison, + -, ~, * / // %, ** (to the left), sign, postfix, filter and test.
 */
final class ExpressionParser {

	private static final int MAX_NESTED = 100;

	private final TokenStream tokens;

	private final PrimaryParser primaries;

	private final PostfixParser postfixes;

	private int depth;

	ExpressionParser(TokenStream tokens) {
		this.tokens = tokens;
		this.primaries = new PrimaryParser(tokens, this);
		this.postfixes = new PostfixParser(tokens, this, this.primaries);
	}

	NameScan beginScan() {
		return this.primaries.beginScan();
	}

	Set<String> endScan(NameScan inner) {
		return this.primaries.endScan(inner);
	}

	/**
	 * {@code | a | b(1)}.
	 * @return the filters in order
	 */
	List<FilterCall> pipedFilters() {
		return this.postfixes.pipedFilters();
	}

	/**
	 * {@code a | b(1)}.
	 * @return the filters in order
	 */
	List<FilterCall> filterChain() {
		return this.postfixes.filterChain();
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
		leave();
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
			leave();
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
			leave();
		}
		else {
			value = this.primaries.primary();
		}
		value = this.postfixes.postfix(value);
		return filtered ? this.postfixes.filtersAndTests(value) : value;
	}

	private int line() {
		return this.tokens.current().line();
	}

	/** Begins a level of nesting. */
	void enter() {
		if (++this.depth > MAX_NESTED) {
			throw this.tokens.error("expressions are nested more than " + MAX_NESTED + " levels deep");
		}
	}

	/** Ends a level of nesting. */
	void leave() {
		this.depth--;
	}

}
