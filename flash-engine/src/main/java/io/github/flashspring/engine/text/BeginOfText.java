package io.github.flashspring.engine.text;

import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

import org.jspecify.annotations.Nullable;

/**
 * Whether a plain text begins with the beginning-of-text token.
 * <p>
 * Usually the post-processor of {@code tokenizer.json} decides. The classes of Llama's
 * tokenizers in transformers 4 obey {@code add_bos_token} instead, and models were
 * trained and published with that: DeepSeek V3's post-processor adds nothing, for one.
 * transformers 5 ignores the field; here it counts for those classes. What
 * {@code add_eos_token} says does not: an end of text behind a prompt asks the model for
 * another text, and the field is mostly left over from training.
 *
 * @param wanted null: the post-processor decides
 */
record BeginOfText(@Nullable Boolean wanted) {

	private static final Set<String> OBEYING = Set.of("LlamaTokenizer", "LlamaTokenizerFast", "CodeLlamaTokenizer",
			"CodeLlamaTokenizerFast", "GemmaTokenizer", "GemmaTokenizerFast", "CohereTokenizer", "CohereTokenizerFast");

	static BeginOfText read(Path modelFolder) {
		Map<?, ?> config = ModelFiles.readObject(modelFolder.resolve("tokenizer_config.json"));
		if (config == null || !(config.get("tokenizer_class") instanceof String name) || !OBEYING.contains(name)) {
			return new BeginOfText(null);
		}
		return new BeginOfText((config.get("add_bos_token") instanceof Boolean wanted) ? wanted : null);
	}

}
