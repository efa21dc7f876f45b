package io.github.flashspring.cli.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code flash synthesize}: writes a model with random weights, to measure speed with
 * where no real model is at hand: Llama's architecture, or a mixture of experts of Qwen
 * 3's.
 */
@Command(name = "synthesize", mixinStandardHelpOptions = true, sortOptions = false,
		description = "Write a model with random weights, for benchmarks.",
		footer = { "", "Without further options it has the shape of Llama 3.2 1B with 32,000 tokens.", "", "Examples:",
				"  flash synthesize --format mlx-4bit --out /tmp/llama-1b-4bit",
				"  flash synthesize --format gguf-q4_1 --out /tmp/llama-1b.gguf",
				"  flash synthesize --mixture --format mlx-4bit --layers 12 --kv-heads 4 --head-dim 128 --out /tmp/moe",
				"",
				"The last has the proportions of Qwen3-30B-A3B, with 12 of its 48 layers: 4.2 GB. Which experts"
						+ " its tokens need follows Zipf's law, with other favourites in every layer." })
@SuppressWarnings("NullAway.Init") // picocli sets required options
public final class SynthesizeCommand implements Callable<Integer> {

	private static final int MOST_LAYERS = 1000;

	private static final int MOST_EXPERTS = 1024;

	private static final int MOST_TOKENS = 1_000_000;

	@Spec
	private CommandSpec spec;

	@Option(names = "--format", required = true, paramLabel = "FORMAT",
			description = "bf16, mlx-2bit, -3bit, -4bit, -5bit, -6bit, -8bit, mlx-mxfp4, mlx-mxfp8, mlx-nvfp4: a checkpoint folder;"
					+ " gguf-q4_1: a file for llama.cpp.")
	private String format;

	@Option(names = { "-o", "--out" }, required = true, paramLabel = "PATH",
			description = "The folder or file to write; files of an earlier model are replaced.")
	private Path out;

	@Option(names = "--group-size", paramLabel = "N", defaultValue = "64",
			description = "Values that share a scale, in mlx formats of so many bits: 32, 64 or 128. Default: ${DEFAULT-VALUE}.")
	private int groupSize;

	@Option(names = "--layers", paramLabel = "N", defaultValue = "16",
			description = "Number of layers. Default: ${DEFAULT-VALUE}.")
	private int layers;

	@Option(names = "--hidden", paramLabel = "N", defaultValue = "2048",
			description = "Width. Default: ${DEFAULT-VALUE}.")
	private int hidden;

	@Option(names = "--mlp", paramLabel = "N", defaultValue = "8192",
			description = "Width inside the MLP. Default: ${DEFAULT-VALUE}.")
	private int mlp;

	@Option(names = "--heads", paramLabel = "N", defaultValue = "32",
			description = "Query heads. Default: ${DEFAULT-VALUE}.")
	private int heads;

	@Option(names = "--kv-heads", paramLabel = "N", defaultValue = "8",
			description = "Key-value heads. Default: ${DEFAULT-VALUE}.")
	private int keyValueHeads;

	@Option(names = "--head-dim", paramLabel = "N",
			description = "Width of a head. Default: --hidden divided by --heads.")
	private int headDim;

	@Option(names = "--mixture", description = "The feed-forward parts are mixtures of experts; --mlp does not count.")
	private boolean mixture;

	@Option(names = "--experts", paramLabel = "N", defaultValue = "128",
			description = "Experts of a layer of a mixture. Default: ${DEFAULT-VALUE}.")
	private int experts;

	@Option(names = "--experts-per-token", paramLabel = "N", defaultValue = "8",
			description = "Experts that a token needs. Default: ${DEFAULT-VALUE}.")
	private int expertsPerToken;

	@Option(names = "--expert-mlp", paramLabel = "N", defaultValue = "768",
			description = "Width inside an expert. Default: ${DEFAULT-VALUE}.")
	private int expertMlp;

	@Option(names = "--skew", paramLabel = "S", defaultValue = "1.0",
			description = "Exponent of Zipf's law for the use of experts; 0: all alike. With 1, a quarter of the experts in"
					+ " memory serves most tokens; with 0.4, more than half of the experts of a token are read then."
					+ " Default: ${DEFAULT-VALUE}.")
	private double skew;

