package io.github.flashspring.cli;

import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.FlashEngineException;
import io.github.flashspring.engine.GenerationRequest;
import io.github.flashspring.engine.GenerationRequest.Chat;
import io.github.flashspring.engine.GenerationRequest.Prompt;
import io.github.flashspring.engine.GenerationRequest.Text;
import io.github.flashspring.engine.GenerationRequest.Tokens;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.generate.StopSequences;
import io.github.flashspring.engine.generate.grammar.CompiledGrammar;
import io.github.flashspring.engine.generate.grammar.GrammarException;
import io.github.flashspring.engine.generate.grammar.Structure;
import io.github.flashspring.engine.text.ChatMessage;

/**
 * {@code flash run}: answers a prompt, continues a text or token ids, or holds a
 * conversation.
 */
@Command(name = "run", mixinStandardHelpOptions = true, sortOptions = false,
		customSynopsis = "flash run --model DIR_OR_ID [--ram GB] [--prompt TEXT | --chat | --token-ids IDS] [OPTION]...",
		description = "Answer a prompt, continue a text or token ids, or hold a conversation.",
		footer = { "",
				"The answer streams to standard output; a line of figures follows on standard error. Without"
						+ " --prompt, --token-ids and --chat, a prompt is read from standard input, or a conversation"
						+ " begins where that is a terminal.",
				"", "Examples:", "  flash run --model Qwen/Qwen3-4B --ram 4 --prompt 'Why is the sky blue?'",
				"  flash run --model ./SmolLM2-135M-Instruct --chat",
				"  flash run --model ./llama --token-ids 1,5,7 --max-tokens 8 --print-ids" })
@SuppressWarnings("NullAway.Init") // picocli sets @Spec
final class RunCommand implements Callable<Integer> {

	private static final int DEFAULT_CONTINUATION = 256;

	private final Terminal terminal;

	private final EngineLoader loader;

	@Spec
	private CommandSpec spec;

	@Mixin
	private final ModelOptions modelOptions = new ModelOptions();

	@Option(names = { "-p", "--prompt" }, paramLabel = "TEXT",
			description = "What to answer, through the model's chat template if it has one, otherwise continued as it"
					+ " is; - reads standard input.")
	private @Nullable String prompt;

	@Option(names = "--chat", description = "Hold a conversation; with --prompt, insist on the chat template.")
	private boolean chat;

	@Option(names = "--system", paramLabel = "TEXT", description = "What the model is told about its task.")
	private @Nullable String system;

	@Option(names = "--template-variable", paramLabel = "NAME=VALUE",
			description = "Set a variable of the chat template, such as enable_thinking=false.")
	private Map<String, String> templateVariables = new HashMap<>();

	@Option(names = { "--raw", "--ignore-chat-template" },
			description = "Continue the prompt as it is, without the chat template.")
	private boolean raw;

	@Option(names = "--token-ids", paramLabel = "IDS", converter = TokenIds.Converter.class,
			description = "Continue these token ids, such as 1,5,7: greedily and past end-of-text ids, unless options"
					+ " say otherwise. Needs no tokenizer.")
	private @Nullable TokenIds tokenIds;

	@Option(names = "--print-ids",
			description = "Print the new token ids with commas between them, as the only line, instead of text.")
	private boolean printIds;

	@Option(names = { "-n", "--max-tokens" }, paramLabel = "N",
			description = "Most tokens to generate. Default: until the model ends its turn or the context is full; "
					+ DEFAULT_CONTINUATION + " for --token-ids and prompts that are continued as they are.")
	private @Nullable Integer maxTokens;

	@Mixin
	private final SamplingOptions samplingOptions = new SamplingOptions();

	@Option(names = "--stop", paramLabel = "TEXT", description = "End the answer before this text; can be repeated.")
	private List<String> stop = new ArrayList<>();

	@Option(names = "--json-schema", paramLabel = "FILE",
			description = "Answer with JSON that satisfies the JSON Schema in this file, and tell the model the schema;"
					+ " - reads standard input.")
	private @Nullable String jsonSchema;

	@Option(names = "--grammar", paramLabel = "FILE",
			description = "Answer with a text of the GBNF grammar in this file; - reads standard input.")
	private @Nullable String grammar;

	private @Nullable Structure structure;

	@Option(names = "--ignore-eos", description = "Go on past end-of-text tokens.")
	private boolean ignoreEndOfText;

	RunCommand(Terminal terminal, EngineLoader loader) {
		this.terminal = terminal;
		this.loader = loader;
	}

	@Override
	public Integer call() throws IOException {
		FlashConfig config = checked();
		this.structure = structure();
		String text = text();
		try (FlashEngine engine = this.loader.load(config)) {
			boolean template = engine.model().chat() && !this.raw;
			if (!template && (this.system != null || !this.templateVariables.isEmpty())) {
				throw new FlashEngineException(config.model() + " has no chat template for --system and"
						+ " --template-variable. Leave them out to continue the prompt as plain text.");
			}
			if (this.tokenIds == null && !template && (text == null || this.chat)) {
				throw new FlashEngineException(
						config.model() + " has no chat template, so it cannot hold a conversation."
								+ " Give it a text to continue with --prompt and without --chat.");
			}
			if (this.tokenIds == null && text == null) {
				return new ChatLoop(this.terminal, engine,
						(messages) -> request(engine, new Chat(messages, List.of(), variables())), this.system)
					.run();
			}
			AnswerPrinter printer = new AnswerPrinter(this.terminal, this.printIds);
			return printer.print(engine.generate(request(engine, prompt(text, template)))).exitCode();
		}
	}

