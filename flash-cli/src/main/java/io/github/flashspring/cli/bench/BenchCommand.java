package io.github.flashspring.cli.bench;

import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

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

	@Override
	public Integer call() {
		if (this.prompt < 1 || this.tokens < 2 || this.rounds < 1) {
			throw new ParameterException(this.spec.commandLine(),
					"--prompt and --rounds must be at least 1, --tokens at least 2");
		}
		int processors = (this.threads > 0) ? this.threads : Runtime.getRuntime().availableProcessors();
		long weightBytes = weightBytes();
		double[] memory = new double[this.rounds];
		double[] prefill = new double[this.rounds];
		double[] decode = new double[this.rounds];
		PrintWriter out = this.spec.commandLine().getOut();
		FlashConfig config = FlashConfig.builder(this.model)
			.threads(this.threads)
			.device(this.device)
			.parallel(1)
			.contextLength(this.prompt + this.tokens + 8)
			.build();
		try (FlashEngine engine = FlashEngine.load(config); MemoryRate rate = new MemoryRate(processors)) {
			out.printf(Locale.ROOT, "%s, %s, %s, %d bytes of weights per token%n", engine.model().precision(),
					engine.model().architecture(), engine.snapshot().device(), weightBytes);
			for (int round = -1; round < this.rounds; round++) {
				double bytesPerSecond = rate.measure();
				double prefilled = run(engine, round, this.prompt, 1).promptTokensPerSecond();
				double decoded = run(engine, round, Math.min(8, this.prompt), this.tokens).tokensPerSecond();
				if (round >= 0) {
					memory[round] = bytesPerSecond;
					prefill[round] = prefilled;
					decode[round] = decoded;
					out.printf(Locale.ROOT, "round %d: memory %.2f GB/s, prefill %.2f tokens/s, decode %.2f tokens/s%n",
							round + 1, bytesPerSecond * 1e-9, prefilled, decoded);
					out.flush();
				}
			}
		}
		double rate = median(decode) * weightBytes;
		out.printf(Locale.ROOT, "memory %.2f GB/s, %d threads%n", median(memory) * 1e-9, processors);
		out.printf(Locale.ROOT, "prefill %.2f tokens/s, %d tokens%n", median(prefill), this.prompt);
		out.printf(Locale.ROOT, "decode %.2f tokens/s, %.2f GB/s of weights, %.2f of the memory rate%n", median(decode),
				rate * 1e-9, rate / median(memory));
		out.flush();
		return 0;
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

	private static double median(double[] values) {
		double[] sorted = values.clone();
		Arrays.sort(sorted);
		int middle = sorted.length / 2;
		return (sorted.length % 2 == 1) ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
	}

}
