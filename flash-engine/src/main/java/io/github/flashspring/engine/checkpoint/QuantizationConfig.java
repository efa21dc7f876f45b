package io.github.flashspring.engine.checkpoint;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

import org.jspecify.annotations.Nullable;

import static io.github.flashspring.engine.checkpoint.CheckpointException.quote;

/**
 * The quantisation settings of a checkpoint in MLX's layout: a default and exceptions per
 * module, as {@code quantization} (or {@code quantization_config}) of {@code config.json}
 * lists them. MLX's rule is that a module without an exception is quantised if its
 * {@code .scales} exist, so ask {@link Checkpoint#quantization(String)} about tensors.
 */
public final class QuantizationConfig {

	private static final QuantizationConfig NONE = new QuantizationConfig(null, Map.of());

	private final @Nullable Quantization standard;

	private final Map<String, Optional<Quantization>> overrides;

	private QuantizationConfig(@Nullable Quantization standard, Map<String, Optional<Quantization>> overrides) {
		this.standard = standard;
		this.overrides = Map.copyOf(overrides);
	}

	/**
	 * Settings of a checkpoint that is not quantised.
	 * @return no default, no exceptions
	 */
	public static QuantizationConfig none() {
		return NONE;
	}

	/**
	 * Whether the file has quantisation settings at all.
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
		ModelConfig settings = config.child("quantization").or(() -> config.child("quantization_config")).orElse(null);
		if (settings == null) {
			return NONE;
		}
		refuseForeign(config, settings);
		Quantization standard = parse(settings);
		Map<String, Optional<Quantization>> overrides = new LinkedHashMap<>();
		for (String name : settings.names()) {
			if (settings.isObject(name)) {
				overrides.put(name, Optional.of(parse(settings.child(name).orElseThrow())));
			}
			else if (settings.isBoolean(name)) {
				overrides.put(name, settings.getBoolean(name) ? Optional.of(standard) : Optional.empty());
			}
		}
		return new QuantizationConfig(standard, overrides);
	}

	private static void refuseForeign(ModelConfig config, ModelConfig settings) {
		String method = settings.findString("quant_method").orElse(null);
		if (method == null && (settings.has("bits") || settings.has("mode") || settings.has("group_size"))) {
			return;
		}
		throw new CheckpointException(
				"The checkpoint of " + config.file() + " is quantised by the method "
						+ quote((method != null) ? method : "unknown") + ", which is not supported.",
				"Use the unquantised model or a conversion to MLX's layout with 4 or 8 bits "
						+ "(for example from the hub's mlx-community).");
	}

	private static Quantization parse(ModelConfig settings) {
		String mode = settings.getString("mode", Quantization.AFFINE);
		int groupSize = settings.getInt("group_size", switch (mode) {
			case "mxfp4", "mxfp8" -> 32;
			case "nvfp4" -> 16;
			default -> 64;
		});
		int bits = settings.getInt("bits", mode.equals("mxfp8") ? 8 : 4);
		try {
			return new Quantization(mode, bits, groupSize);
		}
		catch (IllegalArgumentException ex) {
			throw settings.wrong("mode",
					"a quantisation that MLX knows (affine with 2, 3, 4, 5, 6 or 8 bits in groups "
							+ "of 32, 64 or 128; mxfp4, mxfp8 or nvfp4)",
					quote(mode) + " with " + bits + " bits, groups of " + groupSize);
		}
	}

}
