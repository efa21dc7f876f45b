package io.github.flashspring.engine;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Settings as older files spell them give the same bits as those of today.
 */
class OlderSpellingsTests {

	@TempDir
	Path folder;

	@Test
	void stretchedPositionsBesideTheirBase() throws Exception {
		check("golden/deepseek_v3", (config) -> scaling(config, "yarn"));
	}

	@Test
	void longrope() throws Exception {
		check("golden-variants/phi3-longrope", (config) -> {
			ObjectNode rope = scaling(config, "su");
			config.set("partial_rotary_factor", rope.remove("partial_rotary_factor"));
			rope.remove("original_max_position_embeddings");
		});
	}

	@Test
	void aPatternInsteadOfTypesOfLayers() throws Exception {
		check("golden/gemma3_text", (config) -> {
			config.remove("rope_parameters");
			config.remove("layer_types");
			config.put("rope_theta", 1_000_000);
			config.put("rope_local_base_freq", 10_000);
			config.put("sliding_window_pattern", 2);
		});
	}

	@Test
	void alternatingWindows() throws Exception {
		check("golden/gemma2", (config) -> {
			config.remove("layer_types");
			config.remove("tie_word_embeddings");
		});
		check("golden/gpt_oss", (config) -> {
			config.remove("layer_types");
			scaling(config, "yarn");
		});
	}

	@Test
	void lettersInsteadOfTypesOfLayers() throws Exception {
		check("golden/nemotron_h", (config) -> {
			config.remove("layers_block_type");
			config.put("hybrid_override_pattern", "ME*E");
			config.put("num_hidden_layers", 4);
		});
	}

	@Test
	void numbersOfExperts() throws Exception {
		check("golden/qwen3_moe", (config) -> config.set("num_experts", config.remove("num_local_experts")));
	}

	@Test
	void aHeadThatIsNotTheEmbeddingCountsWhateverTheSettingsSay() throws Exception {
		check("golden/llama", (config) -> config.put("tie_word_embeddings", true));
	}

	/** Moves {@code rope_parameters} to {@code rope_theta} and {@code rope_scaling}. */
	private static ObjectNode scaling(ObjectNode config, String type) {
		ObjectNode rope = (ObjectNode) config.remove("rope_parameters");
		config.set("rope_theta", rope.remove("rope_theta"));
		rope.remove("rope_type");
		rope.put("type", type);
		config.set("rope_scaling", rope);
		return rope;
	}

	private void check(String name, Consumer<ObjectNode> change) throws Exception {
		Golden golden = Golden.load(name);
		JsonMapper mapper = new JsonMapper();
		ObjectNode config = (ObjectNode) mapper.readTree(golden.folder().resolve("config.json"));
		change.accept(config);
		Path changed = Files.createDirectories(this.folder.resolve(name));
		mapper.writeValue(changed.resolve("config.json"), config);
		Files.copy(golden.folder().resolve("model.safetensors"), changed.resolve("model.safetensors"));
		Golden older = new Golden(changed, golden.prompt(), golden.greedy(), golden.logits());
		try (FlashEngine today = FlashEngine.load(golden.config().build());
				FlashEngine before = FlashEngine.load(older.config().build())) {
			List<float[]> expected = Golden.logits(today, golden.prompt());
			List<float[]> actual = Golden.logits(before, golden.prompt());
			assertThat(actual).usingRecursiveComparison().isEqualTo(expected);
		}
	}

}
