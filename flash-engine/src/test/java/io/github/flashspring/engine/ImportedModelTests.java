package io.github.flashspring.engine;

import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import io.github.flashspring.engine.checkpoint.gguf.GgufImporter;
import io.github.flashspring.engine.text.Tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A trained model that came as GGUF continues stories as a float64 computation from the
 * file's own values does, and cuts text as llama.cpp does.
 */
class ImportedModelTests {

	@TempDir
	Path folder;

	@ParameterizedTest
	@CsvSource({ "stories260K-f32.gguf, f32", "stories260K-q8_0.gguf, gguf-q8_0" })
	void continuesAsTheReferenceDoes(String file, String variant) throws Exception {
		Path checkpoint = this.folder.resolve("model");
		GgufImporter.importFile(Golden.path("models/stories260K/gguf/" + file), checkpoint, (tensor, done, total) -> {
		});
		TrainedModelTests.assertContinues(checkpoint,
				TrainedModelTests.golden("stories260K").get("variants").get(variant));
		assertTokenizesAsLlamaCpp(checkpoint, "stories260K");
	}

	/**
	 * Checks a tokenizer against recorded ids.
	 * @param checkpoint a folder
	 * @param name of the vectors
	 */
	static void assertTokenizesAsLlamaCpp(Path checkpoint, String name) throws Exception {
		JsonNode vectors = JsonMapper.shared()
			.readTree(Files.readAllBytes(Golden.path("vectors/" + name + "-llamacpp.json")));
		assertThat(vectors.get("cases").size()).isEqualTo(240);
		try (Tokenizer tokenizer = Tokenizer.load(checkpoint)) {
			for (JsonNode entry : vectors.get("cases")) {
				String text = entry.get("text").stringValue();
				int[] expected = entry.get("ids").values().stream().mapToInt(JsonNode::intValue).toArray();
				assertThat(tokenizer.encode(text, false)).as(text).isEqualTo(expected);
			}
		}
	}

}
