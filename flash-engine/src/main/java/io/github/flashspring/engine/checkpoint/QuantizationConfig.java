package io.github.flashspring.engine.checkpoint;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import org.jspecify.annotations.Nullable;

import static io.github.flashspring.engine.checkpoint.CheckpointException.quote;

/**
 * The quantisation of a checkpoint: in MLX's layout a default and exceptions per module,
 * as {@code quantization} (or {@code quantization_config}) of {@code config.json} lists
 * them; otherwise what a {@code quant_method} that the engine reads means. A module
 * without an exception is quantised if its scales exist, so ask
 * {@link Checkpoint#quantization(String)} about tensors.
 */
public final class QuantizationConfig {

	private static final QuantizationConfig NONE = new QuantizationConfig(Naming.MLX, null, Map.of());

	/** What somebody can do whose model is quantised by another program. */
	static final String CONVERSION = "Use a conversion of the model to MLX's layout (from the hub's mlx-community, "
			+ "or made of the unquantised model with mlx_lm.convert -q), or the unquantised model.";

	private final Naming naming;

	private final @Nullable Quantization standard;

	private final Map<String, Optional<Quantization>> overrides;

	private QuantizationConfig(Naming naming, @Nullable Quantization standard,
			Map<String, Optional<Quantization>> overrides) {
		this.naming = naming;
		this.standard = standard;
		this.overrides = Map.copyOf(overrides);
	}

	/**
	 * The config of a checkpoint that is not quantised.
	 * @return no default, no exceptions
	 */
	public static QuantizationConfig none() {
		return NONE;
	}

	/**
	 * How the tensors of quantised modules are called.
	 * @return MLX's names if nothing is quantised
	 */
	Naming naming() {
		return this.naming;
	}

	/**
	 * Whether the file has a property for quantisation at all.
	 * @return true if there is a default
	 */
	public boolean isPresent() {
		return this.standard != null;
	}

	/**
	 * The setting for modules without an exception.
	 * @return empty if the checkpoint is not quantised
	 */
	public Optional<Quantization> standard() {
		return Optional.ofNullable(this.standard);
	}

	/**
	 * The exception for a module, if the file makes one.
	 * @param module for example {@code model.layers.0.mlp.down_proj}
	 * @return {@code null} if there is none; empty if the module is expressly not
	 * quantised
	 */
	@Nullable Optional<Quantization> override(String module) {
		return this.overrides.get(module);
	}

	/**
	 * What the file says about a module.
	 * @param module for example {@code model.layers.0.mlp.down_proj}
	 * @return its exception or the default; empty if it is not quantised
	 */
	public Optional<Quantization> of(String module) {
		return this.overrides.getOrDefault(module, standard());
	}

	static QuantizationConfig of(ModelConfig config) {
		if (config.has("compression_config")) {
			throw foreign(config, "property 'compression_config'", "compressed-tensors");
		}
		ModelConfig properties = config.child("quantization")
			.or(() -> config.child("quantization_config"))
			.orElse(null);
		if (properties == null) {
			return NONE;
		}
		String method = properties.findString("quant_method").orElse(null);
		if (method != null) {
			return switch (method) {
				case "mxfp4" ->
					new QuantizationConfig(Naming.BLOCKS, new Quantization(Quantization.Mode.MXFP4, 4, 32), Map.of());
				case "fp8" -> new QuantizationConfig(Naming.RECTANGLES, rectangles(properties), Map.of());
				default -> throw foreign(config, "property '" + properties.name() + ".quant_method'", method);
			};
		}
		if (!properties.has("bits") && !properties.has("mode") && !properties.has("group_size")) {
			throw foreign(config, "property '" + properties.name() + "'", "unknown");
		}
		Quantization standard = parse(properties);
		Map<String, Optional<Quantization>> overrides = new LinkedHashMap<>();
		for (String name : properties.names()) {
			if (properties.isObject(name)) {
				overrides.put(name, Optional.of(parse(properties.child(name).orElseThrow())));
			}
			else if (properties.isBoolean(name)) {
				overrides.put(name, properties.getBoolean(name) ? Optional.of(standard) : Optional.empty());
			}
		}
		return new QuantizationConfig(Naming.MLX, standard, overrides);
	}

	private static CheckpointException foreign(ModelConfig config, String where, String method) {
		return new CheckpointException("The checkpoint of " + config.file() + " is quantised by the method "
				+ quote(method) + " (" + where + "), which is not supported.", CONVERSION);
	}

	/** FP8 as DeepSeek publishes it: a scale for each rectangle of a weight. */
	private static Quantization rectangles(ModelConfig properties) {
		String format = properties.getString("fmt", "e4m3");
		if (!format.equals("e4m3")) {
			throw properties.wrong("fmt", "e4m3", quote(format));
		}
		String activations = properties.getString("activation_scheme", "dynamic");
		if (!activations.equals("dynamic")) {
			throw properties.wrong("activation_scheme", "dynamic (scales of activations are not in use here)",
					quote(activations));
		}
		List<Integer> size = properties.getInts("weight_block_size");
		try {
			if (size.size() == 2) {
				return new Quantization(Quantization.Mode.FP8, 8, size.get(1), size.get(0));
			}
		}
		catch (IllegalArgumentException ex) {
			// the message below says what is wrong
		}
		throw properties.wrong("weight_block_size",
				"rows and columns of the blocks that share a scale, such as [128, 128], columns a multiple of 16",
				size.isEmpty() ? "nothing" : size.toString());
	}

	private static Quantization parse(ModelConfig properties) {
		String name = properties.getString("mode", Quantization.Mode.AFFINE.toString());
		Quantization.Mode mode = Quantization.Mode.of(name).orElse(null);
		Quantization.Mode defaults = (mode != null) ? mode : Quantization.Mode.AFFINE;
		int groupSize = properties.getInt("group_size", defaults.groupSize());
		int bits = properties.getInt("bits", defaults.bits());
		if (mode != null && mode != Quantization.Mode.FP8 && mode.accepts(bits, groupSize, 1)) {
			return new Quantization(mode, bits, groupSize);
		}
		throw properties.wrong("mode",
				"a quantisation that MLX knows (affine with 1, 2, 3, 4, 5, 6 or 8 bits in groups "
						+ "of 32, 64 or 128; mxfp4, mxfp8 or nvfp4)",
				quote(name) + " with " + bits + " bits, groups of " + groupSize);
	}

	/** How the tensors of a quantised module are called. */
	enum Naming {

		/** {@code weight}, {@code scales}, {@code biases}. */
		MLX,

		/**
		 * OpenAI's: {@code _blocks} [matrices, rows, groups, 16] and {@code _scales}
		 * [matrices, rows, groups], U8, without a dot before them.
		 */
		BLOCKS,

		/** DeepSeek's: {@code weight} and {@code weight_scale_inv}. */
		RECTANGLES

	}

}
