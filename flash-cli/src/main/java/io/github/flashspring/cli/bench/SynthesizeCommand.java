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
 * {@code flash synthesize}: writes a Llama model with random weights, to measure speed
 * with where no real model is at hand.
 */
@Command(name = "synthesize", mixinStandardHelpOptions = true, sortOptions = false,
		description = "Write a Llama model with random weights, for benchmarks.",
		footer = { "", "Without further options it has the shape of Llama 3.2 1B with 32,000 tokens.", "", "Examples:",
				"  flash synthesize --format mlx-4bit --out /tmp/llama-1b-4bit",
				"  flash synthesize --format gguf-q4_1 --out /tmp/llama-1b.gguf" })
@SuppressWarnings("NullAway.Init") // picocli sets required options
public final class SynthesizeCommand implements Callable<Integer> {

	private static final int MOST_LAYERS = 1000;

	private static final int MOST_TOKENS = 1_000_000;

	@Spec
	private CommandSpec spec;

	@Option(names = "--format", required = true, paramLabel = "FORMAT",
			description = "bf16, mlx-4bit, mlx-8bit: a checkpoint folder; gguf-q4_1: a file for llama.cpp.")
	private String format;

	@Option(names = { "-o", "--out" }, required = true, paramLabel = "PATH",
			description = "The folder or file to write; files of an earlier model are replaced.")
	private Path out;

	@Option(names = "--group-size", paramLabel = "N", defaultValue = "64",
			description = "Values that share a scale, in mlx formats: 32, 64 or 128. Default: ${DEFAULT-VALUE}.")
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
		switch (this.format) {
			case "bf16" -> new CheckpointModel(shape, 16, 0, this.seed).write(this.out);
			case "mlx-4bit" -> new CheckpointModel(shape, 4, this.groupSize, this.seed).write(this.out);
			case "mlx-8bit" -> new CheckpointModel(shape, 8, this.groupSize, this.seed).write(this.out);
			case "gguf-q4_1" -> new GgufModel(shape, this.seed).write(this.out);
			default -> throw wrong("--format must be bf16, mlx-4bit, mlx-8bit or gguf-q4_1, but is " + this.format);
		}
		this.spec.commandLine().getErr().println("Wrote " + this.out);
		return 0;
	}

	private ModelShape shape() {
		require(this.heads >= 1 && this.hidden % this.heads == 0,
				"--hidden must be a multiple of --heads, but is " + this.hidden + " with " + this.heads + " heads");
		require(this.hidden / this.heads % 2 == 0, "--hidden must be an even multiple of --heads, but heads would be "
				+ this.hidden / this.heads + " wide");
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
		return new ModelShape(this.layers, this.hidden, this.mlp, this.heads, this.keyValueHeads,
				this.hidden / this.heads, this.vocabulary, this.tied);
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
