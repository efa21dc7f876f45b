package io.github.flashspring.engine.text;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * A token that is looked for in a text before the text is cut into pieces.
 *
 * @param id its id
 * @param content its text
 * @param singleWord whether it must not touch another word
 * @param leftStrip whether it takes the white space before it
 * @param rightStrip whether it takes the white space after it
 * @param normalized whether it is looked for in the normalized text
 * @param special whether it is no text
 */
record AddedToken(int id, String content, boolean singleWord, boolean leftStrip, boolean rightStrip, boolean normalized,
		boolean special) {

	private static final int HIGHEST_ID = 1 << 24;

	/**
	 * The tokens that a model's other files add to {@code tokenizer.json}, as
	 * transformers does.
	 * @param modelFolder folder with {@code tokenizer_config.json}, whose
	 * {@code added_tokens_decoder} counts, or without one {@code added_tokens.json}
	 * @return the tokens in the order of their ids
	 * @throws TokenizerException if a file is damaged
	 */
	static List<AddedToken> ofOtherFiles(Path modelFolder) {
		Path configFile = modelFolder.resolve("tokenizer_config.json");
		Map<?, ?> config = ModelFiles.readObject(configFile);
		List<AddedToken> tokens = new ArrayList<>();
		if (config != null && config.get("added_tokens_decoder") instanceof Map<?, ?> decoder) {
			decoder.forEach((id, token) -> {
				if (token instanceof Map<?, ?> fields && fields.get("content") instanceof String content
						&& !content.isEmpty()) {
					boolean special = flag(fields, "special", false);
					tokens.add(new AddedToken(id(id, content, configFile), content, flag(fields, "single_word", false),
							flag(fields, "lstrip", false), flag(fields, "rstrip", false),
							flag(fields, "normalized", !special), special));
				}
			});
		}
		else {
			Path file = modelFolder.resolve("added_tokens.json");
			Map<?, ?> added = ModelFiles.readObject(file);
			if (added != null) {
				added.forEach((content, id) -> {
					String text = String.valueOf(content);
					boolean special = isNamed(text, config)
							|| isNamed(text, ModelFiles.readObject(modelFolder.resolve("special_tokens_map.json")));
					tokens.add(new AddedToken(id(id, text, file), text, false, false, false, !special, special));
				});
			}
		}
		tokens.sort(Comparator.comparingInt(AddedToken::id));
		return tokens;
	}

	private static boolean flag(Map<?, ?> fields, String name, boolean otherwise) {
		return (fields.get(name) instanceof Boolean value) ? value : otherwise;
	}

	private static int id(@Nullable Object value, String content, Path file) {
		try {
			int id = Integer.parseInt(String.valueOf(value));
			if (id >= 0 && id <= HIGHEST_ID) {
				return id;
			}
		}
		catch (NumberFormatException ex) {
			// reported below, as an id out of range
		}
		throw new TokenizerException(file + ": the added token '" + content + "' has the id " + value
				+ ", expected 0 to " + HIGHEST_ID + ".", Tokenizer.ACTION);
	}

	/**
	 * Whether a config names a token as one of its special tokens.
	 */
	private static boolean isNamed(String content, @Nullable Map<?, ?> config) {
		if (config == null) {
			return false;
		}
		return config.entrySet().stream().anyMatch((entry) -> {
			String name = String.valueOf(entry.getKey());
			if (entry.getValue() instanceof List<?> list) {
				return name.equals("additional_special_tokens")
						&& list.stream().anyMatch((token) -> content.equals(ModelFiles.tokenText(token)));
			}
			return name.endsWith("_token") && content.equals(ModelFiles.tokenText(entry.getValue()));
		});
	}

	AddedToken withId(int newId) {
		return new AddedToken(newId, this.content, this.singleWord, this.leftStrip, this.rightStrip, this.normalized,
				this.special);
	}

	/**
	 * The token as an entry of {@code added_tokens}.
	 * @param control whether it is a control token, which is looked for in the text as it
	 * is
	 * @return a JSON object
	 */
	String json(boolean control) {
		Map<String, Object> fields = new LinkedHashMap<>();
		fields.put("id", this.id);
		fields.put("content", this.content);
		fields.put("single_word", this.singleWord);
		fields.put("lstrip", this.leftStrip);
		fields.put("rstrip", this.rightStrip);
		fields.put("normalized", this.normalized && !control);
		fields.put("special", this.special);
		return ModelFiles.JSON.writeValueAsString(fields);
	}

}
