package io.github.flashspring.cli.bench;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

import io.github.flashspring.cli.bench.BenchReport.Model;
import io.github.flashspring.cli.bench.ModeOptions.Mode;
import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.PrefixCacheConfig;
import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.ModelLocator;

/**
 * {@code flash bench}: how fast a model reads a prompt and generates, with all of its
 * weights in memory and with less, and how near that is to the rates at which memory and
 * disk can be read. Everything is measured in each round, so that interference affects
 * all alike; the medians count.
 */
@Command(name = "bench", mixinStandardHelpOptions = true, sortOptions = false,
		description = "Measure how fast a model reads prompts and generates.",
		footer = { "",
				"Results are medians over the rounds. 'limit' is the rate of the disk by the bytes that a token needs of"
						+ " it: the rate of the very reads of a pass with nothing computed, just before, between and after"
						+ " segments of decoding. 'stall-free' is the speed without the time in which compute waited for"
						+ " the disk; concurrent reads slow compute down. 'compute' is what compute alone allows: the speed with"
						+ " everything in memory, in the same round, if 'all' is among the budgets and fits, else 'stall-free'."
						+ " 'longer' names the lower of 'limit' and 'compute', 'of both' compares with it. 'of all' compares"
						+ " with everything in memory; 'reads' is how often a prompt read streamed weights.",
				"'flash synthesize' makes a model with random weights to measure with." })
@SuppressWarnings("NullAway.Init") // picocli sets required options
public final class BenchCommand implements Callable<Integer> {

	@Spec
	private CommandSpec spec;

	@Option(names = { "-m", "--model" }, paramLabel = "DIR_OR_ID", defaultValue = "",
			description = "Folder with a checkpoint, or the id of a model in the local Hugging Face cache."
					+ " Required, but for --kernels.")
	private String model;

	@Option(names = { "-t", "--threads" }, paramLabel = "LIST", split = ",", defaultValue = "0",
			description = "Threads that compute. Several numbers, such as 1,2,4,8: measure instead the speed of"
					+ " prompts and of decoding at each, in the first of the budgets; also for --kernels and"
					+ " --positions. Default: one per processor.")
	private List<Integer> threads;

	@Option(names = "--device", paramLabel = "KIND",
			description = "What computes, such as cpu. Default: the best there is.")
	private @Nullable String device;

	@Option(names = "--prompt", paramLabel = "N", defaultValue = "512",
			description = "Most tokens of the prompt. Default: ${DEFAULT-VALUE}.")
	private int prompt;

	@Option(names = "--prefill", description = "Compute the prompt in budgets below 'all' as well.")
	private boolean prefill;

	@Option(names = "--tokens", paramLabel = "N", defaultValue = "64",
			description = "Most tokens to generate. Default: ${DEFAULT-VALUE}.")
	private int tokens;

	@Option(names = "--seconds", paramLabel = "S", defaultValue = "10",
			description = "About how long one measurement may take: of longer prompts and answers, a part is"
					+ " computed. Default: ${DEFAULT-VALUE}.")
	private double seconds;

	@Option(names = "--budgets", paramLabel = "LIST", split = ",", defaultValue = "all,80%,50%,25%",
			converter = Budget.Converter.class,
			description = "Memory for the engine: 'all', shares of the weights, or sizes such as 2GB. Default:"
					+ " ${DEFAULT-VALUE}. Behind a colon, how experts are streamed, to compare: 50%%:no-lookahead, 50%%:lru"
					+ " (those used last are kept, no lookahead), 50%%:no-cache (none is kept, no lookahead),"
					+ " 50%%:no-cache+lookahead.")
	private List<Budget> budgets;

	@Option(names = "--expert-tokens", paramLabel = "N", defaultValue = "128",
			description = "Tokens to generate before measuring or tracing a MoE model, for favourites to come"
					+ " into memory. Default: ${DEFAULT-VALUE}.")
	private int expertTokens;

