package io.github.flashspring.engine.text;

import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

import io.github.flashspring.jinja.JinjaException;
import io.github.flashspring.jinja.MarkedText;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model's chat template: turns a conversation into the text that the model was trained
 * on, as {@code apply_chat_template} of Hugging Face's transformers does. A template is
 * immutable and may be used by several threads.
 */
public final class ChatTemplate {

	private static final Logger logger = LoggerFactory.getLogger(ChatTemplate.class);

	/** Messages of a conversation that is probed itself. */
	private static final int MAX_PROBED = 500;

	/** Messages from the end among which the one that is refused is looked for. */
	private static final int MAX_LOCATED = 50;

	private final TemplateRenderer renderer;

	private final ToolSupport tools;

	private final AtomicBoolean logged = new AtomicBoolean();

	private volatile @Nullable TemplateCapabilities capabilities;

	private ChatTemplate(TemplateRenderer renderer, ToolSupport tools) {
		this.renderer = renderer;
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
		return TemplateFiles.read(modelFolder)
			.map((files) -> new ChatTemplate(new TemplateRenderer(files.sources(), files.specialTokens(), clock),
					ToolSupport.AUTO));
	}

	/**
	 * A template in place of that of a model, with the model's special tokens.
	 * @param modelFolder the model's folder
	 * @param source the template
	 * @param name what to call it in errors
	 * @return the template
	 * @throws ChatTemplateException if the template is not valid Jinja
	 * @throws TokenizerException if a file of the model is damaged
	 */
	public static ChatTemplate replacing(Path modelFolder, String source, String name) {
		Map<String, TemplateSource> sources = Map.of(TemplateSource.DEFAULT, TemplateSource.parse(source, name));
		return new ChatTemplate(
				new TemplateRenderer(sources, TemplateFiles.specialTokens(modelFolder), Clock.systemDefaultZone()),
				ToolSupport.AUTO);
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
		Map<String, TemplateSource> sources = Map.of(TemplateSource.DEFAULT, TemplateSource.parse(source, name));
		return new ChatTemplate(new TemplateRenderer(sources, new LinkedHashMap<>(specialTokens), clock),
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
		return new ChatTemplate(this.renderer, tools);
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
			throw new ChatTemplateException("The chat template " + this.renderer.name() + " does not define tools.",
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
					this.renderer.name(), written ? "as <tool_call> blocks" : "in its own format");
		}
		List<Turn> turns = conversation(input.messages());
		if (defined) {
			turns = GenericTools.withDefinitions(turns, tools, written ? null : callExample());
		}
		List<ToolDefinition> passed = defined ? List.of() : tools;
		List<List<Turn>> ways = ConversationAdapter.ways(able, turns, written);
		turns = chosen(ways, ways.get(written ? 0 : 1), passed, able.form());
		try {
			return this.renderer.render(turns, passed, able.form(), input.addGenerationPrompt(), input.variables(),
					false);
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
		return this.renderer.render(conversation(messages), List.of(), MessageForm.DEFAULT, false, Map.of(), true)
			.string();
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
		return new TemplateProbe(
				(turns, tools, form) -> this.renderer.render(turns, tools, form, true, Map.of(), true));
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
			String before = this.renderer.render(List.of(user), List.of(), form, true, Map.of(), true).string();
			MarkedText after = this.renderer.render(List.of(user, call), List.of(), form, false, Map.of(), true);
			int from = 0;
			int most = Math.min(before.length(), after.string().length());
			while (from < most && before.charAt(from) == after.string().charAt(from)) {
				from++;
			}
			String text = after.string().substring(from);
			String end = this.renderer.endOfText();
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
					this.renderer.render(turns.subList(0, size), tools, form, input.addGenerationPrompt(),
							input.variables(), false);
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

	/**
	 * Whether a template's source contains a text.
	 * @param text the text
	 * @return whether any of the named templates contains it
	 */
	boolean mentions(String text) {
		return this.renderer.mentions(text);
	}

}
