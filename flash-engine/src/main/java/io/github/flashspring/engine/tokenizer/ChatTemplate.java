package io.github.flashspring.engine.tokenizer;

import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

import io.github.flashspring.engine.tokenizer.jinja.JinjaException;
import io.github.flashspring.engine.tokenizer.jinja.JinjaTemplate;
import io.github.flashspring.engine.tokenizer.jinja.Limits;
import io.github.flashspring.engine.tokenizer.jinja.MarkedText;
import io.github.flashspring.engine.tokenizer.jinja.Untrusted;

import org.jspecify.annotations.Nullable;

import tools.jackson.core.JacksonException;

/**
 * A model's chat template: turns a conversation into the text that the model was trained
 * on, as {@code apply_chat_template} of Hugging Face's transformers does. A template is
 * immutable and may be used by several threads.
 */
public final class ChatTemplate {

	private static final String DEFAULT = "default";

	private static final String TOOL_USE = "tool_use";

	private static final String NO_PARAMETERS = "{\"type\": \"object\", \"properties\": {}}";

	private static final List<String> SPECIAL_TOKENS = List.of("bos_token", "eos_token", "unk_token", "sep_token",
			"pad_token", "cls_token", "mask_token");

	private static final Set<String> ROLES = Set.of("system", "developer", "user", "assistant", "tool");

	private final Map<String, Source> sources;

	private final Map<String, Object> specialTokens;

	private final Clock clock;

	private ChatTemplate(Map<String, Source> sources, Map<String, Object> specialTokens, Clock clock) {
		this.sources = sources;
		this.specialTokens = specialTokens;
		this.clock = clock;
	}

	/**
	 * Finds a model's template.
	 * @param modelFolder folder with {@code chat_template.jinja},
	 * {@code tokenizer_config.json} or {@code chat_template.json}
	 * @return the template; empty if the model has none
	 * @throws ChatTemplateException if the template is not valid Jinja, or not a text
	 * @throws TokenizerException if a file is damaged
	 */
	public static Optional<ChatTemplate> find(Path modelFolder) {
		return find(modelFolder, Clock.systemDefaultZone());
	}

