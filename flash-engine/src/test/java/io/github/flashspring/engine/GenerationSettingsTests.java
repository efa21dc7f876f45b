package io.github.flashspring.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.generate.Sampling;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What models suggest for sampling, and what of it makes no sense.
 */
class GenerationSettingsTests {

	@TempDir
	private Path folder;

	@ParameterizedTest
	@CsvSource(delimiterString = " -> ", quoteCharacter = '`', textBlock = """
			"temperature": 0.6, "top_k": 20, "top_p": 0.9 -> 0.6 20 0.9 0.0 1.0
			"top_k": -1 -> 1.0 0 1.0 0.0 1.0
			"top_k": null, "top_p": null, "min_p": null -> 1.0 0 1.0 0.0 1.0
			"top_p": 0 -> 1.0 1 1.0 0.0 1.0
			"top_p": 1.5, "min_p": -0.1, "top_k": -7 -> 1.0 0 1.0 0.0 1.0
			"temperature": -1, "repetition_penalty": 0 -> 1.0 0 1.0 0.0 1.0
			"temperature": "hot", "top_k": "many", "top_p": [1] -> 1.0 0 1.0 0.0 1.0
			"temperature": NaN, "min_p": 0.05 -> 1.0 0 1.0 0.05 1.0
			"do_sample": "yes" -> 0.0 0 1.0 0.0 1.0
			""")
	void oddSuggestionsDoNotMakeWeightsUnloadable(String settings, String expected) throws IOException {
		try (Stream<Path> files = Files.list(Path.of("src/test/resources/golden/llama"))) {
			for (Path file : files.toList()) {
				Files.copy(file, this.folder.resolve(file.getFileName()));
			}
		}
		String sample = settings.contains("do_sample") ? "" : "\"do_sample\": true, ";
		Files.writeString(this.folder.resolve("generation_config.json"), "{" + sample + settings + "}");
		Files.deleteIfExists(this.folder.resolve("golden.safetensors"));
		try (Checkpoint checkpoint = Checkpoint.open(this.folder)) {
			Sampling found = GenerationSettings.of(checkpoint).sampling();
			assertThat("%s %s %s %s %s".formatted(found.temperature(), found.topK(), found.topP(), found.minP(),
					found.repetitionPenalty()))
				.isEqualTo(expected);
		}
	}

}
