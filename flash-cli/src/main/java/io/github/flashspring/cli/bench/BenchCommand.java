package io.github.flashspring.cli.bench;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

import io.github.flashspring.cli.bench.BenchReport.Model;
import io.github.flashspring.cli.bench.BenchReport.Round;
import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.Generation;
import io.github.flashspring.engine.GenerationEvent;
import io.github.flashspring.engine.GenerationRequest;
import io.github.flashspring.engine.Usage;
import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.ModelLocator;
import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.generate.Sampling;

/**
 * {@code flash bench}: how fast a model reads a prompt and generates, and how near that
 * is to the rate at which memory can be read. Everything is measured in each round, so
 * that disturbances hit all alike; the medians count.
 */
@Command(name = "bench", mixinStandardHelpOptions = true, sortOptions = false,
		description = "Measure how fast a model reads prompts and generates.",
		footer = { "", "Results are medians over the rounds, after one round to warm up.",
				"'flash synthesize' makes a model with random weights to measure with." })
@SuppressWarnings("NullAway.Init") // picocli sets required options
public final class BenchCommand implements Callable<Integer> {

	@Spec
	private CommandSpec spec;

	@Option(names = { "-m", "--model" }, required = true, paramLabel = "DIR_OR_ID",
			description = "Folder with a checkpoint, or the id of a model in the local Hugging Face cache.")
	private String model;

	@Option(names = { "-t", "--threads" }, paramLabel = "N",
			description = "Threads that compute. Default: one per processor.")
	private int threads;

	@Option(names = "--device", paramLabel = "KIND",
			description = "What computes, such as cpu. Default: the best there is.")
	private @Nullable String device;

	@Option(names = "--prompt", paramLabel = "N", defaultValue = "512",
			description = "Tokens of the prompt. Default: ${DEFAULT-VALUE}.")
	private int prompt;

	@Option(names = "--tokens", paramLabel = "N", defaultValue = "64",
			description = "Tokens to generate. Default: ${DEFAULT-VALUE}.")
	private int tokens;

	@Option(names = "--rounds", paramLabel = "N", defaultValue = "5",
			description = "Rounds that count. Default: ${DEFAULT-VALUE}.")
	private int rounds;

	@Option(names = "--json", description = "Print the results as JSON; the table goes to standard error.")
	private boolean json;

	@Override
	public Integer call() {
		if (this.prompt < 1 || this.tokens < 2 || this.rounds < 1) {
			throw new ParameterException(this.spec.commandLine(),
					"--prompt and --rounds must be at least 1, --tokens at least 2");
		}
		int processors = (this.threads > 0) ? this.threads : Runtime.getRuntime().availableProcessors();
		CommandLine commandLine = this.spec.commandLine();
		PrintWriter table = this.json ? commandLine.getErr() : commandLine.getOut();
		FlashConfig config = config();
		long weightBytes = weightBytes();
		BenchReport report;
		try (FlashEngine engine = FlashEngine.load(config); MemoryRate memory = new MemoryRate(processors)) {
			Model measured = new Model(this.model, engine.model().architecture(), engine.model().precision(),
					engine.snapshot().device(), processors, weightBytes, this.prompt, this.tokens);
			measured.print(table);
			round(engine, memory, -1);
			List<Round> all = new ArrayList<>();
			for (int i = 0; i < this.rounds; i++) {
				all.add(round(engine, memory, i));
				all.getLast().print(i + 1, table);
			}
			report = BenchReport.of(measured, all);
		}
		report.printMedian(table);
		if (this.json) {
			commandLine.getOut().println(JsonMapper.shared().writeValueAsString(report));
			commandLine.getOut().flush();
		}
		return 0;
	}

	private FlashConfig config() {
		try {
			return FlashConfig.builder(this.model)
				.threads(this.threads)
				.device(this.device)
				.parallel(1)
				.contextLength(Math.addExact(this.prompt, Math.addExact(this.tokens, 8)))
				.build();
		}
		catch (IllegalArgumentException | ArithmeticException ex) {
			throw new ParameterException(this.spec.commandLine(), String.valueOf(ex.getMessage()), ex);
		}
	}

	private Round round(FlashEngine engine, MemoryRate memory, int number) {
		MemoryRate.Rates rates = memory.measure();
		double prefill = run(engine, number, this.prompt, 1).promptTokensPerSecond();
		double decode = run(engine, number, Math.min(8, this.prompt), this.tokens).tokensPerSecond();
		return new Round(rates.best(), rates.smallPages(), rates.hugePages(), prefill, decode);
	}

	private Usage run(FlashEngine engine, int round, int promptTokens, int generated) {
		int[] ids = new int[promptTokens];
		int vocabulary = engine.model().vocabularySize();
		for (int i = 0; i < ids.length; i++) {
			ids[i] = Math.floorMod((i + 1) * 7919 + (round + 1) * 104_729, vocabulary);
		}
		GenerationRequest request = new GenerationRequest(new GenerationRequest.Tokens(ids), Sampling.GREEDY, generated,
				List.of(), true);
		try (Generation generation = engine.generate(request)) {
			GenerationEvent event = generation.next();
			while (event != null) {
				if (event instanceof GenerationEvent.Finished finished) {
					return finished.usage();
				}
				event = generation.next();
			}
		}
		throw new IllegalStateException("A generation ended without saying so");
	}

	/** Bytes of all weights that a decoded token is multiplied with. */
	private long weightBytes() {
		try (Checkpoint checkpoint = Checkpoint.open(ModelLocator.ofSystem().locate(this.model))) {
			Map<String, TensorInfo> all = checkpoint.tensors();
			boolean tied = !all.containsKey("lm_head.weight");
			return all.values()
				.stream()
				.filter((tensor) -> tied || !tensor.name().contains("embed_tokens"))
				.mapToLong(TensorInfo::byteSize)
				.sum();
		}
	}

}