	@Option(names = "--rounds", paramLabel = "N", defaultValue = "5",
			description = "Rounds that count. Default: ${DEFAULT-VALUE}.")
	private int rounds;

	@Mixin
	private final KvOptions kv = new KvOptions();

	@Mixin
	private final ReadOptions reads = new ReadOptions();

	@Option(names = "--trace", paramLabel = "FILE",
			description = "Write what happened when in the last of the budgets, for Chrome's about:tracing or Perfetto.")
	private @Nullable Path trace;

	@Mixin
	private final ModeOptions modes = new ModeOptions();

	@Mixin
	private final KernelOptions kernels = new KernelOptions();

	@Option(names = "--json", description = "Print the results as JSON; the table goes to standard error.")
	private boolean json;

	@Override
	public Integer call() throws IOException {
		if (this.prompt < 1 || this.tokens < 2 || this.rounds < 1 || this.expertTokens < 1 || !(this.seconds > 0)) {
			throw new ParameterException(this.spec.commandLine(),
					"--prompt, --rounds and --expert-tokens must be at least 1, --tokens at least 2, --seconds more than 0");
		}
		Mode mode = mode();
		CommandLine commandLine = this.spec.commandLine();
		PrintWriter table = this.json ? commandLine.getErr() : commandLine.getOut();
		if (mode == Mode.KERNELS) {
			json(new KernelBench(kernelSettings(), table, commandLine.getErr()).run());
			return 0;
		}
		if (this.model.isEmpty()) {
			throw new ParameterException(this.spec.commandLine(), "Missing required option: '--model=DIR_OR_ID'");
		}
		Integer once = this.modes.answerOnce();
		if (once != null) {
			print(SingleAnswer.run(answerConfig(), once));
			return 0;
		}
		if (mode == Mode.FIRST_ANSWER) {
			json(new FirstAnswerBench(table, commandLine.getErr()).run(childArguments(), this.rounds));
			return 0;
		}
		FlashConfig.Builder config = config();
		long weights = weightBytes();
		Budget first = this.budgets.getFirst();
		json(switch (mode) {
			case LOAD -> new LoadBench(table).run(first.text(),
					config.ramBudget(first.of(weights)).expertStreaming(first.experts()).build());
			case DEGRADATION ->
				new DegradationBench(config, weights, this.tokens, this.seconds, table).run(this.rounds);
			case SCALING -> scaling(config, weights, table);
			case CLIENTS -> new ClientsBench(config, weights, this.tokens, table, commandLine.getErr())
				.run(this.budgets, this.modes.clients(), this.rounds);
			case PASSKEY -> new PasskeyBench(config.ramBudget(first.of(weights)), this.kv.precision().window(), table,
					commandLine.getErr())
				.run(this.modes.passkey(), this.rounds);
			default -> budgets(config, weights, table);
		});
		return 0;
	}

	private Mode mode() {
		try {
			this.threads.forEach((number) -> FlashConfig.builder("-").threads(number).build());
			return this.modes.mode(this.kernels.kernels(), this.threads.size() > 1);
		}
		catch (IllegalArgumentException ex) {
			throw new ParameterException(this.spec.commandLine(), String.valueOf(ex.getMessage()), ex);
		}
	}

	private ScalingReport scaling(FlashConfig.Builder config, long weights, PrintWriter table) {
		Model measured = model(config, threads(this.threads.getFirst()), weights);
		measured.print(table);
		Budget budget = this.budgets.getFirst();
		return new ScalingBench(
				new ScalingBench.Settings(config.ramBudget(budget.of(weights)).expertStreaming(budget.experts()),
						this.threads.stream().map(BenchCommand::threads).toList(), this.modes.positions(), this.prompt,
						this.tokens, this.seconds, measured.weightBytesPerToken()),
				table, this.spec.commandLine().getErr())
			.run(this.rounds);
	}

