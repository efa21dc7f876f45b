package io.github.flashspring.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import sun.misc.Signal;
import sun.misc.SignalHandler;

import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngineException;
import io.github.flashspring.engine.GenerationEvent;
import io.github.flashspring.engine.GenerationRequest;
import io.github.flashspring.engine.GenerationRequest.Chat;
import io.github.flashspring.engine.GenerationRequest.Text;
import io.github.flashspring.engine.GenerationRequest.Tokens;
import io.github.flashspring.engine.cache.KvPrecision;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.generate.FinishReason;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.generate.grammar.Structure;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.text.ChatMessage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

/**
 * {@code flash run} against a scripted engine: what is asked of the engine, what is
 * printed where, and exit codes.
 */
class RunCommandTests {

	private final ScriptedEngine engine = new ScriptedEngine();

	@Test
	void answerGoesToStandardOutputAndFiguresToStandardError() {
		this.engine.says("Par", "is.");
		Call call = run("--model", "m", "--prompt", "Capital of France?");
		assertThat(call.code()).isZero();
		assertThat(call.out()).isEqualTo("Paris.\n");
		assertThat(call.err()).isEqualTo("5 prompt tokens (10.0 tokens/s), first token after 0.50 s,"
				+ " 11 generated tokens (10.0 tokens/s), 3.00 MB read\n");
		assertThat(this.engine.closed).isTrue();
	}

	@Test
	void printedIdsAreTheOnlyLineOnStandardOutput() {
		this.engine.says("ignored");
		Call call = run("--model", "m", "--token-ids", "1,5,7", "--max-tokens", "3", "--print-ids");
		assertThat(call.out()).isEqualTo("7,8,9\n");
		assertThat(call.code()).isZero();
	}

	@Test
	void tokenIdsAreContinuedGreedilyPastTheEndOfText() {
		this.engine.says("x");
		run("--model", "m", "--token-ids", " 1, 5,7 ", "--max-tokens", "3");
		GenerationRequest request = this.engine.requests.getFirst();
		assertThat(((Tokens) request.prompt()).ids()).containsExactly(1, 5, 7);
		assertThat(request.sampling()).isEqualTo(Sampling.GREEDY);
		assertThat(request.ignoreEndOfTurn()).isTrue();
		assertThat(request.maxTokens()).isEqualTo(3);
	}

	@Test
	void optionsReachTheEnginesConfiguration() {
		this.engine.says("x");
		run("-m", "some/model", "--ram", "800MB", "--threads", "2", "--context", "99", "--chunk", "7", "--device",
				"cpu", "-p", "hi");
		assertThat(this.engine.config).isEqualTo(FlashConfig.builder("some/model")
			.ramBudget(RamBudget.ofBytes(800L << 20))
			.threads(2)
			.contextLength(99)
			.prefillChunk(7)
			.device("cpu")
			.idleTimeout(Duration.ZERO)
			.build());
	}

	@ParameterizedTest
	@CsvSource({ "--kv f16, F16, 128", "--kv=HYBRID --kv-window=64, HYBRID, 64", "--kv-quant 8, HYBRID, 128",
			"--kv-quant 0, F32, 128", "--kv-quant 0 --kv f16, F16, 128", "--kv-quant 8 --kv hybrid, HYBRID, 128" })
	void keysAndValuesAreKeptAsAsked(String options, KvPrecision.Mode mode, int window) {
		this.engine.says("x");
		List<String> arguments = new ArrayList<>(List.of("-m", "m", "-p", "hi"));
		arguments.addAll(List.of(options.split(" ")));
		assertThat(run(arguments.toArray(String[]::new)).code()).isZero();
		assertThat(config().kv()).isEqualTo(new KvPrecision(mode, window, 8));
	}

	@ParameterizedTest
	@CsvSource({ "--kv-quant 4, 4 bits make models with outliers", "--kv-quant 8 --kv f16, contradicts --kv f16",
			"--kv q8, is not f32", "--kv hybrid --kv-window 100, must be a multiple of 64" })
	void precisionsThatDoNotExistAreRefused(String options, String message) {
		List<String> arguments = new ArrayList<>(List.of("-m", "m", "-p", "hi"));
		arguments.addAll(List.of(options.split(" ")));
		Call call = run(arguments.toArray(String[]::new));
		assertThat(call.code()).isEqualTo(2);
		assertThat(call.err()).contains(message);
	}

