package io.github.flashspring.engine.text;

import java.nio.file.Path;
import java.time.Clock;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

import io.github.flashspring.jinja.JinjaException;
import io.github.flashspring.jinja.JinjaTemplate;
import io.github.flashspring.jinja.Limits;
import io.github.flashspring.jinja.MarkedText;
import io.github.flashspring.jinja.Untrusted;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model's chat template: turns a conversation into the text that the model was trained
 * on, as {@code apply_chat_template} of Hugging Face's transformers does. A template is
 * immutable and may be used by several threads.
 */
public final class ChatTemplate {

	private static final String DEFAULT = "default";

	private static final String TOOL_USE = "tool_use";

	private static final List<String> SPECIAL_TOKENS = List.of("bos_token", "eos_token", "unk_token", "sep_token",
			"pad_token", "cls_token", "mask_token");

	private static final Logger logger = LoggerFactory.getLogger(ChatTemplate.class);

	/**
	 * Of one conversation of a few words; those of real templates take thousands of
	 * steps.
	 */
	private static final Limits PROBE_LIMITS = new Limits(1 << 20, 1 << 20, 100_000, 1_000_000, 600);

	/** Messages of a conversation that is probed itself. */
	private static final int MAX_PROBED = 500;

	/** Messages from the end among which the one that is refused is looked for. */
	private static final int MAX_LOCATED = 50;

	private static final DateTimeFormatter DATE_TIME = DateTimeFormatter.ofPattern("MMM dd yyyy HH:mm:ss", Locale.ROOT);

	private static final Set<String> ROLES = Set.of("system", "developer", "user", "assistant", "tool");

	private final Map<String, Source> sources;

	private final Map<String, Object> specialTokens;

	private final Clock clock;

	private final ToolSupport tools;

	private final AtomicBoolean logged = new AtomicBoolean();

	private volatile @Nullable TemplateCapabilities capabilities;

