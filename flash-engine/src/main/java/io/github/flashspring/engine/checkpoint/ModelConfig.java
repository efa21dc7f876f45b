package io.github.flashspring.engine.checkpoint;

import java.io.StringReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import static io.github.flashspring.engine.checkpoint.CheckpointException.quote;

/**
 * Typed, immutable view of a {@code config.json} or of an object inside it. A property
 * that is {@code null} counts as absent; a value of the wrong type or outside of any
 * sensible range is a {@link CheckpointException} that names file and property. Numbers
 * may be written as {@code {"__float__": "Infinity"}}, as transformers 5 does.
 */
public final class ModelConfig {

	private static final long MAX_FILE_BYTES = 64 << 20;

	private final Path file;

	/** Name of the enclosing property with a dot behind it; empty at the top. */
	private final String prefix;

	private final ObjectNode node;

	private ModelConfig(Path file, String prefix, ObjectNode node) {
		this.file = file;
		this.prefix = prefix;
		this.node = node;
	}

	/**
	 * Reads a file.
	 * @param file a file that holds one JSON object, at most 64 MB
	 * @return the view
	 * @throws CheckpointException if the file cannot be read or is not a JSON object
	 */
	public static ModelConfig read(Path file) {
		return read(file, MAX_FILE_BYTES);
	}

	static ModelConfig read(Path file, long limit) {
		return new ModelConfig(file, "", Json.readObject(file, limit));
	}

	/**
	 * Parses a text.
	 * @param file the name that messages give to the text
	 * @param json one JSON object
	 * @return the view
	 * @throws CheckpointException if the text is not a JSON object
	 */
	public static ModelConfig parse(Path file, String json) {
		return new ModelConfig(file, "", Json.object(file, new StringReader(json)));
	}

	/**
	 * The file that the settings come from.
	 * @return its path
	 */
	public Path file() {
		return this.file;
	}

	/**
	 * Architecture family, for example {@code llama}.
	 * @return {@code model_type}
	 */
	public String modelType() {
		return getString("model_type");
	}

	/**
	 * Names of all properties that are not null.
	 * @return the names in the order of the file
	 */
	public Set<String> names() {
		Set<String> names = new LinkedHashSet<>(this.node.propertyNames());
		names.removeIf((name) -> !has(name));
		return names;
	}

	/**
	 * Whether a property is present and not null.
	 * @param name the property
	 * @return true if it has a value
	 */
	public boolean has(String name) {
		return find(name) != null;
	}

	/**
	 * Whether a property is present without a value, which for some settings is not the
	 * same as to leave it out.
	 * @param name the property
	 * @return true if it is null
	 */
	public boolean isNull(String name) {
		JsonNode value = this.node.get(name);
		return value != null && value.isNull();
	}

	/**
	 * A required whole number.
	 * @param name the property
	 * @return its value, within the bounds that are known for this property
	 */
	public int getInt(String name) {
		return findInt(name).orElseThrow(() -> missing(name, "a whole number"));
	}

	/**
	 * A required whole number above 0.
	 * @param name the property
	 * @return its value
	 */
	public int getPositiveInt(String name) {
		int value = getInt(name);
		if (value < 1) {
			throw wrong(name, "a number above 0", String.valueOf(value));
		}
		return value;
	}

	/**
	 * A whole number with a default.
	 * @param name the property
	 * @param absent the value if the property is absent
	 * @return its value
	 */
	public int getInt(String name, int absent) {
		return findInt(name).orElse(absent);
	}

	/**
	 * A whole number that is not the same when it is null as when it is left out.
	 * @param name the property
	 * @param absent the value if the property is left out
	 * @param ifNull the value if it is null
	 * @return its value
	 */
	public int getInt(String name, int absent, int ifNull) {
		return getInt(name, isNull(name) ? ifNull : absent);
	}

	/**
	 * An optional whole number.
	 * @param name the property
	 * @return its value, empty if absent
	 */
	public OptionalInt findInt(String name) {
		JsonNode value = find(name);
		return (value != null) ? OptionalInt.of(intOf(name, value)) : OptionalInt.empty();
	}

	/**
	 * Whole numbers, as in {@code eos_token_id}: one number or a list.
	 * @param name the property
	 * @return the values, empty if absent
	 */
	public List<Integer> getInts(String name) {
		return list(name, (value) -> intOf(name, value));
	}

