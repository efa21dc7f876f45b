package io.github.flashspring.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.cli.AnswerPrinter.Answer;
import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.FlashEngineException;
import io.github.flashspring.engine.GenerationRequest.Chat;
import io.github.flashspring.engine.ModelInfo;
import io.github.flashspring.engine.ModelfileSettings;
import io.github.flashspring.engine.Usage;
import io.github.flashspring.engine.failure.FlashException;
import io.github.flashspring.engine.generate.FinishReason;
import io.github.flashspring.engine.metrics.ByteSize;
import io.github.flashspring.engine.text.ChatMessage;

/**
 * A conversation: reads what the user says, prints what the model answers, and remembers
 * both. All that can be set in it is a Modelfile, so that it can be shown and saved as
 * one.
 */
final class ChatSession {

	private static final String HINT = "/? for help, /bye or Ctrl-D ends, Ctrl-C stops an answer.";

	private final Terminal terminal;

	private final EngineLoader loader;

	private final ModelOptions modelOptions;

	private final GenerationOptions generation;

	private final List<ChatMessage> messages = new ArrayList<>();

	private final Map<String, Object> variables;

	private FlashEngine engine;

	private FlashConfig config;

	private @Nullable ModelfileSettings settings;

	private @Nullable Usage lastUsage;

	private boolean figures = true;

	private boolean markdown;

	/**
	 * Creates a conversation.
	 * @param terminal where the user is
	 * @param loader loads other models
	 * @param modelOptions how engines are configured
	 * @param generation how answers are generated
	 * @param engine what answers; closed at the end
	 * @param config what it was loaded with
	 */
	ChatSession(Terminal terminal, EngineLoader loader, ModelOptions modelOptions, GenerationOptions generation,
			FlashEngine engine, FlashConfig config) {
		this.terminal = terminal;
		this.loader = loader;
		this.modelOptions = modelOptions;
		this.generation = generation;
		this.variables = new HashMap<>(generation.variables());
		this.engine = engine;
		this.config = config;
		this.markdown = terminal.rendering();
	}

	/**
	 * Talks until the user ends it.
	 * @param begin the Modelfile to begin with
	 * @return the exit code
	 * @throws IOException if standard input cannot be read
	 */
	int run(ModelfileSettings begin) throws IOException {
		this.settings = begin;
		try (LineInput input = LineInput.of(this.terminal)) {
			if (this.terminal.interactive()) {
				this.terminal.note(description());
				this.terminal.note(HINT);
				warn(begin);
			}
			SlashCommands commands = new SlashCommands(this, this.terminal, input);
			for (String said = read(input); said != null; said = read(input)) {
				if (said.isBlank()) {
					continue;
				}
				if (SlashCommands.isCommand(said)) {
					if (!commands.run(said.strip())) {
						return 0;
					}
					continue;
				}
				Answer answer = answer(said, input);
				if (answer != null && answer.unread()) {
					return answer.exitCode();
				}
			}
			return 0;
		}
		finally {
			this.engine.close();
		}
	}

	/** A line, lines that end with a backslash, or lines between triple quotes. */
	private static @Nullable String read(LineInput input) throws IOException {
		String line = input.read("> ");
		if (line == null) {
			return null;
		}
		if (line.stripLeading().startsWith(SlashCommands.QUOTES)) {
			return quoted(line.stripLeading().substring(SlashCommands.QUOTES.length()), input);
		}
		StringBuilder said = new StringBuilder();
		while (line != null && line.endsWith("\\")) {
			said.append(line, 0, line.length() - 1).append('\n');
			line = input.read("… ");
		}
		return said.append((line != null) ? line : "").toString();
	}

	/**
	 * Reads lines until one ends with triple quotes.
	 * @param first the first, without the opening quotes
	 * @param input where further ones come from
	 * @return the lines without quotes
	 * @throws IOException if the input cannot be read
	 */
	static String quoted(String first, LineInput input) throws IOException {
		StringBuilder said = new StringBuilder();
		String line = first;
		while (line != null && !line.stripTrailing().endsWith(SlashCommands.QUOTES)) {
			said.append(line).append('\n');
			line = input.read("… ");
		}
		if (line != null) {
			String last = line.stripTrailing();
			said.append(last, 0, last.length() - SlashCommands.QUOTES.length());
		}
		return said.toString();
	}

	private @Nullable Answer answer(String said, LineInput input) {
		this.messages.add(ChatMessage.user(said));
		AnswerPrinter printer = new AnswerPrinter(this.terminal,
				this.markdown ? new MarkdownView(this.terminal.out(), input.size()) : null, this.figures);
		try {
			Chat chat = new Chat(settings().before(this.messages), List.of(), this.variables);
			Answer answer = printer
				.print(this.engine.generate(this.generation.request(this.engine.model(), settings(), chat)));
			this.lastUsage = answer.finished().usage();
			if (answer.text().isEmpty() && answer.finished().reason() == FinishReason.CANCELLED) {
				// nothing was answered, so the question is not part of the conversation
				this.messages.removeLast();
			}
			else {
				this.messages.add(ChatMessage.assistant(answer.text()));
			}
			return answer;
		}
		catch (FlashEngineException | FlashException exception) {
			this.messages.removeLast();
			if (!this.terminal.interactive()) {
				throw exception;
			}
			this.terminal.note(Errors.message(exception));
			return null;
		}
	}

	/**
	 * Changes what the conversation is held with, and loads the model anew where that
	 * needs it.
	 * @param next the Modelfile from now on
	 * @param name of a created model; null: as it is
	 */
	void apply(ModelfileSettings next, @Nullable String name) {
		FlashConfig wanted = this.modelOptions.config(next, (name != null) ? name : this.config.name()).build();
		FlashConfig renamed = this.modelOptions.config(next, this.config.name()).build();
		if (!renamed.equals(this.config)) {
			reload(wanted);
		}
		List<String> known = settings().notes();
		next.notes().stream().filter((note) -> !known.contains(note)).forEach(this.terminal::note);
		this.settings = next;
		warn(next);
	}

	/** Two models at once may need more memory than there is. */
	private void reload(FlashConfig wanted) {
		this.engine.close();
		try {
			this.engine = Spinner.whileLoading(this.terminal, wanted, this.loader);
			this.config = wanted;
		}
		catch (RuntimeException ex) {
			this.engine = Spinner.whileLoading(this.terminal, this.config, this.loader);
			throw ex;
		}
	}

	private void warn(ModelfileSettings current) {
		String warning = current.quantizationWarning(this.engine.model());
		if (warning != null) {
			this.terminal.note(warning);
		}
	}

	String description() {
		ModelInfo model = this.engine.model();
		return model.id() + " (" + model.architecture() + ", " + model.precision() + ", "
				+ ByteSize.readable(model.bytes()) + ", context " + model.contextLength() + " tokens) on "
				+ this.engine.snapshot().device();
	}

	ModelfileSettings settings() {
		return Objects.requireNonNull(this.settings);
	}

	FlashEngine engine() {
		return this.engine;
	}

	/**
	 * {@return what was said and answered, which may be changed}
	 */
	List<ChatMessage> messages() {
		return this.messages;
	}

	Map<String, Object> variables() {
		return this.variables;
	}

	/**
	 * {@return what the last answer took; null if there was none}
	 */
	@Nullable Usage lastUsage() {
		return this.lastUsage;
	}

	void figures(boolean show) {
		this.figures = show;
	}

	void markdown(boolean render) {
		this.markdown = render;
	}

}
