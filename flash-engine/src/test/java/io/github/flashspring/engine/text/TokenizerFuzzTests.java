package io.github.flashspring.engine.text;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import io.github.flashspring.engine.checkpoint.FuzzOutcomes;
import io.github.flashspring.engine.checkpoint.Mutator;

/**
 * Damaged tokenizers and chat templates: they are refused, or they work. What is not
 * refused must not end the process in native code either, which no test could catch.
 */
@Timeout(value = 900, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TokenizerFuzzTests {

	private static final int CASES = 1_000;

	/** For a run by hand, with other cases. */
	private static final int MANY = 20_000;

	/** A template may make texts of 16 Mi characters, and work on copies of them. */
	private static final long MAX_RENDERED = 128 << 20;

	private static final List<String> TOKENIZERS = List.of("babyllama105", "stories260K");

	/** A byte-level tokenizer with every part that such a file has, but few tokens. */
	private static final String BYTE_LEVEL = """
			{"version": "1.0", "truncation": null, "padding": null,
			 "added_tokens": [{"id": 9, "content": "<|end|>", "single_word": false, "lstrip": false, "rstrip": true,
			  "normalized": false, "special": true}],
			 "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Replace",
			  "pattern": {"Regex": " {2,}"}, "content": " "}, {"type": "Prepend", "prepend": "a"}]},
			 "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern":
			  {"Regex": "(?i:'s|'t)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}|\\\\s+(?!\\\\S)|\\\\s+"}, "behavior": "Isolated",
			  "invert": false}, {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]},
			 "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<|end|>", "type_id": 0}},
			  {"Sequence": {"id": "A", "type_id": 0}}], "pair": [{"Sequence": {"id": "A", "type_id": 0}},
			  {"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": {"<|end|>": {"id": "<|end|>", "ids": [9],
			  "tokens": ["<|end|>"]}}},
			 "decoder": {"type": "Sequence", "decoders": [{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true,
			  "use_regex": true}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
			 "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
			  "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
			  "vocab": {"a": 0, "b": 1, "c": 2, "Ġ": 3, "ab": 4, "abc": 5, "Ġa": 6, "'": 7, "1": 8},
			  "merges": [["a", "b"], ["ab", "c"], ["Ġ", "a"]]}}""";

	@TempDir
	private Path folder;

	@Test
	void mutatedTokenizers() throws IOException {
		mutateTokenizers(20_261_129, CASES);
	}

	@Test
	@Tag("slow")
	void manyMutatedTokenizers() throws IOException {
		mutateTokenizers(20_261_130, MANY);
	}

	private void mutateTokenizers(long seed, int cases) throws IOException {
		List<byte[]> originals = List.of(
				Files.readAllBytes(TextVectors.tokenizerFolder(TOKENIZERS.get(0)).resolve("tokenizer.json")),
				Files.readAllBytes(TextVectors.tokenizerFolder(TOKENIZERS.get(1)).resolve("tokenizer.json")),
				BYTE_LEVEL.getBytes(StandardCharsets.UTF_8));
		Mutator mutator = new Mutator(new Random(seed));
		FuzzOutcomes outcomes = new FuzzOutcomes();
		Files.write(this.folder.resolve("tokenizer.json"), originals.getLast());
		loadAndUse();
		for (int i = 0; i < cases; i++) {
			Files.write(this.folder.resolve("tokenizer.json"), mutator.text(originals.get(i % originals.size())));
			outcomes.run(i, this::loadAndUse);
		}
		outcomes.verify();
	}

	private void loadAndUse() {
		try (Tokenizer tokenizer = Tokenizer.load(this.folder)) {
			int[] ids = tokenizer.encode("ab abc  it's 1234\n\n😀<|end|> <s> abc", true);
			tokenizer.decode(ids, false);
			StreamDecoder decoder = tokenizer.streamDecoder();
			for (int id = 0; id < Math.min(tokenizer.vocabularySize(), 20); id++) {
				decoder.append(id);
			}
			decoder.flush();
		}
	}

	@Test
	void mutatedTemplates() throws IOException {
		mutateTemplates(20_261_129, CASES);
	}

	@Test
	@Tag("slow")
	void manyMutatedTemplates() throws IOException {
		mutateTemplates(20_261_130, MANY);
	}

	private void mutateTemplates(long seed, int cases) throws IOException {
		byte[] harmony = Files.readAllBytes(TextVectors.tokenizerFolder("gpt-oss").resolve("chat_template.jinja"));
		byte[] loops = "{% for m in messages %}{% if loop.first %}{{ 'a' * 3 }}{% endif %}<{{ m.role }}>{{ m['content'] | trim }}{{ range(3) | list | tojson }}{% set x = [1] * 10 %}{% endfor %}{{ '%5d' % 3 }}"
			.getBytes(StandardCharsets.UTF_8);
		Mutator mutator = new Mutator(new Random(seed));
		FuzzOutcomes outcomes = new FuzzOutcomes(MAX_RENDERED);
		Files.write(this.folder.resolve("chat_template.jinja"), harmony);
		findAndRender();
		for (int i = 0; i < cases; i++) {
			Files.write(this.folder.resolve("chat_template.jinja"), mutator.text((i % 4 == 0) ? harmony : loops));
			outcomes.run(i, this::findAndRender);
		}
		outcomes.verify();
	}

	private void findAndRender() {
		ChatTemplate.load(this.folder)
			.render(new ChatTemplateInput(List.of(ChatMessage.system("Be brief."), ChatMessage.user("Hello")),
					List.of(new ToolDefinition("now", "The time", "{\"type\": \"object\"}")), true, Map.of()));
	}

}