	@ParameterizedTest
	@CsvSource({ "0.5, 536870912", "2, 2147483648", "900KB, 921600", "1.5 gb, 1610612736", "4096B, 4096" })
	void ramTakesFractionsAndUnits(String ram, long bytes) {
		this.engine.says("x");
		run("-m", "m", "--ram", ram, "-p", "hi");
		assertThat(config().ramBudget()).isEqualTo(RamBudget.ofBytes(bytes));
	}

	@Test
	void ramMayBeTheLeastOrUnlimited() {
		this.engine.says("x").says("y");
		run("-m", "m", "--ram", "min", "-p", "hi");
		assertThat(config().ramBudget()).isEqualTo(RamBudget.MINIMUM);
		run("-m", "m", "-p", "hi");
		assertThat(config().ramBudget()).isNull();
	}

	@Test
	void promptGoesThroughTheChatTemplateOfTheModel() {
		this.engine.says("x");
		run("-m", "m", "-p", "hi", "--system", "Be kind.", "--template-variable", "enable_thinking=false",
				"--template-variable", "level=3", "--template-variable", "mood=calm", "--stop", "END");
		GenerationRequest request = this.engine.requests.getFirst();
		assertThat(request.prompt()).isEqualTo(new Chat(List.of(ChatMessage.system("Be kind."), ChatMessage.user("hi")),
				List.of(), Map.of("enable_thinking", false, "level", 3L, "mood", "calm")));
		assertThat(request.maxTokens()).isNull();
		assertThat(request.stopSequences()).containsExactly("END");
		assertThat(request.ignoreEndOfTurn()).isFalse();
	}

	@Test
	void promptIsContinuedAsItIsWithoutTemplate() {
		this.engine.chat = false;
		this.engine.says("x");
		run("-m", "m", "-p", "Once upon");
		assertThat(this.engine.requests.getFirst().prompt()).isEqualTo(new Text("Once upon"));
		assertThat(this.engine.requests.getFirst().maxTokens()).isEqualTo(256);
	}

	@Test
	void rawLeavesTheTemplateOut() {
		this.engine.says("x");
		run("-m", "m", "-p", "Once upon", "--raw");
		assertThat(this.engine.requests.getFirst().prompt()).isEqualTo(new Text("Once upon"));
	}

	@Test
	void samplingOptionsGoOverThoseOfTheModel() {
		this.engine.says("x").says("y");
		run("-m", "m", "-p", "hi", "--temp", "0.2", "--seed", "42", "--min-p", "0.1");
		assertThat(this.engine.requests.getLast().sampling())
			.isEqualTo(new Sampling(1.1f, 0, 0, 0.2f, 20, 0.95f, 0.1f, 42L));
		run("-m", "m", "-p", "hi", "--top-k", "1", "--top-p", "0.5", "--repeat-penalty", "1.3", "--presence-penalty",
				"1", "--frequency-penalty", "-1");
		assertThat(this.engine.requests.getLast().sampling())
			.isEqualTo(new Sampling(1.3f, 1, -1, 0.6f, 1, 0.5f, 0, null));
	}

	@Test
	void promptComesFromStandardInput() {
		this.engine.says("x").says("y");
		Call.typing("What\nis this?\n", false, this.engine::load, "run", "-m", "m", "-p", "-");
		Call.typing("What\nis that?\n", false, this.engine::load, "run", "-m", "m");
		assertThat(this.engine.requests).extracting(GenerationRequest::prompt)
			.containsExactly(new Chat(List.of(ChatMessage.user("What\nis this?")), List.of(), Map.of()),
					new Chat(List.of(ChatMessage.user("What\nis that?")), List.of(), Map.of()));
	}

	@Test
	void schemasAndGrammarsAreReadFromFiles(@TempDir Path folder) throws IOException {
		Path schema = Files.writeString(folder.resolve("schema.json"), "{\"type\":\"integer\"}");
		Path grammar = Files.writeString(folder.resolve("grammar.gbnf"), "root ::= [0-9]+");
		this.engine.says("1").says("1");
		run("-m", "m", "-p", "1 + 0?", "--json-schema", schema.toString());
		assertThat(this.engine.requests.getLast().structure())
			.isEqualTo(Structure.JsonSchema.of("{\"type\":\"integer\"}"));
		run("-m", "m", "-p", "1 + 0?", "--grammar", grammar.toString());
		assertThat(this.engine.requests.getLast().structure()).isEqualTo(new Structure.Gbnf("root ::= [0-9]+"));
	}

