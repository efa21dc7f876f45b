package io.github.flashspring.jinja;

import java.util.List;

import io.github.flashspring.jinja.Expression.CallArguments;

import org.jspecify.annotations.Nullable;

/**
 * A part of a template that writes text or changes names.
 */
sealed interface Statement {

	int line();

	record Text(String text, int line) implements Statement {

	}

	record Print(Expression value, int line) implements Statement {

	}

	/**
	 * One branch per {@code if} and {@code elif}.
	 */
	record If(List<Expression> conditions, List<List<Statement>> branches, List<Statement> otherwise,
			int line) implements Statement {

	}

	record For(Target target, Expression items, @Nullable Expression condition, List<Statement> body,
			List<Statement> otherwise, boolean recursive, int line) implements Statement {

	}

	record Set(Target target, Expression value, int line) implements Statement {

	}

	record SetBlock(Target target, List<FilterCall> filters, List<Statement> body, int line) implements Statement {

	}

	record With(List<Target> targets, List<Expression> values, List<Statement> body, int line) implements Statement {

	}

	record FilterBlock(List<FilterCall> filters, List<Statement> body, int line) implements Statement {

	}

	record MacroDefinition(Signature signature, int line) implements Statement {

	}

	record CallBlock(Signature caller, Expression.Call call, int line) implements Statement {

	}

	/**
	 * Statements in a scope of their own: the tag {@code generation}.
	 */
	record Scoped(List<Statement> body, int line) implements Statement {

	}

	record Jump(boolean leaves, int line) implements Statement {

	}

	/**
	 * A filter applied to a block.
	 */
	record FilterCall(String name, CallArguments arguments) {

	}

	/**
	 * Name, parameters and body of a macro; {@code defaults} belong to the last
	 * parameters.
	 */
	record Signature(String name, List<String> parameters, List<Expression> defaults, List<Statement> body,
			boolean takesMore, boolean takesNamed, boolean takesCaller) {

	}

	/** What {@code set} and {@code for} assign to. */
	sealed interface Target {

		record Variable(String name) implements Target {

		}

		record NamespaceAttribute(String namespace, String name) implements Target {

		}

		record Several(List<Target> targets) implements Target {

		}

	}

}
