package io.github.flashspring.jinja;

import java.util.List;
import java.util.Map;

/**
 * What can stand after {@code is}.
 */
final class Tests {

	private Tests() {
	}

	static boolean test(String name, Object value, Arguments arguments, Rendering rendering) {
		Budget budget = rendering.budget();
		return switch (name) {
			case "defined" -> !(value instanceof Undefined);
			case "undefined" -> value instanceof Undefined;
			case "none", "None" -> value == None.NONE;
			case "boolean" -> value instanceof Boolean;
			case "true" -> value.equals(true);
			case "false" -> value.equals(false);
			case "integer" -> Types.isInteger(value) && !(value instanceof Boolean);
			case "float" -> value instanceof Double;
			case "number" -> Types.isNumber(value);
			case "string" -> value instanceof MarkedText;
			case "mapping" -> value instanceof Map;
			case "iterable" -> Operators.isIterable(value);
			case "sequence" -> value instanceof MarkedText || value instanceof List || value instanceof Map
					|| value instanceof Undefined;
			case "callable" -> value instanceof Function;
			case "escaped" -> false;
			case "lower" -> LetterCase.isLower(PythonText.str(value, budget).string());
			case "upper" -> LetterCase.isUpper(PythonText.str(value, budget).string());
			case "odd" -> Operators.areEqual(Operators.binary("%", value, 2L, budget), 1L, budget);
			case "even" -> Operators.areEqual(Operators.binary("%", value, 2L, budget), 0L, budget);
			case "divisibleby" ->
				Operators.areEqual(Operators.binary("%", value, argument(name, arguments), budget), 0L, budget);
			case "sameas" -> areSame(value, argument(name, arguments));
			case "eq", "==", "equalto" -> compare("==", value, name, arguments, budget);
			case "ne", "!=" -> compare("!=", value, name, arguments, budget);
			case "lt", "<", "lessthan" -> compare("<", value, name, arguments, budget);
			case "le", "<=" -> compare("<=", value, name, arguments, budget);
			case "gt", ">", "greaterthan" -> compare(">", value, name, arguments, budget);
			case "ge", ">=" -> compare(">=", value, name, arguments, budget);
			case "in" -> compare("in", value, name, arguments, budget);
			case "filter" -> value instanceof MarkedText filter && Filters.exists(filter.string());
			case "test" -> value instanceof MarkedText test && exists(test.string());
			default -> throw new JinjaException(JinjaException.Kind.SYNTAX, "No test named '" + name + "'");
		};
	}

	private static boolean exists(String name) {
		return List
			.of("defined", "undefined", "none", "boolean", "true", "false", "integer", "float", "number", "string",
					"mapping", "iterable", "sequence", "callable", "escaped", "lower", "upper", "odd", "even",
					"divisibleby", "sameas", "eq", "==", "equalto", "ne", "!=", "lt", "<", "lessthan", "le", "<=", "gt",
					">", "greaterthan", "ge", ">=", "in", "filter", "test")
			.contains(name);
	}

	private static Object argument(String name, Arguments arguments) {
		return arguments.expect(name, "other").require(name, 0, "other");
	}

	private static boolean compare(String operator, Object value, String name, Arguments arguments, Budget budget) {
		return Operators.compare(operator, value, argument(name, arguments), budget);
	}

	private static boolean areSame(Object left, Object right) {
		boolean scalar = left instanceof MarkedText || left instanceof Number || left instanceof Boolean;
		return left == right || scalar && left.equals(right);
	}

}
