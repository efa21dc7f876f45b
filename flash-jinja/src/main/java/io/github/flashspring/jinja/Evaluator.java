package io.github.flashspring.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import io.github.flashspring.jinja.Expression.CallArguments;

import org.jspecify.annotations.Nullable;

/**
 * Computes the values of expressions.
 */
final class Evaluator {

	private final Rendering rendering;

	private final Budget budget;

	Evaluator(Rendering rendering) {
		this.rendering = rendering;
		this.budget = rendering.budget();
	}

	Object evaluate(Expression expression, Scope scope) {
		this.budget.enter();
		this.rendering.reach(expression.line());
		Object value = switch (expression) {
			case Expression.Constant constant -> constant.value();
			case Expression.Name name -> scope.get(name.name());
			case Expression.ListLiteral list -> evaluateAll(list.items(), scope);
			case Expression.TupleLiteral tuple -> Tuple.copyOf(evaluateAll(tuple.items(), scope));
			case Expression.DictLiteral dict -> dict(dict, scope);
			case Expression.Attribute attribute ->
				Attributes.attribute(evaluate(attribute.owner(), scope), attribute.name());
			case Expression.Item item ->
				Attributes.item(evaluate(item.owner(), scope), evaluate(item.key(), scope), this.budget);
			case Expression.Slice slice ->
				Attributes.slice(evaluate(slice.owner(), scope), orNone(slice.start(), scope),
						orNone(slice.stop(), scope), orNone(slice.step(), scope), this.budget);
			case Expression.Unary unary -> unary(unary.operator(), evaluate(unary.operand(), scope));
			case Expression.Binary binary -> Operators.binary(binary.operator(), evaluate(binary.left(), scope),
					evaluate(binary.right(), scope), this.budget);
			case Expression.Logical logical -> {
				Object first = evaluate(logical.left(), scope);
				yield (Operators.isTrue(first) == logical.and()) ? evaluate(logical.right(), scope) : first;
			}
			case Expression.Comparison comparison -> compare(comparison, scope);
			case Expression.Conditional conditional -> conditional(conditional, scope);
			case Expression.Call call -> call(call, null, scope);
			case Expression.Filtered filtered ->
				filter(filtered.filter(), evaluate(filtered.value(), scope), filtered.arguments(), scope);
			case Expression.Tested tested -> Tests.test(tested.test(), evaluate(tested.value(), scope),
					arguments(tested.arguments(), null, scope), this.rendering) != tested.negated();
		};
		this.budget.leave();
		return value;
	}

	private List<Object> evaluateAll(List<Expression> expressions, Scope scope) {
		List<Object> values = new ArrayList<>(expressions.size());
		for (Expression expression : expressions) {
			values.add(evaluate(expression, scope));
		}
		return values;
	}

	private Object orNone(@Nullable Expression expression, Scope scope) {
		return (expression != null) ? evaluate(expression, scope) : None.NONE;
	}

	private Map<Object, Object> dict(Expression.DictLiteral literal, Scope scope) {
		Map<Object, Object> dict = new LinkedHashMap<>();
		for (int i = 0; i < literal.keys().size(); i++) {
			Object key = Operators.hashable(evaluate(literal.keys().get(i), scope));
			dict.put(key, evaluate(literal.values().get(i), scope));
		}
		return dict;
	}

	private static Object unary(String operator, Object operand) {
		return switch (operator) {
			case "not" -> !Operators.isTrue(operand);
			case "-" -> Arithmetic.negate(operand);
			default -> Arithmetic.plus(operand);
		};
	}

	private Object compare(Expression.Comparison comparison, Scope scope) {
		Object left = evaluate(comparison.first(), scope);
		for (int i = 0; i < comparison.operators().size(); i++) {
			Object right = evaluate(comparison.operands().get(i), scope);
			if (!Operators.compare(comparison.operators().get(i), left, right, this.budget)) {
				return false;
			}
			left = right;
		}
		return true;
	}

	private Object conditional(Expression.Conditional conditional, Scope scope) {
		if (Operators.isTrue(evaluate(conditional.condition(), scope))) {
			return evaluate(conditional.then(), scope);
		}
		return (conditional.otherwise() != null) ? evaluate(conditional.otherwise(), scope)
				: new Undefined("the inline if-expression on line " + conditional.line()
						+ " evaluated to false and no else section was defined.");
	}

	Object call(Expression.Call call, @Nullable Macro caller, Scope scope) {
		Object callee = evaluate(call.callee(), scope);
		Arguments arguments = arguments(call.arguments(), caller, scope);
		this.rendering.reach(call.line());
		return switch (callee) {
			case Function function -> function.call(this.rendering, arguments);
			case Undefined undefined -> throw undefined.error();
			default -> throw JinjaException.type("'" + Types.name(callee) + "' object is not callable");
		};
	}

	Object filter(String name, Object input, CallArguments arguments, Scope scope) {
		Arguments values = arguments(arguments, null, scope);
		return Filters.apply(name, input, values, this.rendering);
	}

	private Arguments arguments(CallArguments arguments, @Nullable Macro caller, Scope scope) {
		if (arguments == CallArguments.NONE && caller == null) {
			return Arguments.NONE;
		}
		List<Object> positional = evaluateAll(arguments.positional(), scope);
		Map<String, Object> named = new LinkedHashMap<>();
		for (int i = 0; i < arguments.names().size(); i++) {
			putNew(named, arguments.names().get(i), evaluate(arguments.named().get(i), scope));
		}
		if (caller != null) {
			putNew(named, "caller", caller);
		}
		if (arguments.list() != null) {
			positional.addAll(Operators.toList(evaluate(arguments.list(), scope), this.budget));
		}
		if (arguments.dict() != null) {
			Object dict = evaluate(arguments.dict(), scope);
			if (!(dict instanceof Map<?, ?> map)) {
				throw JinjaException.type("argument after ** must be a mapping, not " + Types.name(dict));
			}
			map.forEach((key, value) -> {
				if (!(key instanceof MarkedText name)) {
					throw JinjaException.type("keywords must be strings");
				}
				putNew(named, name.string(), value);
			});
		}
		return new Arguments(positional, named);
	}

	private static void putNew(Map<String, Object> named, String name, Object value) {
		if (named.put(name, value) != null) {
			throw JinjaException.type("got multiple values for keyword argument '" + name + "'");
		}
	}

}
