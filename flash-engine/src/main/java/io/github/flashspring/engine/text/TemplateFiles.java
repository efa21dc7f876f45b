package io.github.flashspring.engine.text;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import io.github.flashspring.jinja.Limits;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The chat templates in a model's folder, and the special tokens that they know.
 *
 * @param sources by the templates' names
 * @param specialTokens variables such as {@code bos_token}
 */
record TemplateFiles(Map<String, TemplateSource> sources, Map<String, Object> specialTokens) {

	private static final Logger logger = LoggerFactory.getLogger(TemplateFiles.class);

	private static final List<String> SPECIAL_TOKENS = List.of("bos_token", "eos_token", "unk_token", "sep_token",
			"pad_token", "cls_token", "mask_token");

	/**
	 * Reads a model's templates.
	 * @param modelFolder the model's folder
	 * @return the templates; empty if the model has none
	 * @throws ChatTemplateException if a template is not valid Jinja, or not a text
	 * @throws TokenizerException if a file is damaged
	 */
	static Optional<TemplateFiles> read(Path modelFolder) {
		Path configFile = modelFolder.resolve("tokenizer_config.json");
		Map<?, ?> config = ModelFiles.readObject(configFile);
		Map<String, TemplateSource> sources = new LinkedHashMap<>();
		Path templateFile = modelFolder.resolve("chat_template.jinja");
		String own = ModelFiles.readText(templateFile, 4 * Limits.DEFAULT.source());
		if (own != null) {
			sources.put(TemplateSource.DEFAULT, TemplateSource.parse(own, templateFile.toString()));
		}
		if (sources.isEmpty() && config != null) {
			collect(config.get("chat_template"), configFile, sources);
		}
		if (sources.isEmpty()) {
			Path legacyFile = modelFolder.resolve("chat_template.json");
			Map<?, ?> legacy = ModelFiles.readObject(legacyFile);
			if (legacy != null) {
				collect(legacy.get("chat_template"), legacyFile, sources);
			}
		}
		Path toolFile = modelFolder.resolve("additional_chat_templates").resolve(TemplateSource.TOOL_USE + ".jinja");
		String toolUse = ModelFiles.readText(toolFile, 4 * Limits.DEFAULT.source());
		if (toolUse != null) {
			collectNamed(TemplateSource.TOOL_USE, toolUse, toolFile.toString(), sources);
		}
		if (sources.isEmpty()) {
			return Optional.empty();
		}
		return Optional.of(new TemplateFiles(sources, specialTokens(modelFolder, config)));
	}

	/**
	 * The special tokens that a template of a model knows.
	 * @param modelFolder the model's folder
	 * @return by the names of the variables
	 * @throws TokenizerException if a file is damaged
	 */
	static Map<String, Object> specialTokens(Path modelFolder) {
		return specialTokens(modelFolder, ModelFiles.readObject(modelFolder.resolve("tokenizer_config.json")));
	}

	private static Map<String, Object> specialTokens(Path modelFolder, @Nullable Map<?, ?> config) {
		return specialTokens(ModelFiles.readObject(modelFolder.resolve("special_tokens_map.json")), config);
	}

	private static void collect(@Nullable Object value, Path file, Map<String, TemplateSource> to) {
		if (value instanceof String source) {
			to.put(TemplateSource.DEFAULT, TemplateSource.parse(source, file.toString()));
		}
		else if (value instanceof List<?> list) {
			for (Object entry : list) {
				if (entry instanceof Map<?, ?> map && map.get("name") instanceof String name
						&& map.get("template") instanceof String source) {
					collectNamed(name, source, file + " (template '" + name + "')", to);
				}
			}
		}
		else if (value instanceof Map<?, ?> map) {
			map.forEach((name, source) -> {
				if (name instanceof String key && source instanceof String text) {
					collectNamed(key, text, file + " (template '" + key + "')", to);
				}
			});
		}
		else if (value != null) {
			throw new ChatTemplateException("chat_template in " + file + " must be a text or a list of named texts.",
					"Correct the file, or send plain text instead of messages.", null);
		}
	}

	/**
	 * Adds one of several templates. Only the default one must be valid: a conversation
	 * can do without the others.
	 */
	private static void collectNamed(String name, String source, String where, Map<String, TemplateSource> to) {
		try {
			to.put(name, TemplateSource.parse(source, where));
		}
		catch (ChatTemplateException ex) {
			if (name.equals(TemplateSource.DEFAULT)) {
				throw ex;
			}
			logger.warn("{} It is left out.", ex.description());
		}
	}

	private static Map<String, Object> specialTokens(@Nullable Map<?, ?> map, @Nullable Map<?, ?> config) {
		Map<String, Object> tokens = new LinkedHashMap<>();
		for (Map<?, ?> from : new @Nullable Map<?, ?>[] { map, config }) {
			if (from == null) {
				continue;
			}
			for (String name : SPECIAL_TOKENS) {
				String text = ModelFiles.tokenText(from.get(name));
				if (text != null) {
					tokens.put(name, text);
				}
			}
			if (from.get("additional_special_tokens") instanceof List<?> list && !list.isEmpty()) {
				List<String> texts = new ArrayList<>();
				list.forEach((entry) -> Optional.ofNullable(ModelFiles.tokenText(entry)).ifPresent(texts::add));
				tokens.put("additional_special_tokens", texts);
			}
		}
		return tokens;
	}

}
