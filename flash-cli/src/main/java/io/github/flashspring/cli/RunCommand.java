package io.github.flashspring.cli;

import java.io.IOException;
import java.io.StringWriter;
import java.util.List;
import java.util.concurrent.Callable;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import io.github.flashspring.cli.ModelOptions.ModelChoice;
import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.FlashEngineException;
import io.github.flashspring.engine.GenerationRequest.Chat;
import io.github.flashspring.engine.GenerationRequest.Prompt;
import io.github.flashspring.engine.GenerationRequest.Text;
import io.github.flashspring.engine.GenerationRequest.Tokens;
import io.github.flashspring.engine.ModelfileSettings;
import io.github.flashspring.engine.text.ChatMessage;

/**
 * {@code flash run}: answers a prompt, continues a text or token ids, or holds a
 * conversation.
 */
@Command(name = "run", mixinStandardHelpOptions = true, sortOptions = false,
		customSynopsis = "flash run MODEL [PROMPT] [--ram GB] [--modelfile FILE] [OPTION]...",
		description = "Answer a prompt, continue a text or token ids, or hold a conversation.",
		footer = {
				"The answer goes to standard output, figures to standard error. Piped input is part of the prompt."
						+ " Without a prompt, a conversation begins.",
				"Example:  flash run Qwen/Qwen3-4B --ram 4 'Why is the sky blue?'" })
@SuppressWarnings("NullAway.Init") // picocli sets @Spec
final class RunCommand implements Callable<Integer> {

	private final Terminal terminal;

	private final EngineLoader loader;

	@Spec
	private CommandSpec spec;

	@Mixin
	private final ModelOptions modelOptions = new ModelOptions();

	@Option(names = { "-p", "--prompt" }, paramLabel = "TEXT",
			description = "The prompt, in place of words behind the model; -: standard input.")
	private @Nullable String prompt;

	@Option(names = "--chat", description = "Hold a conversation; with a prompt, insist on the chat template.")
	private boolean chat;

	@Option(names = { "--raw", "--ignore-chat-template" },
			description = "Continue the prompt as it is, without the chat template.")
	private boolean raw;

	@Option(names = "--token-ids", paramLabel = "IDS", converter = TokenIds.Converter.class,
			description = "Continue these token ids, such as 1,5,7, greedily past end of text.")
	private @Nullable TokenIds tokenIds;

	@Option(names = "--print-ids", description = "Print the new token ids with commas between them.")
	private boolean printIds;

	@Mixin
	private final GenerationOptions generation = new GenerationOptions();

	RunCommand(Terminal terminal, EngineLoader loader) {
		this.terminal = terminal;
		this.loader = loader;
	}

	@Override
	public Integer call() throws IOException {
		ModelChoice choice = this.modelOptions.choice();
		String words = choice.words().isEmpty() ? null : String.join(" ", choice.words());
		check(words);
		FlashConfig config = config(choice);
		ModelfileSettings settings = this.generation.over(choice.settings());
		this.generation.readStructure(this.terminal);
		String text = text(words);
		settings.notes().forEach(this.terminal::note);
		FlashEngine engine = Spinner.whileLoading(this.terminal, config, this.loader);
		if (this.tokenIds == null && text == null) {
			requireTemplate(engine, config, settings, null);
			return new ChatSession(this.terminal, this.loader, this.modelOptions, this.generation, engine, config)
				.run(settings);
		}
		try (engine) {
			String warning = settings.quantizationWarning(engine.model());
			if (warning != null) {
				this.terminal.note(warning);
			}
			boolean template = requireTemplate(engine, config, settings, text);
			AnswerPrinter printer = new AnswerPrinter(this.terminal, this.printIds);
			return printer
				.print(engine
					.generate(this.generation.request(engine.model(), settings, prompt(text, template, settings))))
				.exitCode();
		}
	}

	/**
	 * Refuses a conversation without a chat template, and closes the engine then.
	 * @return whether there is one to use
	 */
	private boolean requireTemplate(FlashEngine engine, FlashConfig config, ModelfileSettings settings,
			@Nullable String text) {
		boolean template = engine.model().chat() && !this.raw;
		if (template || this.tokenIds != null) {
			return template;
		}
		if (this.generation.needTemplate()) {
			engine.close();
			throw new FlashEngineException(config.model() + " has no chat template for --system and"
					+ " --template-variable. Leave them out to continue the prompt as plain text.");
		}
		if (!this.raw && (settings.system() != null || !settings.messages().isEmpty())) {
			engine.close();
			throw new FlashEngineException(config.model() + " has no chat template for SYSTEM and MESSAGE of the"
					+ " Modelfile. Leave them out, or continue the prompt as plain text with --raw.");
		}
		if (text == null || this.chat) {
			engine.close();
			throw new FlashEngineException(config.model() + " has no chat template, so it cannot hold a conversation."
					+ " Give it a text to continue with --prompt and without --chat.");
		}
		return false;
	}

	/** Refuses what does not go together, before anything is loaded. */
	private void check(@Nullable String words) {
		String text = (this.prompt != null) ? this.prompt : words;
		boolean given = text != null;
		require(this.prompt == null || words == null, "--prompt and a prompt behind the model exclude each other.");
		if (this.tokenIds != null) {
			require(!given, "--token-ids and a prompt exclude each other.");
			require(!this.chat, "--token-ids and --chat exclude each other.");
			this.generation.requireNoTemplate("--token-ids are continued as they are.");
		}
		require(!(this.raw && this.chat), "--raw and --chat exclude each other.");
		require(!(this.raw && this.generation.needTemplate()),
				"--system and --template-variable need the chat template, which --raw leaves out.");
		require(text == null || !text.isEmpty(), "The prompt must not be empty.");
		require(!this.generation.readsInput() || this.tokenIds != null || given && !"-".equals(this.prompt),
				"Standard input cannot hold both the prompt and a schema or grammar. Give the prompt with --prompt.");
		require(!(this.printIds && !given && this.tokenIds == null && this.terminal.interactive()),
				"--print-ids needs a prompt or --token-ids.");
		this.generation.check();
	}

	private FlashConfig config(ModelChoice choice) {
		try {
			return this.modelOptions.config(choice.settings(), choice.name()).build();
		}
		catch (IllegalArgumentException exception) {
			throw new ParameterException(this.spec.commandLine(), String.valueOf(exception.getMessage()), exception);
		}
	}

	private void require(boolean right, String message) {
		if (!right) {
			throw new ParameterException(this.spec.commandLine(), message);
		}
	}

	/** The prompt; null for a conversation. */
	private @Nullable String text(@Nullable String words) throws IOException {
		boolean piped = this.prompt == null && !this.chat && this.tokenIds == null && !this.terminal.interactive()
				&& !this.generation.readsInput();
		if (!piped && !"-".equals(this.prompt)) {
			return (words != null) ? words : this.prompt;
		}
		StringWriter text = new StringWriter();
		this.terminal.in().transferTo(text);
		String read = text.toString().strip();
		if (words != null) {
			return read.isEmpty() ? words : words + "\n\n" + read;
		}
		require(!read.isEmpty(), "Standard input holds no prompt. Give one with --prompt, or --chat, or --token-ids.");
		return read;
	}

	private Prompt prompt(@Nullable String text, boolean template, ModelfileSettings settings) {
		if (this.tokenIds != null) {
			return new Tokens(this.tokenIds.ids());
		}
		String content = (text != null) ? text : "";
		return template
				? new Chat(settings.before(List.of(ChatMessage.user(content))), List.of(), this.generation.variables())
				: new Text(content);
	}

}
