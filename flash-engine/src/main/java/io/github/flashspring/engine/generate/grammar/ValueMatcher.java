package io.github.flashspring.engine.generate.grammar;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.function.Function;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.StringNode;

/**
 * Tells whether values satisfy shapes.
 */
final class ValueMatcher {

	/** Shapes of schemas, by their pointers. */
	private final Function<SortedSet<String>, List<Shape>> schemas;

	private final Map<Set<String>, TextAutomaton> matchers = new HashMap<>();

	ValueMatcher(Function<SortedSet<String>, List<Shape>> schemas) {
		this.schemas = schemas;
	}

	/** Equal for equal values: 1 and 1.0 are one number, and properties have no order. */
	static Object canonical(JsonNode value) {
		if (value.isNumber()) {
			return value.decimalValue().stripTrailingZeros();
		}
		if (value.isArray()) {
			return value.valueStream().map(ValueMatcher::canonical).toList();
		}
		if (value.isObject()) {
			Map<String, Object> map = new HashMap<>();
			value.propertyStream().forEach((property) -> map.put(property.getKey(), canonical(property.getValue())));
			return map;
		}
		return value.isString() ? value.stringValue() : value;
	}

	/** Whether a value satisfies one of the shapes. */
	boolean accepts(List<Shape> shapes, JsonNode value) {
		return shapes.stream().anyMatch((shape) -> accepts(shape, value));
	}

	boolean accepts(Shape shape, JsonNode value) {
		return switch (shape) {
			case Shape.Null _ -> value.isNull();
			case Shape.Bool _ -> value.isBoolean();
			case Shape.Const constant -> canonical(constant.value()).equals(canonical(value));
			case Shape.Num number -> value.isNumber() && number.range().contains(value.decimalValue());
			case Shape.Str string -> value.isString() && accepts(string, value.stringValue());
			case Shape.Arr array -> {
				boolean fits = value.isArray() && value.size() >= array.min() && value.size() <= array.max();
				for (int i = 0; fits && i < value.size(); i++) {
					fits = accepts(this.schemas.apply(array.item(i)), value.get(i));
				}
				yield fits;
			}
			case Shape.Obj object -> value.isObject() && value.size() >= object.min() && value.size() <= object.max()
					&& object.required().stream().allMatch(value::has)
					&& value.propertyStream()
						.allMatch((property) -> accepts(this.schemas.apply(object.property(property.getKey())),
								property.getValue())
								&& accepts(this.schemas.apply(object.names()), StringNode.valueOf(property.getKey())));
		};
	}

	private boolean accepts(Shape.Str string, String text) {
		int length = text.codePointCount(0, text.length());
		return length >= string.min() && length <= string.max()
				&& (string.patterns().isEmpty()
						|| this.matchers
							.computeIfAbsent(string.patterns().keySet(),
									(_) -> TextAutomaton.of(List.copyOf(string.patterns().values()), true, 0,
											Expr.UNBOUNDED))
							.label(text) == 1);
	}

}