	private BenchReport budgets(FlashConfig.Builder config, long weights, PrintWriter table) throws IOException {
		Model measured = model(config, threads(this.threads.getFirst()), weights);
		measured.print(table);
		BudgetBench bench = new BudgetBench(new BudgetBench.Settings(config, this.prompt, this.prefill, this.tokens,
				this.seconds, weights, measured.weightBytesPerToken(), this.expertTokens),
				this.spec.commandLine().getErr());
		BenchReport report = new BudgetRounds(bench, this.budgets, table).run(measured, this.rounds);
		if (this.trace != null) {
			bench.trace(this.budgets.getLast(), this.trace);
		}
		report.printMedian(table);
		return report;
	}

	/** What this process was asked for, but for {@code --first-answer}. */
	private List<String> childArguments() {
		List<String> arguments = new ArrayList<>(this.spec.root().commandLine().getParseResult().originalArgs());
		arguments.remove("--first-answer");
		return arguments;
	}

	/** The engine of {@code flash run}, unless a budget is asked for. */
	private FlashConfig answerConfig() {
		FlashConfig.Builder config = FlashConfig.builder(this.model)
			// each prompt is computed, though rounds begin alike
			.prefixCache(PrefixCacheConfig.NONE)
			.threads(this.threads.getFirst())
			.device(this.device)
			.kv(this.kv.precision())
			.reading(this.reads.reading());
		if (this.spec.commandLine().getParseResult().hasMatchedOption("--budgets")) {
			Budget budget = this.budgets.getFirst();
			config.ramBudget(budget.of(weightBytes())).expertStreaming(budget.experts());
		}
		return config.build();
	}

	private void json(Object report) {
		if (this.json) {
			print(report);
		}
	}

	private void print(Object report) {
		PrintWriter out = this.spec.commandLine().getOut();
		out.println(JsonMapper.shared().writeValueAsString(report));
		out.flush();
	}

	/** The number of threads that 0 stands for. */
	private static int threads(int given) {
		return (given > 0) ? given : Runtime.getRuntime().availableProcessors();
	}

	private KernelBench.Settings kernelSettings() {
		try {
			return this.kernels.settings(this.device, this.threads.stream().map(BenchCommand::threads).toList(),
					this.rounds, this.seconds);
		}
		catch (IllegalArgumentException ex) {
			throw new ParameterException(this.spec.commandLine(), String.valueOf(ex.getMessage()), ex);
		}
	}

	private FlashConfig.Builder config() {
		try {
			FlashConfig.Builder config = FlashConfig.builder(this.model)
				// each prompt is computed, though rounds begin alike
				.prefixCache(PrefixCacheConfig.NONE)
				.threads(this.threads.getFirst())
				.device(this.device)
				.kv(this.kv.precision())
				.reading(this.reads.reading())
				.parallel(1)
				.contextLength(
						Math.addExact(Math.max(this.modes.positions().stream().reduce(this.prompt, Math::max), 8),
								Math.addExact(Math.max(this.tokens, this.expertTokens), 8)));
			config.build();
			return config;
		}
		catch (IllegalArgumentException | ArithmeticException ex) {
			throw new ParameterException(this.spec.commandLine(), String.valueOf(ex.getMessage()), ex);
		}
	}

	private Model model(FlashConfig.Builder config, int processors, long weights) {
		FlashConfig first = config.ramBudget(this.budgets.getFirst().of(weights)).build();
		try (FlashEngine engine = FlashEngine.load(first)) {
			return new Model(this.model, engine.model().architecture(), engine.model().precision(),
					engine.snapshot().device(), processors, weights, engine.plan().weightBytesPerToken(), this.prompt,
					this.tokens);
		}
	}

	/** Size of all weights. */
	private long weightBytes() {
		try (Checkpoint checkpoint = Checkpoint.open(ModelLocator.ofSystem().locate(this.model))) {
			return checkpoint.totalBytes();
		}
	}

}