	/**
	 * A required number.
	 * @param name the property
	 * @return its value; infinite or NaN only if the file says so
	 */
	public double getDouble(String name) {
		return findDouble(name).orElseThrow(() -> missing(name, "a number"));
	}

	/**
	 * A number with a default.
	 * @param name the property
	 * @param absent the value if the property is absent
	 * @return its value
	 */
	public double getDouble(String name, double absent) {
		return findDouble(name).orElse(absent);
	}

	/**
	 * An optional number.
	 * @param name the property
	 * @return its value, empty if absent
	 */
	public OptionalDouble findDouble(String name) {
		JsonNode value = find(name);
		return (value != null) ? OptionalDouble.of(doubleOf(name, value)) : OptionalDouble.empty();
	}

	/**
	 * Numbers: one or a list.
	 * @param name the property
	 * @return the values, empty if absent
	 */
	public List<Double> getDoubles(String name) {
		return list(name, (value) -> doubleOf(name, value));
	}

	/**
	 * A required number in single precision.
	 * @param name the property
	 * @return its value rounded to nearest
	 */
	public float getFloat(String name) {
		return floatOf(name, getDouble(name));
	}

	/**
	 * A number in single precision with a default.
	 * @param name the property
	 * @param absent the value if the property is absent
	 * @return its value rounded to nearest
	 */
	public float getFloat(String name, float absent) {
		OptionalDouble value = findDouble(name);
		return value.isPresent() ? floatOf(name, value.getAsDouble()) : absent;
	}

	/**
	 * A number in single precision that is not the same when it is null as when it is
	 * left out.
	 * @param name the property
	 * @param absent the value if the property is left out
	 * @param ifNull the value if it is null
	 * @return its value rounded to nearest
	 */
	public float getFloat(String name, float absent, float ifNull) {
		return getFloat(name, isNull(name) ? ifNull : absent);
	}

	/**
	 * A required truth value.
	 * @param name the property
	 * @return its value
	 */
	public boolean getBoolean(String name) {
		return findBoolean(name).orElseThrow(() -> missing(name, "true or false"));
	}

	/**
	 * A truth value with a default.
	 * @param name the property
	 * @param absent the value if the property is absent
	 * @return its value
	 */
	public boolean getBoolean(String name, boolean absent) {
		return findBoolean(name).orElse(absent);
	}

	/**
	 * An optional truth value.
	 * @param name the property
	 * @return its value, empty if absent
	 */
	public Optional<Boolean> findBoolean(String name) {
		JsonNode value = find(name);
		if (value == null) {
			return Optional.empty();
		}
		if (!value.isBoolean()) {
			throw wrong(name, "true or false", value);
		}
		return Optional.of(value.booleanValue());
	}

	/**
	 * A required text.
	 * @param name the property
	 * @return its value
	 */
	public String getString(String name) {
		return findString(name).orElseThrow(() -> missing(name, "a text"));
	}

	/**
	 * A text with a default.
	 * @param name the property
	 * @param absent the value if the property is absent
	 * @return its value
	 */
	public String getString(String name, String absent) {
		return findString(name).orElse(absent);
	}

	/**
	 * An optional text.
	 * @param name the property
	 * @return its value, empty if absent
	 */
	public Optional<String> findString(String name) {
		JsonNode value = find(name);
		return (value != null) ? Optional.of(stringOf(name, value)) : Optional.empty();
	}

	/**
	 * Texts, as in {@code architectures} or {@code layer_types}: one text or a list.
	 * @param name the property
	 * @return the values, empty if absent
	 */
	public List<String> getStrings(String name) {
		return list(name, (value) -> stringOf(name, value));
	}

	/**
	 * A nested object.
	 * @param name the property
	 * @return a view of it, empty if absent
	 */
	public Optional<ModelConfig> child(String name) {
		JsonNode value = find(name);
		if (value == null) {
			return Optional.empty();
		}
		if (value instanceof ObjectNode object) {
			return Optional.of(new ModelConfig(this.file, this.prefix + name + ".", object));
		}
		throw wrong(name, "an object", value);
	}

	/**
	 * The settings of rotary position embeddings that hold for all layers.
	 * @return old and new spellings unified
	 * @throws CheckpointException if the file gives them per layer type
	 */
	public RopeParameters ropeParameters() {
		return ropeParameters(RopeParameters.DEFAULT_THETA);
	}

