package io.github.flashspring.engine.checkpoint.gguf;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import org.jspecify.annotations.Nullable;

/**
 * Typed access to the key-value pairs of a GGUF file.
 */
final class GgufMetadata {

	private final Path file;

	/** String, Boolean, Long, Double, or List, long[], double[] and boolean[] of them. */
	private final Map<String, Object> values;

	GgufMetadata(Path file, Map<String, Object> values) {
		this.file = file;
		this.values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
	}

	Set<String> keys() {
		return this.values.keySet();
	}

	boolean has(String key) {
		return this.values.containsKey(key);
	}

	String requireString(String key) {
		return findString(key).orElseThrow(() -> wrong(key, "a text", null));
	}

	Optional<String> findString(String key) {
		Object value = this.values.get(key);
		if (value == null) {
			return Optional.empty();
		}
		if (value instanceof String text) {
			return Optional.of(text);
		}
		throw wrong(key, "a text", value);
	}

	/** A whole number from {@code least} to {@code most}. */
	int requireInt(String key, int least, int most) {
		return findInt(key, least, most)
			.orElseThrow(() -> wrong(key, "a whole number from " + least + " to " + most, null));
	}

	OptionalInt findInt(String key, int least, int most) {
		Object value = this.values.get(key);
		if (value == null) {
			return OptionalInt.empty();
		}
		// Files of some writers give one number per layer where all are equal.
		if (value instanceof long[] numbers && numbers.length > 0
				&& Arrays.stream(numbers).allMatch((number) -> number == numbers[0])) {
			value = numbers[0];
		}
		if (value instanceof Long number && number >= least && number <= most) {
			return OptionalInt.of(number.intValue());
		}
		throw wrong(key, "a whole number from " + least + " to " + most, value);
	}

	/** A finite number. */
	double requireDouble(String key) {
		Double value = findDouble(key);
		if (value == null) {
			throw wrong(key, "a number", null);
		}
		return value;
	}

	@Nullable Double findDouble(String key) {
		Object value = this.values.get(key);
		if (value == null) {
			return null;
		}
		if (value instanceof Long number) {
			return number.doubleValue();
		}
		if (value instanceof Double number && Double.isFinite(number)) {
			return number;
		}
		throw wrong(key, "a finite number", value);
	}

	boolean getBoolean(String key, boolean absent) {
		Object value = this.values.get(key);
		if (value == null) {
			return absent;
		}
		if (value instanceof Boolean truth) {
			return truth;
		}
		throw wrong(key, "true or false", value);
	}

	List<String> requireStrings(String key) {
		Object value = this.values.get(key);
		if (value instanceof List<?> list) {
			return list.stream().map(String.class::cast).toList();
		}
		throw wrong(key, "an array of texts", value);
	}

	/** Whole numbers, as many as {@code length}. */
	long[] requireLongs(String key, int length) {
		Object value = this.values.get(key);
		if (value instanceof long[] numbers && numbers.length == length) {
			return numbers.clone();
		}
		throw wrong(key, "an array of " + length + " whole numbers", value);
	}

	/** Numbers, as many as {@code length}. */
	double[] requireDoubles(String key, int length) {
		Object value = this.values.get(key);
		if (value instanceof double[] numbers && numbers.length == length) {
			return numbers.clone();
		}
		throw wrong(key, "an array of " + length + " numbers", value);
	}

	CheckpointException wrong(String key, String expected, @Nullable Object found) {
		String kind = switch (found) {
			case null -> "nothing";
			case String text -> "the text '" + text.substring(0, Math.min(80, text.length())) + "'";
			case List<?> list -> "an array of " + list.size();
			case long[] numbers -> "an array of " + numbers.length + " whole numbers";
			case double[] numbers -> "an array of " + numbers.length + " numbers";
			case boolean[] truths -> "an array of " + truths.length + " truth values";
			default -> found.toString();
		};
		return new CheckpointException(
				"Key '" + key + "' of " + this.file + ": expected " + expected + ", found " + kind + ".",
				"The file is damaged or made for another program: use another one.");
	}

}
