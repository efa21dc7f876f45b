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

	/** The file that the properties come from. */
	public Path file() {
		return this.file;
	}

	/** {@code model_type}, the architecture. */
	public String modelType() {
		return getString("model_type");
	}

	/** The names of all properties that are not null, in the order of the file. */
	public Set<String> names() {
		Set<String> names = new LinkedHashSet<>(this.node.propertyNames());
		names.removeIf((name) -> !has(name));
		return names;
	}

	/** Whether a property is present and not null. */
	public boolean has(String name) {
		return find(name) != null;
	}

	/** Whether a property is null, which for some differs from leaving it out. */
	public boolean isNull(String name) {
		JsonNode value = this.node.get(name);
		return value != null && value.isNull();
	}

	/**
	 * The whole number of a property that must be present, within the bounds that are
	 * known for it.
	 */
	public int getInt(String name) {
		return findInt(name).orElseThrow(() -> missing(name, "a whole number"));
	}

	/** The whole number above 0 of a property that must be present. */
	public int getPositiveInt(String name) {
		int value = getInt(name);
		if (value < 1) {
			throw wrong(name, "a number above 0", String.valueOf(value));
		}
		return value;
	}

	/** The whole number of a property, {@code absent} if it has none. */
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

	/** The whole number of a property, empty if absent. */
	public OptionalInt findInt(String name) {
		JsonNode value = find(name);
		return (value != null) ? OptionalInt.of(ConfigValues.intOf(this, name, value)) : OptionalInt.empty();
	}

	/**
	 * The whole number or list of them of a property such as {@code eos_token_id}, empty
	 * if absent.
	 */
	public List<Integer> getInts(String name) {
		return list(name, (value) -> ConfigValues.intOf(this, name, value));
	}

	/**
	 * The number of a property that must be present; infinite or NaN only if the file
	 * says so.
	 */
	public double getDouble(String name) {
		return findDouble(name).orElseThrow(() -> missing(name, "a number"));
	}

	/** The number of a property, {@code absent} if it has none. */
	public double getDouble(String name, double absent) {
		return findDouble(name).orElse(absent);
	}

	/** The number of a property, empty if absent. */
	public OptionalDouble findDouble(String name) {
		JsonNode value = find(name);
		return (value != null) ? OptionalDouble.of(ConfigValues.doubleOf(this, name, value)) : OptionalDouble.empty();
	}

	/** The number or list of numbers of a property, empty if absent. */
	public List<Double> getDoubles(String name) {
		return list(name, (value) -> ConfigValues.doubleOf(this, name, value));
	}

	/** The number of a property that must be present, rounded to nearest. */
	public float getFloat(String name) {
		return ConfigValues.floatOf(this, name, getDouble(name));
	}

	/** The number in single precision of a property, {@code absent} if it has none. */
	public float getFloat(String name, float absent) {
		OptionalDouble value = findDouble(name);
		return value.isPresent() ? ConfigValues.floatOf(this, name, value.getAsDouble()) : absent;
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

	/** The truth value of a property that must be present. */
	public boolean getBoolean(String name) {
		return findBoolean(name).orElseThrow(() -> missing(name, "true or false"));
	}

	/** The truth value of a property, {@code absent} if it has none. */
	public boolean getBoolean(String name, boolean absent) {
		return findBoolean(name).orElse(absent);
	}

	/** The truth value of a property, empty if absent. */
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

	/** The text of a property that must be present. */
	public String getString(String name) {
		return findString(name).orElseThrow(() -> missing(name, "a text"));
	}

	/** The text of a property, {@code absent} if it has none. */
	public String getString(String name, String absent) {
		return findString(name).orElse(absent);
	}

	/** The text of a property, empty if absent. */
	public Optional<String> findString(String name) {
		JsonNode value = find(name);
		return (value != null) ? Optional.of(ConfigValues.stringOf(this, name, value)) : Optional.empty();
	}

	/**
	 * The text or list of texts of a property such as {@code layer_types}, empty if
	 * absent.
	 */
	public List<String> getStrings(String name) {
		return list(name, (value) -> ConfigValues.stringOf(this, name, value));
	}

	/** A view of the object of a property, empty if absent. */
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
	 * Parameters of rotary position embeddings that hold for all layers.
	 * @return old and new spellings unified
	 * @throws CheckpointException if the file gives them per layer type
	 */
	public RopeParameters ropeParameters() {
		return ropeParameters(RopeParameters.DEFAULT_THETA);
	}

	/**
	 * Parameters of rotary position embeddings that hold for all layers.
	 * @param theta base of the frequencies if the file does not say
	 * @return old and new spellings unified
	 * @throws CheckpointException if the file gives them per layer type
	 */
	public RopeParameters ropeParameters(double theta) {
		return RopeParameters.of(this, null, theta);
	}

	/**
	 * Parameters of rotary position embeddings for one type of layers.
	 * @param layerType for example {@code sliding_attention}
	 * @param theta base of the frequencies if the file does not say
	 * @return those of the type if the file distinguishes types, otherwise those for all
	 * layers
	 */
	public RopeParameters ropeParameters(String layerType, double theta) {
		return RopeParameters.of(this, layerType, theta);
	}

	/**
	 * How the checkpoint's tensors are quantised.
	 * @return the config; {@link QuantizationConfig#none()} if there are none
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

	/** The path of the property that holds this object; empty at the top. */
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

	CheckpointException wrong(String name, String expected, JsonNode found) {
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
