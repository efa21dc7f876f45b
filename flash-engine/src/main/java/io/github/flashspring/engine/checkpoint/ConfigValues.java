package io.github.flashspring.engine.checkpoint;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import static io.github.flashspring.engine.checkpoint.CheckpointException.quote;

/**
 * Converts values of a {@link ModelConfig}, each checked for type and range.
 */
final class ConfigValues {

	private ConfigValues() {
	}

	/** A whole number within {@link ConfigBounds}; also one written as {@code 4.0}. */
	static int intOf(ModelConfig config, String name, JsonNode value) {
		ConfigBounds bounds = ConfigBounds.of(name);
		boolean whole = value.isIntegralNumber()
				|| (value.isNumber() && value.doubleValue() == Math.rint(value.doubleValue()));
		if (!whole) {
			throw config.wrong(name, "a whole number", value);
		}
		boolean exact = value.isIntegralNumber() ? value.bigIntegerValue().bitLength() < Long.SIZE
				: Math.abs(value.doubleValue()) < 0x1p53;
		long number = exact ? (value.isIntegralNumber() ? value.longValue() : (long) value.doubleValue()) : 0;
		if (!exact || number < bounds.min() || number > bounds.max()) {
			throw config.wrong(name, "a whole number from " + bounds.min() + " to " + bounds.max(), value);
		}
		return (int) number;
	}

	static double doubleOf(ModelConfig config, String name, JsonNode value) {
		if (value.isNumber()) {
			return value.doubleValue();
		}
		if (value instanceof ObjectNode object && object.size() == 1 && object.get("__float__") instanceof JsonNode text
				&& text.isString()) {
			switch (text.stringValue()) {
				case "Infinity", "inf" -> {
					return Double.POSITIVE_INFINITY;
				}
				case "-Infinity", "-inf" -> {
					return Double.NEGATIVE_INFINITY;
				}
				case "NaN", "nan" -> {
					return Double.NaN;
				}
				default ->
					throw config.wrong(name, "Infinity, -Infinity or NaN as __float__", quote(text.stringValue()));
			}
		}
		throw config.wrong(name, "a number", value);
	}

	static float floatOf(ModelConfig config, String name, double value) {
		float rounded = (float) value;
		if (Float.isInfinite(rounded) && !Double.isInfinite(value)) {
			throw config.wrong(name, "a number within the range of single precision", String.valueOf(value));
		}
		return rounded;
	}

	static String stringOf(ModelConfig config, String name, JsonNode value) {
		if (!value.isString()) {
			throw config.wrong(name, "a text", value);
		}
		return value.stringValue();
	}

}