	@Test
	void schemasThatCannotBeEnforcedLoadNothing(@TempDir Path folder) throws IOException {
		Path schema = Files.writeString(folder.resolve("schema.json"), "{\"not\":{}}");
		Call call = run("-m", "m", "-p", "hi", "--json-schema", schema.toString());
		assertThat(call.code()).isEqualTo(2);
		assertThat(call.err()).contains("'not' at '/not' is not supported");
		assertThat(run("-m", "m", "-p", "hi", "--grammar", folder.resolve("missing").toString()).err())
			.contains("--grammar: the file")
			.contains("cannot be read");
		assertThat(this.engine.requests).isEmpty();
	}

	@Test
	void promptMayLookLikeAnOptionOrAFile() {
		this.engine.says("x").says("y");
		run("-m", "m", "--prompt=--help");
		run("-m", "m", "--prompt", "@home");
		assertThat(this.engine.requests).extracting(GenerationRequest::prompt)
			.containsExactly(new Chat(List.of(ChatMessage.user("--help")), List.of(), Map.of()),
					new Chat(List.of(ChatMessage.user("@home")), List.of(), Map.of()));
	}

	@Test
	void thoughtsStayOffStandardOutput() {
		this.engine.answers(List.of(new GenerationEvent.Reasoning("Hmm, "), new GenerationEvent.Reasoning("France?"),
				new GenerationEvent.Text("Paris")), FinishReason.LENGTH);
		Call call = run("-m", "m", "-p", "hi");
		assertThat(call.out()).isEqualTo("Paris\n");
		assertThat(call.err()).startsWith("Hmm, France?\n").endsWith("; stopped at the length limit\n");
	}

	@Test
	void conversationRemembersWhatWasSaid() {
		this.engine.says("Hello", " Ann").says("Ann").says("Who?");
		Call call = Call.typing("I am Ann\n\nWho \\\nam I?\n/clear\nWho am I?\n/exit\nnever read\n", false,
				this.engine::load, "run", "-m", "m", "--chat", "--system", "Be brief.");
		assertThat(call.code()).isZero();
		assertThat(call.out()).isEqualTo("Hello Ann\nAnn\nWho?\n");
		assertThat(this.engine.requests).extracting((request) -> ((Chat) request.prompt()).messages())
			.containsExactly(List.of(ChatMessage.system("Be brief."), ChatMessage.user("I am Ann")),
					List.of(ChatMessage.system("Be brief."), ChatMessage.user("I am Ann"),
							ChatMessage.assistant("Hello Ann"), ChatMessage.user("Who \nam I?")),
					List.of(ChatMessage.system("Be brief."), ChatMessage.user("Who am I?")));
	}

	@Test
	void conversationBeginsWhereAPersonTypes() {
		this.engine.says("Hello");
		Call call = Call.typing("Hi\n", true, this.engine::load, "run", "-m", "m");
		assertThat(call.code()).isZero();
		assertThat(call.out()).isEqualTo("Hello\n");
		assertThat(call.err()).contains("scripted (llama, BF16, 2 B, context 4096 tokens) on script").contains("> ");
	}

	@Test
	void personCanGoOnAfterARefusedMessage() {
		this.engine.failure = new FlashEngineException("The prompt is too long.");
		Call call = Call.typing("Hi\n", true, this.engine::load, "run", "-m", "m", "--chat");
		assertThat(call.code()).isZero();
		assertThat(call.err()).contains("The prompt is too long.");
		assertThat(Call.typing("Hi\n", false, this.engine::load, "run", "-m", "m", "--chat").code()).isOne();
	}

	@Test
	void modelsWithoutTemplateHoldNoConversation() {
		this.engine.chat = false;
		Call call = run("-m", "m", "--chat");
		assertThat(call.code()).isOne();
		assertThat(call.err())
			.isEqualTo("flash run: m has no chat template, so it cannot hold a conversation. Give it a"
					+ " text to continue with --prompt and without --chat.\n");
		assertThat(run("-m", "m", "-p", "hi", "--system", "s").err()).contains("--system").contains("no chat template");
		assertThat(this.engine.closed).isTrue();
	}

