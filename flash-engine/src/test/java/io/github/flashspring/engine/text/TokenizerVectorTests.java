package io.github.flashspring.engine.text;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Texts and their ids, as Hugging Face's library, llama.cpp and transformers.js give
 * them.
 */
class TokenizerVectorTests {

	@TestFactory
	Stream<DynamicContainer> agreesWithTheLibraryOfHuggingFace() {
		return TextVectors.TOKENIZERS.stream()
			.map((name) -> DynamicContainer.dynamicContainer(name,
					vectors(name, TextVectors.tokenizerFolder(name), () -> TextVectors.tokenizer(name))));
	}

	@Tag("slow")
	@TestFactory
	Stream<DynamicContainer> agreesForTokenizersThatAreFetched() {
		return Stream.of("deepseek_v3", "gemma3", "llama3_1")
			.map((name) -> DynamicContainer.dynamicContainer(name,
					fetched(name) ? vectors(name, fetchedFolder(name), () -> Tokenizer.load(fetchedFolder(name)))
							: Stream.of(skipped(name))));
	}

	private static Path fetchedFolder(String name) {
		return Path.of("target/fetched-tokenizers").resolve(name);
	}

	private static boolean fetched(String name) {
		return Files.isRegularFile(fetchedFolder(name).resolve("tokenizer.json"));
	}

	private static DynamicTest skipped(String name) {
		return DynamicTest.dynamicTest("not fetched", () -> Assumptions.abort(
				fetchedFolder(name) + " does not exist: run src/test/scripts/fetch-tokenizers in flash-engine first"));
	}

	private static Stream<DynamicTest> vectors(String name, Path folder, Supplier<Tokenizer> tokenizer) {
		JsonNode vectors = TextVectors.read("hf-rust/" + name + ".json");
		List<DynamicTest> tests = new ArrayList<>();
		tests.add(DynamicTest.dynamicTest("is the tokenizer of the vectors",
				() -> assertThat(sha256(folder.resolve("tokenizer.json")))
					.isEqualTo(vectors.get("tokenizer_json_sha256").stringValue())));
		tests.add(DynamicTest.dynamicTest("all " + vectors.get("cases").size() + " texts", () -> {
			Tokenizer loaded = tokenizer.get();
			for (JsonNode vector : vectors.get("cases")) {
				check(loaded, vector);
			}
		}));
		return tests.stream();
	}

	private static void check(Tokenizer tokenizer, JsonNode vector) {
		String text = vector.get("text").stringValue();
		int[] ids = TextVectors.ints(vector.get("ids"));
		assertThat(tokenizer.encode(text, true)).as("ids of '%s'", text).isEqualTo(ids);
		assertThat(tokenizer.encode(text, false)).as("ids without special tokens of '%s'", text)
			.isEqualTo(TextVectors.ints(vector.get("ids_no_special")));
		assertThat(tokenizer.decode(ids, false)).as("'%s', decoded", text)
			.isEqualTo(vector.get("decoded").stringValue());
		assertThat(tokenizer.decode(ids, true)).as("'%s', decoded without special tokens", text)
			.isEqualTo(vector.get("decoded_skip_special").stringValue());
	}

	private static String sha256(Path file) throws Exception {
		return HexFormat.of()
			.formatHex(java.security.MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
	}

	@TestFactory
	Stream<DynamicTest> agreesWithLlamaCpp() {
		JsonNode vectors = TextVectors.read("llamacpp-vocab-tests.json");
		return Map.of("qwen2", "qwen3", "phi-3", "phi-3-mini", "llama-spm", "phi-3-mini")
			.entrySet()
			.stream()
			.map((entry) -> TextVectors.test("llamacpp", entry.getKey(), () -> {
				JsonNode ids = vectors.get("ids_without_special_tokens").get(entry.getKey());
				Tokenizer tokenizer = TextVectors.tokenizer(entry.getValue());
				IntStream.range(0, ids.size())
					.forEach((i) -> assertThat(tokenizer.encode(vectors.get("texts").get(i).stringValue(), false))
						.as("text %s", i)
						.isEqualTo(TextVectors.ints(ids.get(i))));
			}));
	}

	@TestFactory
	Stream<DynamicTest> agreesWithTransformersJs() {
		JsonNode vectors = TextVectors.read("transformersjs-tokenization.json");
		return Map.of("Xenova/Qwen1.5-0.5B-Chat", "qwen3", "Xenova/gpt-4o", "gpt-oss")
			.entrySet()
			.stream()
			.map((entry) -> TextVectors.test("transformersjs", entry.getKey(), () -> {
				Tokenizer tokenizer = TextVectors.tokenizer(entry.getValue());
				for (JsonNode vector : vectors.get(entry.getKey())) {
					assertThat(tokenizer.encode(vector.get("text").stringValue(), true))
						.as(vector.get("name").stringValue())
						.isEqualTo(TextVectors.ints(vector.get("ids")));
				}
			}));
	}

}
