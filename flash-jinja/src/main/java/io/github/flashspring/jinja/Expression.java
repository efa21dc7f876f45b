package io.github.flashspring.jinja;

import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * A part of a template that has a value.
 */
sealed interface Expression {

	int line();

	record Constant(Object value, int line) implements Expression {

	}

	record Name(String name, int line) implements Expression {

	}

	record ListLiteral(List<Expression> items, int line) implements Expression {

	}

	record TupleLiteral(List<Expression> items, int line) implements Expression {

	}

	record DictLiteral(List<Expression> keys, List<Expression> values, int line) implements Expression {

	}

	record Attribute(Expression owner, String name, int line) implements Expression {

	}

	record Item(Expression owner, Expression key, int line) implements Expression {

	}

	record Slice(Expression owner, @Nullable Expression start, @Nullable Expression stop, @Nullable Expression step,
			int line) implements Expression {

	}

	record Unary(String operator, Expression operand, int line) implements Expression {

	}

	record Binary(String operator, Expression left, Expression right, int line) implements Expression {

	}

	/**
	 * {@code a and b}, {@code a or b}.
	 */
	record Logical(boolean and, Expression left, Expression right, int line) implements Expression {

	}

	/**
	 * {@code a < b <= c}: one operator before each operand but the first.
	 */
	record Comparison(Expression first, List<String> operators, List<Expression> operands,
			int line) implements Expression {

	}

	record Conditional(Expression condition, Expression then, @Nullable Expression otherwise,
			int line) implements Expression {

	}

	record Call(Expression callee, CallArguments arguments, int line) implements Expression {

	}

	record Filtered(Expression value, String filter, CallArguments arguments, int line) implements Expression {

	}

	record Tested(Expression value, String test, CallArguments arguments, boolean negated,
			int line) implements Expression {

	}

	/**
	 * {@code f(a, b=c, *d, **e)}.
	 */
	record CallArguments(List<Expression> positional, List<String> names, List<Expression> named,
			@Nullable Expression list, @Nullable Expression dict) {

		static final CallArguments NONE = new CallArguments(List.of(), List.of(), List.of(), null, null);

	}

}
