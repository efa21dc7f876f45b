package io.github.flashspring.engine.text;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.ModelConfig;

/**
 * Gathers the tokens that end what a model says. Models name them in different files, and
 * some only in their chat template: there, it is the special token that the template
 * writes after an assistant's message.
 *
 * @param specialTokens {@code bos_token} and {@code eos_token}, as far as they are known
 * @param ids ids of the tokens that end a turn
 */
record EndOfTurn(Map<String, String> specialTokens, Set<Integer> ids) {

	private static final Logger logger = LoggerFactory.getLogger(EndOfTurn.class);

	/** Marks OpenAI's harmony format. */
	private static final String CHANNEL = "<|channel|>";

	private static final String MARK = "An answer 7f3a.";

	static EndOfTurn read(Path modelFolder, Vocabulary vocabulary, @Nullable ChatTemplate template) {
		Set<Integer> ids = new LinkedHashSet<>(ids(modelFolder));
		Map<String, String> specialTokens = specialTokens(modelFolder);
		Integer eos = vocabulary.addedIds().get(specialTokens.getOrDefault("eos_token", ""));
		if (eos != null) {
			ids.add(eos);
		}
		if (template != null) {
			addFromTemplate(template, vocabulary, ids);
		}
		return new EndOfTurn(specialTokens, Collections.unmodifiableSet(ids));
	}

	/**
	 * The tokens that files name by their ids, which needs no tokenizer. As in
	 * transformers, {@code generation_config.json} counts where it names any; otherwise
	 * {@code config.json} does, and the config of its text model.
	 * @param modelFolder the model's folder
	 * @return the ids
	 * @throws CheckpointException if a file is damaged
	 */
	static Set<Integer> ids(Path modelFolder) {
		Set<Integer> ids = new LinkedHashSet<>();
		for (String name : List.of("generation_config.json", "config.json")) {
			Path file = modelFolder.resolve(name);
			if (Files.isRegularFile(file)) {
				ModelConfig config = ModelConfig.read(file);
				Set<Integer> found = new LinkedHashSet<>(config.getInts("eos_token_id"));
				config.child("text_config").ifPresent((inner) -> found.addAll(inner.getInts("eos_token_id")));
				// some configs say -1 where they mean none
				found.removeIf((id) -> id < 0);
				if (ids.isEmpty()) {
					ids.addAll(found);
				}
			}
		}
		return ids;
	}

	private static Map<String, String> specialTokens(Path modelFolder) {
		Map<String, String> tokens = new HashMap<>();
		for (String name : List.of("special_tokens_map.json", "tokenizer_config.json")) {
			Map<?, ?> config = ModelFiles.readObject(modelFolder.resolve(name));
			for (String token : List.of("bos_token", "eos_token")) {
				String text = (config != null) ? ModelFiles.tokenText(config.get(token)) : null;
				if (text != null) {
					tokens.put(token, text);
				}
			}
		}
		return Map.copyOf(tokens);
	}

	/** The model's chat template; null if it has none that can be used. */
	static @Nullable ChatTemplate findTemplate(Path modelFolder) {
		try {
			return ChatTemplate.find(modelFolder).orElse(null);
		}
		catch (ChatTemplateException ex) {
			// the same error comes up, with more context, when somebody wants to chat
			logger.debug("The chat template does not tell how a turn ends: {}", ex.getMessage());
			return null;
		}
	}

	private static void addFromTemplate(ChatTemplate template, Vocabulary vocabulary, Set<Integer> to) {
		try {
			String text = template.renderAsIs(List.of(ChatMessage.user("A question"), ChatMessage.assistant(MARK)));
			int end = text.lastIndexOf(MARK);
			if (end < 0) {
				return;
			}
			if (template.mentions(CHANNEL)) {
				// a turn may have several messages here; these end it, the token that the
				// template writes after each message does not
				for (String token : List.of("<|return|>", "<|call|>")) {
					Integer id = vocabulary.addedIds().get(token);
					if (id != null) {
						to.add(id);
					}
				}
				return;
			}
			String rest = text.substring(end + MARK.length()).stripLeading();
			vocabulary.addedIds()
				.entrySet()
				.stream()
				.filter((token) -> rest.startsWith(token.getKey()) && vocabulary.special().contains(token.getValue()))
				.max(Comparator.comparingInt((token) -> token.getKey().length()))
				.ifPresent((token) -> to.add(token.getValue()));
		}
		catch (ChatTemplateException ex) {
			// the same error comes up, with more context, when somebody wants to chat
			logger.debug("The chat template does not tell how a turn ends: {}", ex.getMessage());
		}
	}

}
