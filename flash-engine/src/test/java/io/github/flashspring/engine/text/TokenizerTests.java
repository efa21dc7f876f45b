package io.github.flashspring.engine.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.checkpoint.CheckpointException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

/**
 * What the tokenizer does beyond the vectors: files that are wrong, long texts, several
 * threads.
 */
class TokenizerTests {

	@TempDir
	private Path folder;

	@Test
	void neverTruncatesNorPads() throws Exception {
		String json = Files.readString(TextVectors.tokenizerFolder("stories260K").resolve("tokenizer.json"));
		String limited = json.replaceFirst("\\{",
				"{\"truncation\":{\"direction\":\"Right\",\"max_length\":7,\"strategy\":\"LongestFirst\",\"stride\":0},"
						+ "\"padding\":{\"strategy\":{\"Fixed\":99},\"direction\":\"Right\",\"pad_to_multiple_of\":null,"
						+ "\"pad_id\":0,\"pad_type_id\":0,\"pad_token\":\"<unk>\"},")
			.replaceFirst("\"truncation\":null,?", "")
			.replaceFirst("\"padding\":null,?", "");
		Files.writeString(this.folder.resolve("tokenizer.json"), limited);
		Tokenizer unlimited = TextVectors.tokenizer("stories260K");
		try (Tokenizer tokenizer = Tokenizer.load(this.folder)) {
			for (String text : List.of("Once", "Once upon a time there was a little girl. ".repeat(300))) {
				assertThat(tokenizer.encode(text, true)).isEqualTo(unlimited.encode(text, true));
			}
		}
	}

	@Test
	void encodesLongTexts() {
		Tokenizer tokenizer = TextVectors.tokenizer("qwen3");
		String text = "All work and no play makes Jack a dull boy. 全部\n".repeat(20_000);
		int[] ids = tokenizer.encode(text, false);
		assertThat(ids.length).isGreaterThan(200_000);
		assertThat(tokenizer.decode(ids, false)).isEqualTo(text);
	}

	@Test
	void refusesTextsThatWouldKillTheProcess() {
		Tokenizer tokenizer = TextVectors.tokenizer("qwen3");
		assertThat(tokenizer.encode(" ".repeat(Tokenizer.MAX_CHARACTERS - 1) + "a", false)).hasSizeLessThan(40_000);
		assertThatExceptionOfType(TokenizerException.class)
			.isThrownBy(() -> tokenizer.encode(" ".repeat(Tokenizer.MAX_CHARACTERS) + "a", false))
			.withMessageContaining("4194305 characters")
			.withMessageContaining("at most 4194304");
	}

	@Test
	void tooLongTextsAreKnownBeforeAllIsEncoded() {
		Tokenizer tokenizer = TextVectors.tokenizer("qwen3");
		String text = "All work and no play makes Jack a dull boy. ".repeat(10_000);
		int tokens = tokenizer.encode(text, false).length;
		assertThat(tokenizer.exceeds(text, tokens)).isFalse();
		assertThat(tokenizer.exceeds(text, tokens / 20)).isTrue();
		assertThat(tokenizer.exceeds("a ".repeat(20 * Tokenizer.MAX_CHARACTERS), 4096)).isTrue();
		assertThat(tokenizer.exceeds(" ".repeat(Tokenizer.MAX_CHARACTERS), 40_000)).isFalse();
	}

