package io.github.flashspring.engine.model;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

import io.github.flashspring.engine.checkpoint.ModelConfig;

/**
 * The architectures that the engine knows, by {@code model_type}.
 */
public final class Architectures {

	private static final Map<String, Function<ModelConfig, ModelDefinition>> KNOWN = new TreeMap<>(
			Map.of("llama", Llama::define, "mistral", Mistral::define, "qwen2", Qwen2::define, "qwen3", Qwen3::define));

	private Architectures() {
	}

	/**
	 * Defines the model of a config.
	 * @param config a checkpoint's {@code config.json}
	 * @return its parts
	 * @throws UnsupportedArchitectureException if the architecture or an option of it is
	 * not supported
	 */
	public static ModelDefinition define(ModelConfig config) {
		Function<ModelConfig, ModelDefinition> architecture = KNOWN.get(config.modelType());
		if (architecture == null) {
			throw new UnsupportedArchitectureException(config.file() + ": model_type \"" + config.modelType()
					+ "\" is not supported; supported are " + String.join(", ", KNOWN.keySet()));
		}
		return architecture.apply(config);
	}

}