	@Option(names = "--vocabulary", paramLabel = "N", defaultValue = "32000",
			description = "Number of tokens. Default: ${DEFAULT-VALUE}.")
	private int vocabulary;

	@Option(names = "--tied", description = "The head is the embedding.")
	private boolean tied;

	@Option(names = "--seed", paramLabel = "S", defaultValue = "0",
			description = "Start of the random numbers: the same gives the same bytes. Default: ${DEFAULT-VALUE}.")
	private long seed;

	@Override
	public Integer call() throws IOException {
		ModelShape shape = shape();
		if (this.format.equals("gguf-q4_1")) {
			require(!this.mixture, "--mixture needs the format bf16 or one of MLX's");
			new GgufModel(shape, this.seed).write(this.out);
		}
		else {
			checkpoint(shape, format()).write(this.out);
		}
		this.spec.commandLine().getErr().println("Wrote " + this.out);
		return 0;
	}

	private WeightFormat format() {
		try {
			return WeightFormat.of(this.format, this.groupSize);
		}
		catch (IllegalArgumentException ex) {
			throw wrong(String.valueOf(ex.getMessage()));
		}
	}

	private CheckpointModel checkpoint(ModelShape shape, WeightFormat stored) {
		if (!this.mixture) {
			return new CheckpointModel(shape, stored, this.seed);
		}
		require(this.experts >= 1 && this.experts <= MOST_EXPERTS,
				"--experts must be 1 to " + MOST_EXPERTS + ", but is " + this.experts);
		require(this.expertsPerToken >= 1 && this.expertsPerToken <= this.experts,
				"--experts-per-token must be 1 to " + this.experts + ", but is " + this.expertsPerToken);
		require(this.expertMlp >= 128 && this.expertMlp % 128 == 0,
				"--expert-mlp must be a multiple of 128, but is " + this.expertMlp);
		require(this.hidden > SyntheticMixture.CONSTANT,
				"--hidden must be more than " + SyntheticMixture.CONSTANT + " in a mixture, but is " + this.hidden);
		require(this.skew >= 0 && this.skew <= 10, "--skew must be 0 to 10, but is " + this.skew);
		return new CheckpointModel(shape, stored, this.seed,
				new SyntheticMixture(this.experts, this.expertsPerToken, this.expertMlp, this.skew));
	}

	private ModelShape shape() {
		require(this.headDim > 0 || (this.heads >= 1 && this.hidden % this.heads == 0),
				"--hidden must be a multiple of --heads, but is " + this.hidden + " with " + this.heads + " heads");
		int width = (this.headDim > 0) ? this.headDim : this.hidden / this.heads;
		require(width % 2 == 0, "--hidden must be an even multiple of --heads, but heads would be " + width + " wide");
		require(this.keyValueHeads >= 1 && this.heads % this.keyValueHeads == 0,
				"--heads must be a multiple of --kv-heads, but is " + this.heads + " with " + this.keyValueHeads);
		require(this.groupSize == 32 || this.groupSize == 64 || this.groupSize == 128,
				"--group-size must be 32, 64 or 128, but is " + this.groupSize);
		require(this.layers >= 1 && this.layers <= MOST_LAYERS,
				"--layers must be 1 to " + MOST_LAYERS + ", but is " + this.layers);
		require(this.hidden >= 128 && this.hidden % 128 == 0,
				"--hidden must be a multiple of 128, but is " + this.hidden);
		require(this.mlp >= 128 && this.mlp % 128 == 0, "--mlp must be a multiple of 128, but is " + this.mlp);
		require(this.vocabulary >= 300 && this.vocabulary <= MOST_TOKENS,
				"--vocabulary must be 300 to " + MOST_TOKENS + ", but is " + this.vocabulary);
		return new ModelShape(this.layers, this.hidden, this.mlp, this.heads, this.keyValueHeads, width,
				this.vocabulary, this.tied);
	}

	private void require(boolean right, String message) {
		if (!right) {
			throw wrong(message);
		}
	}

	private ParameterException wrong(String message) {
		return new ParameterException(this.spec.commandLine(), message);
	}

}