	@Test
	@EnabledOnOs(OS.LINUX)
	void memoryOfEncodedTextsIsGivenBack() throws Exception {
		Tokenizer tokenizer = TextVectors.tokenizer("qwen3");
		String text = "All work and no play makes Jack a dull boy. ".repeat(24_000);
		long before = residentBytes();
		try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
			Callable<int[]> encode = () -> tokenizer.encode(text, false);
			for (var encoded : threads.invokeAll(List.of(encode, encode, encode, encode))) {
				assertThat(encoded.get()).hasSizeGreaterThan(200_000);
			}
		}
		// without: 90 MB for each thread
		assertThat(residentBytes() - before).isLessThan(150 << 20);
	}

	private static long residentBytes() throws IOException {
		String pages = Files.readString(Path.of("/proc/self/statm")).split(" ")[1];
		return 4096 * Long.parseLong(pages);
	}

	@Test
	void addedTokensThatTakeMinutesToLoadAreRefused() throws Exception {
		String json = Files.readString(TextVectors.tokenizerFolder("stories260K").resolve("tokenizer.json"));
		Files.writeString(this.folder.resolve("tokenizer.json"), withAdded(json, added(600, " ".repeat(65_536))));
		assertThatExceptionOfType(TokenizerException.class).isThrownBy(() -> Tokenizer.load(this.folder))
			.withMessageContainingAll("tokenizer.json",
					"the added token with the id 600 has 65536 characters, expected at most 1024");
		String many = IntStream.range(600, 700)
			.mapToObj((id) -> added(id, id + " ".repeat(1000)))
			.collect(Collectors.joining(","));
		Files.writeString(this.folder.resolve("tokenizer.json"), withAdded(json, many));
		assertThatExceptionOfType(TokenizerException.class).isThrownBy(() -> Tokenizer.load(this.folder))
			.withMessageContaining("the added tokens up to the id 666 are too long together");
	}

	private static String withAdded(String json, String tokens) {
		return json.replaceFirst("\"added_tokens\":\\s*\\[", "\"added_tokens\":[" + tokens + ",");
	}

	private static String added(int id, String content) {
		return "{\"id\":%d,\"content\":\"%s\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":true,\"special\":false}"
			.formatted(id, content);
	}

	@Test
	void readsHalvesOfSurrogatePairsAsReplacementCharacters() {
		Tokenizer tokenizer = TextVectors.tokenizer("qwen3");
		assertThat(tokenizer.encode("a\ud83d b\ude00", false)).isEqualTo(tokenizer.encode("a\ufffd b\ufffd", false));
		assertThat(tokenizer.decode(tokenizer.encode("a\u0000b😀", false), false)).isEqualTo("a\u0000b😀");
	}

	@Test
	void knowsItsSpecialTokens() {
		Tokenizer tokenizer = TextVectors.tokenizer("qwen3");
		assertThat(tokenizer.tokenId("<|im_end|>")).hasValue(151645);
		assertThat(tokenizer.tokenText(151645)).isEqualTo("<|im_end|>");
		assertThat(tokenizer.isSpecial(151645)).isTrue();
		assertThat(tokenizer.isSpecial(tokenizer.tokenId("<think>").orElseThrow())).isFalse();
		assertThat(tokenizer.tokenId("no such token")).isEmpty();
		assertThat(tokenizer.tokenText(0)).isNull();
		assertThat(tokenizer.vocabularySize()).isEqualTo(151669);
		assertThat(tokenizer.beginOfText()).isEmpty();
		assertThat(TextVectors.tokenizer("mistral-v1").beginOfText()).hasValue(1);
		assertThat(TextVectors.tokenizer("stories260K").vocabularySize()).isEqualTo(512);
	}

	@ParameterizedTest
	@CsvSource({ "qwen3, <|im_end|>", "phi-3-mini, <|end|>", "mistral-v1, </s>", "mistral-v3, </s>",
			"gpt-oss, <|return|>", "phi-2, <|endoftext|>" })
	void findsTheEndOfATurn(String name, String token) {
		Tokenizer tokenizer = TextVectors.tokenizer(name);
		assertThat(tokenizer.endOfTurnTokens()).contains(tokenizer.tokenId(token).orElseThrow());
	}

	@Test
	void doesNotTakeTheEndOfAMessageForTheEndOfATurn() {
		Tokenizer tokenizer = TextVectors.tokenizer("gpt-oss");
		assertThat(tokenizer.endOfTurnTokens()).doesNotContain(tokenizer.tokenId("<|end|>").orElseThrow())
			.contains(tokenizer.tokenId("<|call|>").orElseThrow());
	}

	@Test
	void endOfTurnIdsAreThoseOfTransformers() throws IOException {
		Files.writeString(this.folder.resolve("config.json"),
				"{\"eos_token_id\": 9, \"text_config\": {\"eos_token_id\": [11, -1]}}");
		assertThat(Tokenizer.endOfTurnTokens(this.folder)).containsExactlyInAnyOrder(9, 11);
		Files.writeString(this.folder.resolve("generation_config.json"), "{\"eos_token_id\": null}");
		assertThat(Tokenizer.endOfTurnTokens(this.folder)).containsExactlyInAnyOrder(9, 11);
		Files.writeString(this.folder.resolve("generation_config.json"), "{\"eos_token_id\": [7, 2]}");
		assertThat(Tokenizer.endOfTurnTokens(this.folder)).containsExactlyInAnyOrder(7, 2);
	}

	@Test
	void tokensOfOtherFilesAreAdded() throws IOException {
		copyTokenizer("stories260K");
		Files.writeString(this.folder.resolve("tokenizer_config.json"),
				"""
						{"added_tokens_decoder": {"2": {"content": "</s>", "special": true},
						 "513": {"content": "<mood>", "special": false}, "512": {"content": "<|end|>", "special": true, "rstrip": true},
						 "426": {"content": ".", "special": false, "normalized": false}}}""");
		try (Tokenizer tokenizer = Tokenizer.load(this.folder)) {
			assertThat(tokenizer.vocabularySize()).isEqualTo(514);
			assertThat(tokenizer.tokenId("<|end|>")).hasValue(512);
			assertThat(tokenizer.isSpecial(512)).isTrue();
			assertThat(tokenizer.encode("Lily<|end|>  <mood>", false)).endsWith(512, 513);
			assertThat(tokenizer.decode(new int[] { 403, 512, 513 }, true)).isEqualTo("Once<mood>");
			assertThat(tokenizer.encode("Once.", false)).endsWith(426);
		}
	}

	@Test
	void tokensOfTheOldFileAreAdded() throws IOException {
		copyTokenizer("stories260K");
		Files.writeString(this.folder.resolve("added_tokens.json"), "{\"<b2>\": 513, \"<b1>\": 512}");
		Files.writeString(this.folder.resolve("special_tokens_map.json"),
				"{\"additional_special_tokens\": [\"<b2>\"], \"eos_token\": \"</s>\"}");
		try (Tokenizer tokenizer = Tokenizer.load(this.folder)) {
			assertThat(tokenizer.encode("<b1><b2>", false)).contains(512, 513);
			assertThat(tokenizer.isSpecial(513)).isTrue();
			assertThat(tokenizer.isSpecial(512)).isFalse();
		}
		Files.writeString(this.folder.resolve("added_tokens.json"), "{\"<b1>\": \"x\"}");
		assertThatExceptionOfType(TokenizerException.class).isThrownBy(() -> Tokenizer.load(this.folder))
			.withMessageContainingAll("added_tokens.json", "'<b1>' has the id x");
	}

	private void copyTokenizer(String name) throws IOException {
		Files.copy(TextVectors.tokenizerFolder(name).resolve("tokenizer.json"), this.folder.resolve("tokenizer.json"));
	}

	@ParameterizedTest
	@CsvSource({ "LlamaTokenizerFast, true, 1", "LlamaTokenizer, false, 0", "Qwen2Tokenizer, false, 1",
			"GemmaTokenizer, true, 1", "PreTrainedTokenizerFast, true, 1" })
	void addBosTokenCountsForLlamasClasses(String type, boolean add, int expected) throws IOException {
		copyTokenizer("stories260K");
		Files.writeString(this.folder.resolve("tokenizer_config.json"),
				"{\"tokenizer_class\": \"%s\", \"add_bos_token\": %s, \"add_eos_token\": true, \"bos_token\": \"<s>\"}"
					.formatted(type, add));
		try (Tokenizer tokenizer = Tokenizer.load(this.folder)) {
			int[] plain = tokenizer.encode("Once upon a time", false);
			int[] ids = tokenizer.encode("Once upon a time", true);
			assertThat(ids).hasSize(plain.length + expected).endsWith(plain);
		}
	}

	@Test
	void addBosTokenNeedsNoPostProcessor() throws IOException {
		copyTokenizer("qwen3");
		Files.writeString(this.folder.resolve("tokenizer_config.json"),
				"{\"tokenizer_class\":\"LlamaTokenizerFast\",\"add_bos_token\":true,\"bos_token\":\"<|endoftext|>\"}");
		try (Tokenizer tokenizer = Tokenizer.load(this.folder)) {
			assertThat(tokenizer.encode("Who are you?", true)).startsWith(151643).hasSize(5);
		}
	}

	@Test
	void gathersEndOfTurnTokensFromAllFiles() throws IOException {
		Files.copy(TextVectors.tokenizerFolder("qwen3").resolve("tokenizer.json"),
				this.folder.resolve("tokenizer.json"));
		Files.writeString(this.folder.resolve("generation_config.json"), "{\"eos_token_id\": [151643, 7]}");
		Files.writeString(this.folder.resolve("config.json"),
				"{\"eos_token_id\": 9, \"text_config\": {\"eos_token_id\": 11}}");
		Files.writeString(this.folder.resolve("tokenizer_config.json"),
				"{\"eos_token\": {\"content\": \"<|fim_pad|>\", \"special\": true}}");
		Files.writeString(this.folder.resolve("chat_template.jinja"),
				"{% for m in messages %}{{ m.content }} <|im_end|>\n{% endfor %}");
		try (Tokenizer tokenizer = Tokenizer.load(this.folder)) {
			assertThat(tokenizer.endOfTurnTokens()).containsExactlyInAnyOrder(151643, 7,
					tokenizer.tokenId("<|fim_pad|>").orElseThrow(), 151645);
		}
	}

	@Test
	void endOfTurnTokensWithoutTokenizerAreThoseWithIds() throws IOException {
		assertThat(Tokenizer.endOfTurnTokens(this.folder)).isEmpty();
		Files.writeString(this.folder.resolve("config.json"), "{\"eos_token_id\": null}");
		Files.writeString(this.folder.resolve("generation_config.json"), "{\"eos_token_id\": [2, 7]}");
		assertThat(Tokenizer.endOfTurnTokens(this.folder)).containsExactlyInAnyOrder(2, 7);
		Files.writeString(this.folder.resolve("config.json"), "{\"eos_token_id\": \"</s>\"}");
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> Tokenizer.endOfTurnTokens(this.folder))
			.withMessageContainingAll("eos_token_id", "config.json");
	}

	@Test
	void aMissingTokenizerSaysWhatToDo() throws IOException {
		assertThat(Tokenizer.isPresent(this.folder)).isFalse();
		assertThatExceptionOfType(TokenizerException.class).isThrownBy(() -> Tokenizer.load(this.folder))
			.withMessageContaining(this.folder.resolve("tokenizer.json").toString())
			.withMessageContaining("Download");
		Files.writeString(this.folder.resolve("tokenizer.model"), "");
		assertThatExceptionOfType(TokenizerException.class).isThrownBy(() -> Tokenizer.load(this.folder))
			.withMessageContaining("only tokenizer.model")
			.withMessageContaining("save_pretrained");
		Files.delete(this.folder.resolve("tokenizer.model"));
		Files.writeString(this.folder.resolve("tekken.json"), "{}");
		assertThat(Tokenizer.missing(this.folder)).hasMessageContaining("only tekken.json");
		Files.writeString(this.folder.resolve("tokenizer.json"), "<html>");
		assertThatExceptionOfType(TokenizerException.class).isThrownBy(() -> Tokenizer.load(this.folder))
			.withMessageContaining("is an HTML page");
	}

	@ParameterizedTest
	@ValueSource(strings = { "", "[]", "{", "null", "{}", "{\"model\": 3}", "{\"model\": {\"vocab\": {\"a\": \"b\"}}}",
			"{\"model\": {\"vocab\": {\"a\": -1}}}", "{\"model\": {\"vocab\": {\"a\": 99999999999}}}",
			"{\"added_tokens\": [{}], \"model\": {\"vocab\": {\"a\": 0}}}",
			"{\"model\": {\"type\": \"Unknown\", \"vocab\": {\"a\": 0}}}",
			"{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [\"x y z\"]}}",
			"{\"version\": \"1.0\", \"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": []},"
					+ " \"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"(\"}, \"behavior\": \"Isolated\", \"invert\": false}}" })
	void aDamagedTokenizerIsRefused(String json) throws IOException {
		Files.writeString(this.folder.resolve("tokenizer.json"), json);
		assertThatExceptionOfType(TokenizerException.class).isThrownBy(() -> Tokenizer.load(this.folder))
			.withMessageContaining("tokenizer.json")
			.satisfies((ex) -> assertThat(ex.action()).isNotEmpty());
	}

	@ParameterizedTest
	@ValueSource(strings = { "\"decoder\": \"\\ud800\"", "\"decoder\": {\"type\": \"Fuse\", \"x\": 1e999}",
			"\"decoder\": {\"type\": \"Strip\", \"content\": \" \", \"start\": 1, \"stop\": 3}",
			"\"decoder\": {\"type\": \"Sequence\", \"decoders\": [{\"type\": \"Strip\", \"content\": \" \", \"start\": 0, \"stop\": 1}]}",
			"\"normalizer\": {\"type\": \"Prepend\", \"prepend\": \"\"}",
			"\"normalizer\": {\"type\": \"Precompiled\", \"precompiled_charsmap\": \"BAAAAAAAAAA=\"}",
			"\"normalizer\": {\"type\": \"Precompiled\", \"precompiled_charsmap\": 3}",
			"\"pre_tokenizer\": {\"type\": \"FixedLength\", \"length\": 0}",
			"\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"(a+)+$\"}, \"behavior\": \"Isolated\", \"invert\": false}",
			"\"normalizer\": {\"type\": \"Replace\", \"pattern\": {\"Regex\": \"(?:a|aa)+$\"}, \"content\": \"\"}",
			"\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": \"x\", \"type_id\": 0}}], \"pair\": [], \"special_tokens\": {}}",
			"\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [{\"Sequence\": {\"id\": \"B\", \"type_id\": 0}}], \"pair\": [], \"special_tokens\": {}}" })
	void partsThatWouldKillTheProcessAreRefused(String part) throws IOException {
		Files.writeString(this.folder.resolve("tokenizer.json"), "{\"version\": \"1.0\", \"added_tokens\": [], " + part
				+ ", \"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": []}}");
		assertThatExceptionOfType(TokenizerException.class).isThrownBy(() -> Tokenizer.load(this.folder))
			.withMessageContaining("not a tokenizer in Hugging Face's format");
	}

	@Test
	void deepNestingIsRefused() throws IOException {
		Files.writeString(this.folder.resolve("tokenizer.json"), "{\"a\":" + "[".repeat(100_000));
		assertThatExceptionOfType(TokenizerException.class).isThrownBy(() -> Tokenizer.load(this.folder));
	}

	@Test
	void severalThreadsEncodeAndDecodeAtOnce() throws Exception {
		Tokenizer tokenizer = TextVectors.tokenizer("qwen3");
		List<String> texts = Stream.iterate("a😀b", (text) -> text + " c日本" + text.length()).limit(40).toList();
		List<int[]> expected = texts.stream().map((text) -> tokenizer.encode(text, false)).toList();
		try (ExecutorService executor = Executors.newFixedThreadPool(4)) {
			Callable<Void> work = () -> {
				for (int i = 0; i < texts.size(); i++) {
					assertThat(tokenizer.encode(texts.get(i), false)).isEqualTo(expected.get(i));
					assertThat(tokenizer.decode(expected.get(i), false)).isEqualTo(texts.get(i));
				}
				return null;
			};
			for (var result : executor.invokeAll(java.util.Collections.nCopies(8, work))) {
				result.get();
			}
		}
	}

	@Test
	void cannotBeUsedAfterClosing() {
		Tokenizer tokenizer = Tokenizer.load(TextVectors.tokenizerFolder("stories260K"));
		StreamDecoder decoder = tokenizer.streamDecoder();
		tokenizer.close();
		tokenizer.close();
		assertThatIllegalStateException().isThrownBy(() -> tokenizer.encode("a", false));
		assertThatIllegalStateException().isThrownBy(() -> decoder.append(400));
	}

}
