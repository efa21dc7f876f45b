package io.github.flashspring.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.FlashEngineException;
import io.github.flashspring.engine.ModelfileSettings;
import io.github.flashspring.engine.Usage;
import io.github.flashspring.engine.checkpoint.ModelLocator;
import io.github.flashspring.engine.failure.FlashException;
import io.github.flashspring.engine.generate.FinishReason;
import io.github.flashspring.engine.metrics.ByteSize;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.modelfile.Instruction;
import io.github.flashspring.engine.modelfile.Keyword;
import io.github.flashspring.engine.modelfile.Modelfile;
import io.github.flashspring.engine.modelfile.Parameter;
import io.github.flashspring.engine.text.ChatMessage;

/**
 * What a user can do in a conversation other than talk: lines that begin with a slash and
 * a word.
 */
final class SlashCommands {

	static final String QUOTES = "\"\"\"";

	/** For completion. */
	static final List<String> NAMES = List.of("/set", "/show", "/save", "/load", "/system", "/stats", "/clear", "/bye",
			"/?");

	private static final Pattern COMMAND = Pattern.compile("\\s*/([a-z]+|\\?)(\\s.*)?", Pattern.DOTALL);

	private static final String HELP = """
			/set parameter NAME VALUE   such as temperature 0.2, num_predict 100, num_ctx 8192, stop END
			/set think|nothink          whether a model that can do both thinks before it answers
			/set verbose|quiet          figures after each answer
			/set markdown|plain         how answers are shown
			/set history|nohistory      whether lines are kept for the arrow keys
			/system [TEXT]              sets or shows what the model is told about its task
			/show [info|modelfile|parameters|system|license]
			/save NAME, /load NAME      the model with what was set and said, for flash run NAME
			/stats                      what the engine holds and has done
			/clear                      forgets what was said
			/bye                        ends, as Ctrl-D does
			A text of several lines stands between ""\" and ""\"; a line that ends with \\ goes on in the next.""";

	private final ChatSession session;

	private final Terminal terminal;

	private final LineInput input;

	private final ModelStore store = ModelStore.ofSystem();

	SlashCommands(ChatSession session, Terminal terminal, LineInput input) {
		this.session = session;
		this.terminal = terminal;
		this.input = input;
	}

	/**
	 * Whether a line is a command; a path such as {@code /etc/hosts} is none.
	 * @param line what was typed
	 * @return whether
	 */
	static boolean isCommand(String line) {
		return COMMAND.matcher(line).matches();
	}

	/**
	 * Does what a line asks for; what goes wrong is said and changes nothing.
	 * @param line a command
	 * @return false at the end of the conversation
	 * @throws IOException if the input cannot be read
	 */
	boolean run(String line) throws IOException {
		String[] words = line.split("\\s+", 2);
		String rest = (words.length > 1) ? words[1].strip() : "";
		try {
			switch (words[0]) {
				case "/bye", "/exit", "/quit" -> {
					return false;
				}
				case "/clear", "/reset" -> this.session.messages().clear();
				case "/?", "/help" -> this.terminal.note(HELP);
				case "/set" -> set(rest);
				case "/show" -> show(rest);
				case "/system" -> system(rest);
				case "/save" -> save(rest);
				case "/load" -> load(rest);
				case "/stats" -> stats();
				default -> this.terminal.note("Unknown command " + words[0] + ". /? lists all.");
			}
		}
		catch (FlashException | FlashEngineException | IllegalArgumentException ex) {
			this.terminal.note(Errors.message(ex));
		}
		return true;
	}

	private void set(String rest) throws IOException {
		String[] words = rest.split("\\s+", 3);
		switch (words[0]) {
			case "parameter" -> parameter(words);
			case "system" -> system(rest.substring("system".length()).strip());
			case "think", "nothink" -> this.session.variables().put("enable_thinking", words[0].equals("think"));
			case "verbose", "quiet" -> this.session.figures(words[0].equals("verbose"));
			case "markdown", "plain" -> this.session.markdown(words[0].equals("markdown"));
			case "history", "nohistory" -> this.input.remember(words[0].equals("history"));
			default -> this.terminal.note(HELP.lines()
				.filter((line) -> line.startsWith("/set"))
				.reduce("", (all, line) -> all.isEmpty() ? line : all + "\n" + line));
		}
	}