	private ChatTemplate(Map<String, Source> sources, Map<String, Object> specialTokens, Clock clock,
			ToolSupport tools) {
		this.sources = sources;
		this.specialTokens = specialTokens;
		this.clock = clock;
		this.tools = tools;
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
	 * {@code tokenizer_config.json} or {@code chat_template.json}, and optionally
	 * {@code additional_chat_templates/tool_use.jinja} for conversations with tools
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
		Path toolFile = modelFolder.resolve("additional_chat_templates").resolve(TOOL_USE + ".jinja");
		String toolUse = ModelFiles.readText(toolFile, 4 * Limits.DEFAULT.source());
		if (toolUse != null) {
			collectNamed(TOOL_USE, toolUse, toolFile.toString(), sources);
		}
		if (sources.isEmpty()) {
			return Optional.empty();
		}
		Map<?, ?> tokens = ModelFiles.readObject(modelFolder.resolve("special_tokens_map.json"));
		return Optional.of(new ChatTemplate(sources, specialTokens(tokens, config), clock, ToolSupport.AUTO));
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
		return new ChatTemplate(Map.of(DEFAULT, Source.parse(source, name)), new LinkedHashMap<>(specialTokens), clock,
				ToolSupport.AUTO);
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
	private static void collectNamed(String name, String source, String where, Map<String, Source> to) {
		try {
			to.put(name, Source.parse(source, where));
		}
		catch (ChatTemplateException ex) {
			if (name.equals(DEFAULT)) {
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

	/**
	 * What the template can carry, which is found out once.
	 * @return its capabilities
	 */
	public TemplateCapabilities capabilities() {
		TemplateCapabilities known = this.capabilities;
		if (known == null) {
			known = probe().probe();
			this.capabilities = known;
		}
		return known;
	}

	/**
	 * The same template with another way to tell of tools that it does not know.
	 * @param tools the way
	 * @return the template
	 */
	public ChatTemplate withTools(ToolSupport tools) {
		return new ChatTemplate(this.sources, this.specialTokens, this.clock, tools);
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
	 * Renders a conversation and remembers what the template itself wrote. Where the
	 * template cannot carry a message as it is, the conversation is rewritten without
	 * loss: see {@link TemplateCapabilities}.
	 * @param input messages, tools and variables, all of which are untrusted
	 * @return the text for {@link Tokenizer#hideUntrusted}
	 * @throws ChatTemplateException if the template fails or refuses the conversation
	 */
	public MarkedText renderMarked(ChatTemplateInput input) {
		List<ToolDefinition> tools = input.tools();
		TemplateCapabilities able = capabilities();
		if (!tools.isEmpty() && !able.toolDefinitions() && this.tools == ToolSupport.REFUSE) {
			throw new ChatTemplateException("The chat template " + name() + " does not define tools.",
					"Send no tools, choose a model that was trained to call tools, or set flash.chat.tools=auto.",
					null);
		}
		boolean defined = !tools.isEmpty() && !able.toolDefinitions() && this.tools == ToolSupport.AUTO;
		boolean written = !able.toolCalls() && this.tools == ToolSupport.AUTO
				|| !tools.isEmpty() && writesCallsAsBlocks();
		if (defined && this.logged.compareAndSet(false, true)) {
			logger.info(
					"The chat template {} defines no tools: the system message defines them, and calls are"
							+ " expected {}. flash.chat.tools=refuse refuses tools instead.",
					name(), written ? "as <tool_call> blocks" : "in its own format");
		}
		List<Turn> turns = conversation(input.messages());
		if (defined) {
			turns = GenericTools.withDefinitions(turns, tools, written ? null : callExample());
		}
		List<ToolDefinition> passed = defined ? List.of() : tools;
		List<List<Turn>> ways = ConversationAdapter.ways(able, turns, written);
		turns = chosen(ways, ways.get(written ? 0 : 1), passed, able.form());
		try {
			return renderTurns(turns, passed, able.form(), input.addGenerationPrompt(), input.variables(), false);
		}
		catch (ChatTemplateException ex) {
			throw located(ex, turns, passed, able.form(), input);
		}
	}

	/**
	 * The first way to write a conversation that loses nothing; if each does, what the
	 * capabilities ask for.
	 */
	private List<Turn> chosen(List<List<Turn>> ways, List<Turn> usual, List<ToolDefinition> tools, MessageForm form) {
		if (usual.size() > MAX_PROBED) {
			return usual;
		}
		return ways.stream().distinct().filter((way) -> probe().takes(way, tools, form)).findFirst().orElse(usual);
	}

	/**
	 * Renders messages as they are, without finding out what the template can carry.
	 * @param messages the messages
	 * @return the text
	 * @throws ChatTemplateException if the template fails or refuses the conversation
	 */
	String renderAsIs(List<ChatMessage> messages) {
		return renderTurns(conversation(messages), List.of(), MessageForm.DEFAULT, false, Map.of(), true).string();
	}

	private List<Turn> conversation(List<ChatMessage> messages) {
		boolean developers = mentions("developer");
		List<Turn> turns = new ArrayList<>();
		for (int i = 0; i < messages.size(); i++) {
			Turn turn = Turn.of(messages.get(i), i);
			turns.add((turn.is("developer") && !developers) ? turn.withRole("system") : turn);
		}
		return turns;
	}

	private TemplateProbe probe() {
		return new TemplateProbe((turns, tools, form) -> renderTurns(turns, tools, form, true, Map.of(), true));
	}

	/**
	 * Whether calls are {@code <tool_call>} blocks since the template neither defines
	 * tools nor writes calls in a format that is known.
	 * @return whether the format of calls is {@link ToolFormat#HERMES}
	 */
	boolean writesCallsAsBlocks() {
		TemplateCapabilities able = capabilities();
		return this.tools == ToolSupport.AUTO && !able.toolDefinitions()
				&& (!able.toolCalls() || ToolFormat.ofSource(this) == ToolFormat.GENERIC || callExample() == null);
	}

	/**
	 * How the template writes a call: what it adds to a conversation when the assistant
	 * makes one, up to the end of the turn.
	 * @return the call; null if that cannot be found out
	 */
	private @Nullable MarkedText callExample() {
		Turn user = new Turn("user", MarkedText.trusted("question"), null, List.of(), null, null, 0);
		Turn call = new Turn("assistant", MarkedText.trusted(""), null, List.of(GenericTools.EXAMPLE), null, null, 1);
		try {
			MessageForm form = capabilities().form();
			String before = renderTurns(List.of(user), List.of(), form, true, Map.of(), true).string();
			MarkedText after = renderTurns(List.of(user, call), List.of(), form, false, Map.of(), true);
			int from = 0;
			int most = Math.min(before.length(), after.string().length());
			while (from < most && before.charAt(from) == after.string().charAt(from)) {
				from++;
			}
			String text = after.string().substring(from);
			String end = (this.specialTokens.get("eos_token") instanceof String token) ? token : "";
			int to = end.isEmpty() ? -1 : text.lastIndexOf(end);
			text = ((to > 0) ? text.substring(0, to) : text).strip();
			// the template's own characters, in which the example is ours
			return text.contains(GenericTools.EXAMPLE.name()) ? MarkedText.trusted(text) : null;
		}
		catch (ChatTemplateException ex) {
			// it writes no call without its result
			return null;
		}
	}

	private MarkedText renderTurns(List<Turn> turns, List<ToolDefinition> tools, MessageForm form, boolean prompt,
			Map<String, ? extends @Nullable Object> more, boolean probe) {
		Map<String, @Nullable Object> variables = new LinkedHashMap<>(this.specialTokens);
		variables.put("documents", null);
		more.forEach((name, value) -> variables.put(name, new Untrusted(value)));
		variables.put("messages", turns.stream().map((turn) -> turn.toMap(form, isKnown(turn.role()))).toList());
		boolean none = tools.isEmpty() && form.variables() == MessageForm.Variables.USUAL;
		variables.put("tools", none ? null : tools.stream().map((tool) -> toMap(tool, form)).toList());
		if (form.variables() == MessageForm.Variables.FUNCTIONS) {
			List<Map<String, @Nullable Object>> functions = tools.stream().map(GenericTools::definition).toList();
			variables.put("functions", new Untrusted(ModelFiles.JSON.writeValueAsString(functions)));
			variables.put("datetime", DATE_TIME.format(ZonedDateTime.now(this.clock)));
		}
		variables.put("add_generation_prompt", prompt);
		return renderVariables(variables, !tools.isEmpty(), probe);
	}

	private MarkedText renderVariables(Map<String, ? extends @Nullable Object> variables, boolean withTools,
			boolean probe) {
		Source source = source(withTools);
		try {
			JinjaTemplate template = source.template();
			return (probe ? template.within(PROBE_LIMITS) : template).render(variables, this.clock);
		}
		catch (JinjaException ex) {
			throw failure(ex, source.name());
		}
	}

	private Source source(boolean withTools) {
		Source source = withTools ? this.sources.get(TOOL_USE) : null;
		source = (source != null) ? source : this.sources.get(DEFAULT);
		if (source == null) {
			throw new ChatTemplateException(
					"The model has the chat templates " + this.sources.keySet() + ", but none named 'default'.",
					"Put the one to use into chat_template.jinja.", null);
		}
		return source;
	}

	private String name() {
		Source source = this.sources.get(DEFAULT);
		return (source != null) ? source.name() : String.valueOf(this.sources.keySet());
	}

	/**
	 * Names the message that the template refuses: the last of the shortest beginning of
	 * the conversation from which on nothing is taken.
	 */
	private ChatTemplateException located(ChatTemplateException failure, List<Turn> turns, List<ToolDefinition> tools,
			MessageForm form, ChatTemplateInput input) {
		boolean limit = failure.getCause() instanceof JinjaException cause && cause.kind() == JinjaException.Kind.LIMIT;
		int most = limit ? 0 : Math.min(turns.size(), MAX_LOCATED);
		for (int size = turns.size() - 1; size >= turns.size() - most && size >= 0; size--) {
			boolean taken = size == 0;
			try {
				if (!taken) {
					renderTurns(turns.subList(0, size), tools, form, input.addGenerationPrompt(), input.variables(),
							false);
					taken = true;
				}
			}
			catch (ChatTemplateException ex) {
				// so does a shorter beginning
			}
			if (taken) {
				int index = turns.get(size).index();
				return new ChatTemplateException(
						failure.description() + " The first message that it refuses is number " + index
								+ " (counted from 0), of the role '" + input.messages().get(index).role() + "'.",
						failure.action(), failure.getCause());
			}
		}
		return failure;
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

	private static Map<String, @Nullable Object> toMap(ToolDefinition tool, MessageForm form) {
		Map<String, @Nullable Object> map = new LinkedHashMap<>(GenericTools.definition(tool));
		if (form.described()) {
			map.put("function", described(map.get("function")));
		}
		map.put("function", new Untrusted(map.get("function")));
		return map;
	}

	/**
	 * A schema in which each property has a description.
	 */
	private static @Nullable Object described(@Nullable Object schema) {
		if (schema instanceof List<?> list) {
			return list.stream().map(ChatTemplate::described).toList();
		}
		if (!(schema instanceof Map<?, ?> map)) {
			return schema;
		}
		Map<Object, @Nullable Object> described = new LinkedHashMap<>();
		map.forEach((name, value) -> {
			Object inner = described(value);
			if (name.equals("properties") && inner instanceof Map<?, ?> properties) {
				Map<Object, @Nullable Object> all = new LinkedHashMap<>();
				properties.forEach((property, own) -> all.put(property, withDescription(own)));
				inner = all;
			}
			described.put(name, inner);
		});
		return described;
	}

	private static @Nullable Object withDescription(@Nullable Object property) {
		if (!(property instanceof Map<?, ?> map) || map.containsKey("description")) {
			return property;
		}
		Map<Object, @Nullable Object> described = new LinkedHashMap<>(map);
		described.put("description", "");
		return described;
	}

	/**
	 * Whether a role is one that templates make control tokens of, as in
	 * {@code '<|' + role + '|>'}.
	 */
	private boolean isKnown(String role) {
		return ROLES.contains(role) || mentions("'" + role + "'") || mentions("\"" + role + "\"");
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