	/**
	 * Finds a model's template.
	 * @param modelFolder folder with {@code chat_template.jinja},
	 * {@code tokenizer_config.json} or {@code chat_template.json}
	 * @param clock what the template takes for the current time
	 * @return the template; empty if the model has none
	 * @throws ChatTemplateException if the template is not valid Jinja, or not a text
	 * @throws TokenizerException if a file is damaged
	 */
	public static Optional<ChatTemplate> find(Path modelFolder, Clock clock) {
		Path configFile = modelFolder.resolve("tokenizer_config.json");
		Map<?, ?> config = ModelFiles.readObject(configFile);
		Map<String, Source> sources = new LinkedHashMap<>();
		Path templateFile = modelFolder.resolve("chat_template.jinja");
		String own = ModelFiles.readText(templateFile, 4 * Limits.DEFAULT.source());
		if (own != null) {
			sources.put(DEFAULT, Source.parse(own, templateFile.toString()));
			Path toolFile = modelFolder.resolve("additional_chat_templates").resolve(TOOL_USE + ".jinja");
			String toolUse = ModelFiles.readText(toolFile, 4 * Limits.DEFAULT.source());
			if (toolUse != null) {
				sources.put(TOOL_USE, Source.parse(toolUse, toolFile.toString()));
			}
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
		if (sources.isEmpty()) {
			return Optional.empty();
		}
		Map<?, ?> tokens = ModelFiles.readObject(modelFolder.resolve("special_tokens_map.json"));
		return Optional.of(new ChatTemplate(sources, specialTokens(tokens, config), clock));
	}

	/**
	 * Loads a model's template.
	 * @param modelFolder folder with {@code chat_template.jinja},
	 * {@code tokenizer_config.json} or {@code chat_template.json}
	 * @return the template
	 * @throws ChatTemplateException if the model has none, or it is not valid Jinja
	 * @throws TokenizerException if a file is damaged
	 */
	public static ChatTemplate load(Path modelFolder) {
		return find(modelFolder).orElseThrow(() -> missing(modelFolder));
	}

	/**
	 * A template that does not lie in a model's folder.
	 * @param source the template
	 * @param name what to call it in errors, such as the name of its file
	 * @param specialTokens variables such as {@code bos_token} and {@code eos_token}
	 * @param clock what the template takes for the current time
	 * @return the template
	 * @throws ChatTemplateException if the template is not valid Jinja, or not a text
	 */
	public static ChatTemplate parse(String source, String name, Map<String, String> specialTokens, Clock clock) {
		return new ChatTemplate(Map.of(DEFAULT, Source.parse(source, name)), new LinkedHashMap<>(specialTokens), clock);
	}

	/**
	 * What to throw when a model without a template is asked to chat.
	 * @param modelFolder the model's folder
	 * @return the exception
	 */
	public static ChatTemplateException missing(Path modelFolder) {
		return new ChatTemplateException(
				"The model in " + modelFolder + " has no chat template: neither"
						+ " chat_template.jinja, nor chat_template in tokenizer_config.json or chat_template.json.",
				"Send plain text instead of messages, use the model's instruct or chat version, or put a template"
						+ " into chat_template.jinja.",
				null);
	}

	private static void collect(@Nullable Object value, Path file, Map<String, Source> to) {
		if (value instanceof String source) {
			to.put(DEFAULT, Source.parse(source, file.toString()));
		}
		else if (value instanceof List<?> list) {
			for (Object entry : list) {
				if (entry instanceof Map<?, ?> map && map.get("name") instanceof String name
						&& map.get("template") instanceof String source) {
					to.put(name, Source.parse(source, file + " (template '" + name + "')"));
				}
			}
		}
		else if (value instanceof Map<?, ?> map) {
			map.forEach((name, source) -> {
				if (name instanceof String key && source instanceof String text) {
					to.put(key, Source.parse(text, file + " (template '" + key + "')"));
				}
			});
		}
		else if (value != null) {
			throw new ChatTemplateException("chat_template in " + file + " must be a text or a list of named texts.",
					"Correct the file, or send plain text instead of messages.", null);
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

	/**
	 * Renders a conversation.
	 * @param input messages, tools and variables
	 * @return the text to tokenize, without adding special tokens again
	 * @throws ChatTemplateException if the template fails or refuses the conversation
	 */
	public String render(ChatTemplateInput input) {
		return renderMarked(input).string();
	}

	/**
	 * Renders a conversation and remembers what the template itself wrote.
	 * @param input messages, tools and variables, all of which are untrusted
	 * @return the text for {@link Tokenizer#hideUntrusted}
	 * @throws ChatTemplateException if the template fails or refuses the conversation
	 */
	public MarkedText renderMarked(ChatTemplateInput input) {
		Map<String, @Nullable Object> variables = new LinkedHashMap<>(this.specialTokens);
		variables.put("documents", null);
		input.variables().forEach((name, value) -> variables.put(name, new Untrusted(value)));
		variables.put("messages", input.messages().stream().map(this::toMap).toList());
		variables.put("tools",
				input.tools().isEmpty() ? null : input.tools().stream().map(ChatTemplate::toMap).toList());
		variables.put("add_generation_prompt", input.addGenerationPrompt());
		return renderVariables(variables, !input.tools().isEmpty());
	}

	MarkedText renderVariables(Map<String, ? extends @Nullable Object> variables, boolean withTools) {
		Source source = withTools ? this.sources.get(TOOL_USE) : null;
		source = (source != null) ? source : this.sources.get(DEFAULT);
		if (source == null) {
			throw new ChatTemplateException(
					"The model has the chat templates " + this.sources.keySet() + ", but none named 'default'.",
					"Put the one to use into chat_template.jinja.", null);
		}
		try {
			return source.template().render(variables, this.clock);
		}
		catch (JinjaException ex) {
			throw failure(ex, source.name());
		}
	}

	private static ChatTemplateException failure(JinjaException ex, String name) {
		String where = (ex.line() > 0) ? name + ", line " + ex.line() : name;
		return switch (ex.kind()) {
			case RAISED -> new ChatTemplateException(
					"The chat template " + where + " refuses the conversation: " + ex.getMessage(),
					"Change the messages or tools accordingly.", ex);
			case LIMIT ->
				new ChatTemplateException("The chat template " + where + " uses too much: " + ex.getMessage() + ".",
						"Shorten the conversation, or correct the template.", ex);
			default -> new ChatTemplateException("The chat template " + where + " failed: " + ex.getMessage() + ".",
					"Change the messages or tools, or correct the template.", ex);
		};
	}

	private Map<String, @Nullable Object> toMap(ChatMessage message) {
		Map<String, @Nullable Object> map = new LinkedHashMap<>();
		map.put("role", isKnown(message.role()) ? message.role() : new Untrusted(message.role()));
		map.put("content", new Untrusted(message.content()));
		if (message.reasoning() != null) {
			map.put("reasoning_content", new Untrusted(message.reasoning()));
			map.put("thinking", new Untrusted(message.reasoning()));
		}
		if (!message.toolCalls().isEmpty()) {
			map.put("tool_calls", message.toolCalls().stream().map(ChatTemplate::toMap).toList());
		}
		if (message.toolCallId() != null) {
			map.put("tool_call_id", new Untrusted(message.toolCallId()));
		}
		if (message.name() != null) {
			map.put("name", new Untrusted(message.name()));
		}
		return map;
	}

	private static Map<String, @Nullable Object> toMap(ToolCall call) {
		Map<String, @Nullable Object> function = new LinkedHashMap<>();
		function.put("name", new Untrusted(call.name()));
		function.put("arguments", new Untrusted(json(call.argumentsJson())));
		Map<String, @Nullable Object> map = new LinkedHashMap<>();
		map.put("id", new Untrusted(call.id()));
		map.put("type", "function");
		map.put("function", function);
		return map;
	}

	private static Map<String, @Nullable Object> toMap(ToolDefinition tool) {
		Map<String, @Nullable Object> function = new LinkedHashMap<>();
		function.put("name", new Untrusted(tool.name()));
		function.put("description", new Untrusted(tool.description()));
		function.put("parameters", new Untrusted(
				json(tool.parametersJsonSchema().isBlank() ? NO_PARAMETERS : tool.parametersJsonSchema())));
		Map<String, @Nullable Object> map = new LinkedHashMap<>();
		map.put("type", "function");
		map.put("function", function);
		return map;
	}

	/**
	 * Whether a role is one that templates make control tokens of, as in
	 * {@code '<|' + role + '|>'}.
	 */
	private boolean isKnown(String role) {
		return ROLES.contains(role) || mentions("'" + role + "'") || mentions("\"" + role + "\"");
	}

	/**
	 * The value of a JSON text; a text that is not JSON stays as it is, as with
	 * transformers.
	 */
	private static @Nullable Object json(String text) {
		try {
			return ModelFiles.JSON.readValue(text, Object.class);
		}
		catch (JacksonException ex) {
			return text;
		}
	}

	/**
	 * Whether a template's source contains a text.
	 * @param text the text
	 * @return whether any of the named templates contains it
	 */
	boolean mentions(String text) {
		return this.sources.values().stream().anyMatch((source) -> source.text().contains(text));
	}

	/**
	 * A template and where it comes from.
	 */
	private record Source(String name, String text, JinjaTemplate template) {

		static Source parse(String text, String name) {
			try {
				return new Source(name, text, JinjaTemplate.parse(text, Limits.DEFAULT));
			}
			catch (JinjaException ex) {
				throw new ChatTemplateException(
						"The chat template " + name + ((ex.line() > 0) ? ", line " + ex.line() : "")
								+ " cannot be read: " + ex.getMessage() + ".",
						"Correct the template, or send plain text instead of messages.", ex);
			}
		}

	}

}