	@Test
	void failureIsOneMessageAndExitCode1() {
		Call call = Call.of((config) -> {
			throw new CheckpointException("File model.safetensors is truncated: expected 9 bytes, found 3.",
					"Download it again.");
		}, "run", "-m", "m", "-p", "hi");
		assertThat(call.code()).isOne();
		assertThat(call.out()).isEmpty();
		assertThat(call.err()).isEqualTo(
				"flash run: File model.safetensors is truncated: expected 9 bytes, found 3. Download it again.\n");
	}

	@Test
	void verboseShowsWhereAFailureHappened() {
		this.engine.failure = new IllegalStateException("oops");
		assertThat(run("-m", "m", "-p", "hi").err())
			.isEqualTo("flash run: unexpected IllegalStateException: oops. This is a defect; --verbose shows where it"
					+ " happened.\n");
		assertThat(run("-m", "m", "-p", "hi", "--verbose").err()).contains("\tat " + RunCommandTests.class.getName());
		assertThat(this.engine.closed).isTrue();
	}

	@ParameterizedTest
	@ValueSource(strings = { "-p hi", "-m m -p hi --token-ids 1", "-m m --token-ids 1 --chat", "-m m --token-ids 1,x",
			"-m m --token-ids ,", "-m m --token-ids -1", "-m m --token-ids 99999999999", "-m m -p hi --ram 0",
			"-m m -p hi --ram lots", "-m m -p hi --ram -1", "-m m -p hi --temp -1", "-m m -p hi --top-p 2",
			"-m m -p hi --max-tokens 0", "-m m -p hi --threads -1", "-m m -p hi --no-such-option", "-m m -p hi extra",
			"-m m --raw --chat", "-m m --raw --system s -p hi", "-m m -p hi -p ho", "-m m --max-tokens many -p hi",
			"-m m --token-ids 1 --system s" })
	void wrongCallsHaveExitCode2AndLoadNothing(String args) {
		Call call = run(args.split(" "));
		assertThat(call.code()).isEqualTo(2);
		assertThat(call.out()).isEmpty();
		assertThat(call.err()).startsWith("flash run: ").endsWith("Try 'flash run --help'.\n").doesNotContain("\tat ");
		assertThat(this.engine.config).isNull();
	}

	@Test
	void emptyInputIsNoPrompt() {
		Call call = Call.typing(" \n", false, this.engine::load, "run", "-m", "m");
		assertThat(call.code()).isEqualTo(2);
		assertThat(call.err()).contains("Standard input holds no prompt.");
	}

	@Test
	void wrongRamIsExplained() {
		assertThat(run("-m", "m", "-p", "hi", "--ram", "lots").err())
			.startsWith("flash run: Invalid value for option '--ram': Cannot read \"lots\" as a RAM budget.");
	}

	@Test
	@Timeout(60)
	void controlCEndsTheAnswerAndKeepsWhatWasSaid() throws Exception {
		assumeThat(ignoresControlC()).as("a process started in the background of a script never sees Ctrl-C").isFalse();
		ScriptedEngine.Endless endless = new ScriptedEngine.Endless();
		this.engine.answers.add(endless);
		Thread presser = Thread.ofPlatform().start(() -> {
			try {
				endless.waiting.await();
			}
			catch (InterruptedException ex) {
				throw new IllegalStateException(ex);
			}
			Signal.raise(new Signal("INT"));
		});
		Call call = run("-m", "m", "-p", "hi");
		presser.join();
		assertThat(call.code()).isEqualTo(130);
		assertThat(call.out()).isEqualTo("Well\n");
		assertThat(call.err()).endsWith("; cancelled\n");
		assertThat(this.engine.closed).isTrue();
	}

	private static boolean ignoresControlC() {
		Signal controlC = new Signal("INT");
		SignalHandler before = Signal.handle(controlC, SignalHandler.SIG_DFL);
		Signal.handle(controlC, before);
		return before == SignalHandler.SIG_IGN;
	}

	private FlashConfig config() {
		return Objects.requireNonNull(this.engine.config);
	}

	private Call run(String... args) {
		String[] all = new String[args.length + 1];
		all[0] = "run";
		System.arraycopy(args, 0, all, 1, args.length);
		return Call.of(this.engine::load, all);
	}

}