	/**
	 * The settings of rotary position embeddings that hold for all layers.
	 * @param theta base of the frequencies if the file does not say
	 * @return old and new spellings unified
	 * @throws CheckpointException if the file gives them per layer type
	 */
	public RopeParameters ropeParameters(double theta) {
		return RopeParameters.of(this, null, theta);
	}

	/**
	 * The settings of rotary position embeddings for one type of layers.
	 * @param layerType for example {@code sliding_attention}
	 * @param theta base of the frequencies if the file does not say
	 * @return those of the type if the file distinguishes types, else those for all
	 * layers
	 */
	public RopeParameters ropeParameters(String layerType, double theta) {
		return RopeParameters.of(this, layerType, theta);
	}

	/**
	 * How the checkpoint's tensors are quantised.
	 * @return MLX's settings; {@link QuantizationConfig#none()} if there are none
	 * @throws CheckpointException if the checkpoint is quantised in a way that the engine
	 * does not read
	 */
	public QuantizationConfig quantization() {
		return QuantizationConfig.of(this);
	}

	/**
	 * An exception about one property.
	 * @param name the property
	 * @param expected what would be right
	 * @param found what is there
	 * @return the exception, to be thrown
	 */
	public CheckpointException wrong(String name, String expected, String found) {
		return new CheckpointException("Property " + quote(this.prefix + name) + " of " + this.file + ": expected "
				+ expected + ", found " + found + ".", "Correct the file or download it again.");
	}

	/**
	 * The property that holds this object, with those that enclose it; empty at the top.
	 */
	String name() {
		return this.prefix.isEmpty() ? "" : this.prefix.substring(0, this.prefix.length() - 1);
	}

	boolean isBoolean(String name) {
		JsonNode value = find(name);
		return value != null && value.isBoolean();
	}

	boolean isObject(String name) {
		JsonNode value = find(name);
		return value != null && value.isObject();
	}

	private @Nullable JsonNode find(String name) {
		JsonNode value = this.node.get(name);
		return (value == null || value.isNull()) ? null : value;
	}

	private <T> List<T> list(String name, Function<JsonNode, T> convert) {
		JsonNode value = find(name);
		if (value == null) {
			return List.of();
		}
		if (!value.isArray()) {
			return List.of(convert.apply(value));
		}
		Collection<JsonNode> elements = value.values();
		List<T> list = new ArrayList<>(elements.size());
		for (JsonNode element : elements) {
			list.add(convert.apply(element));
		}
		return List.copyOf(list);
	}

	private int intOf(String name, JsonNode value) {
		ConfigBounds bounds = ConfigBounds.of(name);
		boolean whole = value.isIntegralNumber()
				|| (value.isNumber() && value.doubleValue() == Math.rint(value.doubleValue()));
		if (!whole) {
			throw wrong(name, "a whole number", value);
		}
		boolean exact = value.isIntegralNumber() ? value.bigIntegerValue().bitLength() < Long.SIZE
				: Math.abs(value.doubleValue()) < 0x1p53;
		long number = exact ? (value.isIntegralNumber() ? value.longValue() : (long) value.doubleValue()) : 0;
		if (!exact || number < bounds.least() || number > bounds.most()) {
			throw wrong(name, "a whole number from " + bounds.least() + " to " + bounds.most(), value);
		}
		return (int) number;
	}

	private double doubleOf(String name, JsonNode value) {
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
				default -> throw wrong(name, "Infinity, -Infinity or NaN as __float__", quote(text.stringValue()));
			}
		}
		throw wrong(name, "a number", value);
	}

	private float floatOf(String name, double value) {
		float rounded = (float) value;
		if (Float.isInfinite(rounded) && !Double.isInfinite(value)) {
			throw wrong(name, "a number within the range of single precision", String.valueOf(value));
		}
		return rounded;
	}

	private String stringOf(String name, JsonNode value) {
		if (!value.isString()) {
			throw wrong(name, "a text", value);
		}
		return value.stringValue();
	}

	private CheckpointException wrong(String name, String expected, JsonNode found) {
		return wrong(name, expected, Json.describe(found));
	}

	private CheckpointException missing(String name, String expected) {
		return wrong(name, expected, "nothing");
	}

	@Override
	public String toString() {
		return this.prefix.isEmpty() ? this.file.toString() : this.prefix + " of " + this.file;
	}

}
