package io.github.flashspring.engine.model;

import java.util.Map;
import java.util.TreeMap;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.device.Activation;

/**
 * Activations by the names that {@code config.json} gives them.
 *
 * @see <a href=
 * "https://github.com/huggingface/transformers/blob/main/src/transformers/activations.py">transformers,
 * whose names these are</a>
 */
final class ActivationNames {

	private static final Map<String, Activation> KNOWN = new TreeMap<>(Map.ofEntries(Map.entry("silu", Activation.SILU),
			Map.entry("swish", Activation.SILU), Map.entry("gelu", Activation.GELU),
			Map.entry("gelu_python", Activation.GELU), Map.entry("gelu_accurate", Activation.GELU_TANH),
			Map.entry("gelu_fast", Activation.GELU_TANH), Map.entry("gelu_new", Activation.GELU_TANH),
			Map.entry("gelu_python_tanh", Activation.GELU_TANH), Map.entry("gelu_pytorch_tanh", Activation.GELU_TANH),
			Map.entry("quick_gelu", Activation.QUICK_GELU), Map.entry("relu", Activation.RELU),
			Map.entry("relu2", Activation.SQUARED_RELU)));

	private ActivationNames() {
	}

	/**
	 * Reads an activation.
	 * @param config the model's config
	 * @param property its name there
	 * @param absent the one that is used if the file does not say
	 * @return the activation
	 * @throws UnsupportedArchitectureException if it is not known
	 */
	static Activation of(ModelConfig config, String property, Activation absent) {
		if (!config.has(property)) {
			return absent;
		}
		String name = config.getString(property);
		Activation activation = KNOWN.get(name);
		if (activation == null) {
			throw new UnsupportedArchitectureException(config.file() + ": " + property + " \"" + name
					+ "\" is not supported; supported are " + String.join(", ", KNOWN.keySet()) + ".",
					"Choose a model with one of these.");
		}
		return activation;
	}

}