	private void parameter(String[] words) {
		if (words.length < 3) {
			throw new IllegalArgumentException("Write for example: /set parameter temperature 0.2");
		}
		String text = Keyword.FROM + " x\n" + Keyword.PARAMETER + " " + words[1] + " " + words[2].strip() + "\n";
		Instruction parsed = Modelfile.parse(text.getBytes(StandardCharsets.UTF_8), "/set parameter")
			.all(Keyword.PARAMETER)
			.getFirst();
		boolean list = parsed.name().equals(Parameter.STOP.key());
		change((one) -> !list && one.keyword() == Keyword.PARAMETER && one.name().equals(parsed.name()),
				Instruction.of(Keyword.PARAMETER, parsed.name(), parsed.value()));
		this.terminal.note("Set " + parsed.name() + " to " + parsed.value() + ".");
	}

	private void system(String text) throws IOException {
		if (text.isEmpty()) {
			String system = this.session.settings().system();
			this.terminal.note((system != null) ? system : "No system message is set.");
			return;
		}
		String content = text.startsWith(QUOTES) ? ChatSession.quoted(text.substring(QUOTES.length()), this.input)
				: text;
		change((one) -> one.keyword() == Keyword.SYSTEM, Instruction.of(Keyword.SYSTEM, "", content));
		this.terminal.note("Set the system message.");
	}

	private void change(Predicate<Instruction> replaced, Instruction added) {
		Modelfile next = this.session.settings().file().with(replaced, List.of(added));
		this.session.apply(ModelfileSettings.of(next, null), null);
	}

	private void show(String what) {
		ModelfileSettings settings = this.session.settings();
		switch (what) {
			case "", "info" -> {
				this.terminal.note(this.session.description());
				this.terminal.err().print(ModelFacts.readable(ModelFacts.of(settings)));
				this.terminal.err().flush();
			}
			case "modelfile" -> this.terminal.note(settings.file().text().stripTrailing());
			case "parameters" -> {
				List<Instruction> all = settings.file().all(Keyword.PARAMETER);
				all.forEach((one) -> this.terminal.note(one.name() + " " + one.value()));
				if (all.isEmpty()) {
					this.terminal.note("No parameter is set; the model suggests "
							+ this.session.engine().model().sampling() + ".");
				}
			}
			case "system" -> this.terminal.note((settings.system() != null) ? settings.system() : "None is set.");
			case "license", "licence" ->
				this.terminal.note(ModelFacts.licence(settings, ModelLocator.ofSystem().locate(settings.model())));
			default -> this.terminal.note("/show takes info, modelfile, parameters, system or license.");
		}
	}

	private void save(String name) throws IOException {
		List<Instruction> said = new ArrayList<>();
		List<ChatMessage> before = this.session.settings().messages();
		for (ChatMessage message : join(before, this.session.messages())) {
			if (!message.content().isEmpty()) {
				said.add(Instruction.of(Keyword.MESSAGE, message.role(), message.content()));
			}
		}
		this.store.save(name, this.session.settings().file().with((one) -> one.keyword() == Keyword.MESSAGE, said));
		this.terminal.note("Saved as " + name + ". /load " + name + " or flash run " + name + " goes on from here.");
	}

	private static List<ChatMessage> join(List<ChatMessage> first, List<ChatMessage> second) {
		List<ChatMessage> all = new ArrayList<>(first);
		all.addAll(second);
		return all;
	}

	private void load(String name) {
		@Nullable Modelfile file = this.store.find(name).orElse(null);
		if (file == null && !ModelStore.isFolder(name) && !name.contains("/")) {
			throw new IllegalArgumentException("There is no created model '" + name + "'.");
		}
		ModelfileSettings next = ModelfileSettings.of((file != null) ? file : ModelStore.of(name), null);
		this.session.apply(next, (file != null) ? name : null);
		this.session.messages().clear();
		this.terminal.note("Loaded " + name + ".");
	}

	private void stats() {
		EngineSnapshot snapshot = this.session.engine().snapshot();
		Long budget = snapshot.budgetBytes();
		this.terminal.note("device   " + snapshot.device());
		this.terminal.note("budget   " + ((budget != null) ? ByteSize.readable(budget) : "unlimited"));
		snapshot.memory()
			.forEach((one) -> this.terminal
				.note(String.format(Locale.ROOT, "  %-20s %s", one.owner(), ByteSize.readable(one.bytes()))));
		this.terminal.note(String.format(Locale.ROOT, "work     %,d prompt tokens, %,d generated tokens, %,d passes",
				snapshot.work().promptTokens(), snapshot.work().generatedTokens(), snapshot.work().passes()));
		Usage usage = this.session.lastUsage();
		if (usage != null) {
			this.terminal.note("last     " + Figures.of(usage, FinishReason.STOP));
		}
	}

}
