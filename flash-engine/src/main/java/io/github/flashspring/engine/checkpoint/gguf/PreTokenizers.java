package io.github.flashspring.engine.checkpoint.gguf;

import java.util.List;
import java.util.Optional;

/**
 * How byte-level BPE vocabularies cut text before merging, by the name that GGUF gives to
 * it ({@code tokenizer.ggml.pre}).
 *
 * @param patterns regular expressions, each cutting what the one before left whole
 * @param individualDigits whether every digit stands alone first
 * @param byteLevelPattern whether GPT-2's own pattern comes last
 * @param ignoreMerges whether a piece that is a token needs no merges
 * @param addsBeginning whether a begin-of-sequence token is added if the file does not
 * say
 */
record PreTokenizers(List<String> patterns, boolean individualDigits, boolean byteLevelPattern, boolean ignoreMerges,
		boolean addsBeginning) {

	private static final String CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";

	private static final String WORDS_AND_SPACES = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

	/** Llama 3: numbers in groups of up to three digits. */
	private static final String LLAMA3 = CONTRACTIONS + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}" + WORDS_AND_SPACES;

	/** Qwen2: digits alone. */
	private static final String QWEN2 = CONTRACTIONS + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}" + WORDS_AND_SPACES;

	/** Mistral's Tekken: cuts between lower and upper case. */
	private static final String TEKKEN = "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*"
			+ "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+"
			+ "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

	private static final String GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

	PreTokenizers {
		patterns = List.copyOf(patterns);
	}

	static Optional<PreTokenizers> find(String name) {
		return Optional.ofNullable(switch (name) {
			case "gpt-2", "phi-2", "olmo", "mpt", "jais", "gigachat", "roberta-bpe" ->
				new PreTokenizers(List.of(), false, true, false, false);
			case "smollm", "starcoder", "refact", "command-r", "codeshell", "minerva-7b" ->
				new PreTokenizers(List.of(), true, true, false, false);
			case "llama3", "llama-v3", "llama-bpe", "falcon3" ->
				new PreTokenizers(List.of(LLAMA3), false, false, true, true);
			case "dbrx", "smaug-bpe" -> new PreTokenizers(List.of(LLAMA3), false, false, false, false);
			case "qwen2", "stablelm2", "megrez", "deepseek-r1-qwen" ->
				new PreTokenizers(List.of(QWEN2), false, false, false, false);
			case "tekken" -> new PreTokenizers(List.of(TEKKEN), false, false, true, true);
			case "falcon" -> new PreTokenizers(List.of("[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]"), false,
					false, false, false);
			// What files made before the key existed are read with.
			case "default" ->
				new PreTokenizers(List.of("[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"), false,
						false, false, false);
			default -> null;
		});
	}

}
