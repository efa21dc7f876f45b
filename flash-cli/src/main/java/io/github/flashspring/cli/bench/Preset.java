package io.github.flashspring.cli.bench;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Well-known models whose exact shapes can be written.
 */
enum Preset {

	/** Meta's Llama 3.2 with 1.2 billion parameters. */
	LLAMA_3_2_1B("llama-3.2-1b"),

	/** Meta's Llama 3.1 with 8 billion parameters. */
	LLAMA_3_1_8B("llama-3.1-8b"),

	/** Alibaba's Qwen3 with 30 billion parameters, of which 3 are active. */
	QWEN3_30B_A3B("qwen3-30b-a3b"),

	/** NVIDIA's Nemotron 3 Nano with 32 billion parameters, of which 3 are active. */
	NEMOTRON_3_NANO_30B_A3B("nemotron-3-nano-30b-a3b"),

	/** OpenAI's gpt-oss with 21 billion parameters, of which 4 are active. */
	GPT_OSS_20B("gpt-oss-20b"),

	/** Hugging Face's SmolLM2 with 135 million parameters. */
	SMOLLM2_135M("smollm2-135m");

	private final String id;

	Preset(String id) {
		this.id = id;
	}

	static List<String> ids() {
		return Arrays.stream(values()).map((preset) -> preset.id).toList();
	}

	/**
	 * The config of the whole model.
	 * @return a copy, without quantisation
	 */
	ObjectNode config() {
		try (InputStream in = Preset.class.getResourceAsStream(this.id + ".json")) {
			return (ObjectNode) JsonMapper.shared().readTree(Objects.requireNonNull(in));
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	/**
	 * The config of the first layers.
	 * @param layers how many
	 * @return a copy, without quantisation
	 * @throws IllegalArgumentException if the model has fewer layers
	 */
	ObjectNode config(int layers) {
		ObjectNode config = config();
		int all = config.path("num_hidden_layers").intValue();
		if (layers < 1 || layers > all) {
			throw new IllegalArgumentException(
					"--layers must be 1 to %d for %s, but is %d".formatted(all, this.id, layers));
		}
		config.put("num_hidden_layers", layers);
		if (config.path("hybrid_override_pattern").isString()) {
			config.put("hybrid_override_pattern",
					config.path("hybrid_override_pattern").stringValue().substring(0, layers));
		}
		if (config.path("layer_types") instanceof ArrayNode types) {
			while (types.size() > layers) {
				types.remove(types.size() - 1);
			}
		}
		return config;
	}

	@Override
	public String toString() {
		return this.id;
	}

	/** Reads a name. */
	static final class Converter implements ITypeConverter<Preset> {

		@Override
		public Preset convert(String text) {
			return Arrays.stream(values())
				.filter((preset) -> preset.id.equals(text.toLowerCase(Locale.ROOT)))
				.findFirst()
				.orElseThrow(() -> new TypeConversionException(
						"'" + text + "' is not a preset. Expected " + String.join(", ", ids()) + "."));
		}

	}

}
