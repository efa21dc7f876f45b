package io.github.flashspring.engine.model;

import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.IntUnaryOperator;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.ModelConfig;

/**
 * The architectures that the engine knows, by {@code model_type}.
 */
public final class Architectures {

	private static final Map<String, Function<ModelSource, ModelDefinition>> KNOWN = new TreeMap<>(
			Map.ofEntries(Map.entry("deepseek_v2", DeepSeek::v2), Map.entry("deepseek_v3", DeepSeek::v3),
					Map.entry("gpt_oss", GptOss::define), Map.entry("mamba2", Mamba2::define),
					Map.entry("nemotron_h", NemotronH::define), Map.entry("gemma2", Gemma2::define),
					Map.entry("gemma3_text", Gemma3::define), Map.entry("granite", Granite::define),
					Map.entry("llama", Llama::define), Map.entry("mistral", Mistral::define),
					Map.entry("mixtral", Mixtral::define), Map.entry("nemotron", Nemotron::define),
					Map.entry("olmo2", Olmo2::define), Map.entry("phi3", Phi3::define),
					Map.entry("qwen2", Qwen2::define), Map.entry("qwen2_moe", Qwen2Moe::define),
					Map.entry("qwen3_moe", Qwen3Moe::define), Map.entry("qwen3", Qwen3::define)));

	private Architectures() {
	}

	/**
	 * Defines the model of a checkpoint.
	 * @param checkpoint its {@code config.json} says what it is
	 * @param contextLength positions that are planned for, given those that the model was
	 * made for
	 * @return its parts
	 * @throws UnsupportedArchitectureException if the architecture or an option of it is
	 * not supported
	 */
	public static ModelDefinition define(Checkpoint checkpoint, IntUnaryOperator contextLength) {
		ModelConfig config = checkpoint.config();
		Function<ModelSource, ModelDefinition> architecture = KNOWN.get(config.modelType());
		if (architecture == null) {
			throw unsupported(config);
		}
		return architecture.apply(new ModelSource(checkpoint, contextLength));
	}

	private static UnsupportedArchitectureException unsupported(ModelConfig config) {
		String type = config.modelType();
		String spelling = KNOWN.keySet()
			.stream()
			.filter((known) -> isMisspelling(type, known))
			.findFirst()
			.map((known) -> " Did you mean '" + known + "'?")
			.orElse("");
		String text = config.child("text_config")
			.flatMap((inner) -> inner.findString("model_type"))
			.filter(KNOWN::containsKey)
			.map((inner) -> " It wraps a model of the supported type '" + inner
					+ "', whose own checkpoint can be used.")
			.orElse("");
		return new UnsupportedArchitectureException(config.file() + ": Unsupported model type '" + type + "'."
				+ spelling + text + " Supported are " + String.join(", ", KNOWN.keySet()) + ".",
				"Choose a model of one of these architectures.");
	}

	/**
	 * Whether a name is another one with a slip: in separators and capitals, and in one
	 * letter after the first. Another number is another architecture, not a slip.
	 */
	private static boolean isMisspelling(String type, String known) {
		String name = type.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "");
		String other = known.replaceAll("[^a-z0-9]", "");
		return !name.isEmpty() && name.charAt(0) == other.charAt(0)
				&& name.replaceAll("[a-z]", "").equals(other.replaceAll("[a-z]", "")) && distance(name, other) <= 1;
	}

	/** Letters to be inserted, deleted or replaced. */
	private static int distance(String a, String b) {
		int[] row = new int[b.length() + 1];
		for (int j = 0; j <= b.length(); j++) {
			row[j] = j;
		}
		for (int i = 1; i <= a.length(); i++) {
			int diagonal = row[0];
			row[0] = i;
			for (int j = 1; j <= b.length(); j++) {
				int replaced = diagonal + ((a.charAt(i - 1) == b.charAt(j - 1)) ? 0 : 1);
				diagonal = row[j];
				row[j] = Math.min(replaced, Math.min(row[j - 1], diagonal) + 1);
			}
		}
		return row[b.length()];
	}

}