	/** Refuses what does not go together, before anything is loaded. */
	private FlashConfig checked() {
		if (this.tokenIds != null) {
			require(this.prompt == null, "--token-ids and --prompt exclude each other.");
			require(!this.chat, "--token-ids and --chat exclude each other.");
			require(this.system == null, "--system needs a chat, but --token-ids are continued as they are.");
			require(this.templateVariables.isEmpty(),
					"--template-variable needs a chat, but --token-ids are continued as they are.");
		}
		require(!(this.raw && this.chat), "--raw and --chat exclude each other.");
		require(!(this.raw && this.system != null), "--system needs the chat template, which --raw leaves out.");
		require(this.prompt == null || !this.prompt.isEmpty(), "--prompt must not be empty.");
		require(this.jsonSchema == null || this.grammar == null, "--json-schema and --grammar exclude each other.");
		boolean fromInput = "-".equals(this.jsonSchema) || "-".equals(this.grammar);
		require(!fromInput || this.tokenIds != null || this.prompt != null && !"-".equals(this.prompt),
				"Standard input cannot hold both the prompt and a schema or grammar. Give the prompt with --prompt.");
		require(!(this.printIds && this.prompt == null && this.tokenIds == null && this.terminal.interactive()),
				"--print-ids needs --prompt or --token-ids.");
		try {
			this.samplingOptions.over(Sampling.GREEDY);
			StopSequences.validate("--stop", this.stop);
			new GenerationRequest(new Text("-"), null, this.maxTokens, this.stop, false);
			return this.modelOptions.config().build();
		}
		catch (IllegalArgumentException exception) {
			throw new ParameterException(this.spec.commandLine(), exception.getMessage(), exception);
		}
	}

	private void require(boolean right, String message) {
		if (!right) {
			throw new ParameterException(this.spec.commandLine(), message);
		}
	}

	/** What the answer must look like; checked before anything is loaded. */
	private @Nullable Structure structure() throws IOException {
		Structure asked = null;
		if (this.jsonSchema != null) {
			asked = Structure.JsonSchema.of(read("--json-schema", this.jsonSchema));
		}
		if (this.grammar != null) {
			asked = new Structure.Gbnf(read("--grammar", this.grammar));
		}
		if (asked != null) {
			try {
				CompiledGrammar.check(asked);
			}
			catch (GrammarException exception) {
				throw new ParameterException(this.spec.commandLine(), exception.getMessage(), exception);
			}
		}
		return asked;
	}

	private String read(String option, String file) throws IOException {
		if (file.equals("-")) {
			StringWriter text = new StringWriter();
			this.terminal.in().transferTo(text);
			return text.toString();
		}
		try {
			return Files.readString(Path.of(file));
		}
		catch (IOException | InvalidPathException exception) {
			throw new ParameterException(this.spec.commandLine(),
					option + ": the file " + file + " cannot be read as UTF-8 text: " + exception, exception);
		}
	}

	/** The prompt; null for a conversation. */
	private @Nullable String text() throws IOException {
		boolean piped = this.prompt == null && !this.chat && this.tokenIds == null && !this.terminal.interactive();
		if (!piped && !"-".equals(this.prompt)) {
			return this.prompt;
		}
		StringWriter text = new StringWriter();
		this.terminal.in().transferTo(text);
		String read = text.toString().strip();
		require(!read.isEmpty(), "Standard input holds no prompt. Give one with --prompt, or --chat, or --token-ids.");
		return read;
	}

	private Prompt prompt(@Nullable String text, boolean template) {
		if (this.tokenIds != null) {
			return new Tokens(this.tokenIds.ids());
		}
		String content = (text != null) ? text : "";
		if (!template) {
			return new Text(content);
		}
		List<ChatMessage> messages = new ArrayList<>();
		if (this.system != null) {
			messages.add(ChatMessage.system(this.system));
		}
		messages.add(ChatMessage.user(content));
		return new Chat(messages, List.of(), variables());
	}

	private GenerationRequest request(FlashEngine engine, Prompt from) {
		Sampling base = (from instanceof Tokens) ? Sampling.GREEDY : engine.model().sampling();
		Integer most = (this.maxTokens == null && !(from instanceof Chat)) ? Integer.valueOf(DEFAULT_CONTINUATION)
				: this.maxTokens;
		return new GenerationRequest(from, this.samplingOptions.over(base), most, this.stop,
				this.ignoreEndOfText || from instanceof Tokens, this.structure);
	}

	/**
	 * Values as a template would see them: truth values and whole numbers, not their
	 * spelling.
	 */
	private Map<String, Object> variables() {
		Map<String, Object> variables = new HashMap<>();
		this.templateVariables.forEach((name, value) -> variables.put(name, switch (value) {
			case "true" -> true;
			case "false" -> false;
			default -> value.matches("-?\\d{1,18}") ? (Object) Long.valueOf(value) : value;
		}));
		return variables;
	}

}
