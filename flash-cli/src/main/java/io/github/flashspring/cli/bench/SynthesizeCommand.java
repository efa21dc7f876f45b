package io.github.flashspring.cli.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code flash synthesize}: writes a model with random weights, to measure speed with
 * where no real model is at hand: in the exact shape of a well-known model, or of any
 * shape, as a Llama or a MoE model of Qwen 3's.
 */
@Command(name = "synthesize", mixinStandardHelpOptions = true, sortOptions = false,
		description = "Write a model with random weights, for benchmarks.",
		footer = { "", "Without further options it has the shape of Llama 3.2 1B with 32,000 tokens.", "", "Examples:",
				"  flash synthesize --out /tmp/llama-1b-4bit",
				"  flash synthesize --preset nemotron-3-nano-30b-a3b --out /tmp/nemotron",
				"  flash synthesize --preset smollm2-135m --format gguf-q4_1 --out /tmp/smollm2.gguf",
				"  flash synthesize --moe --layers 12 --kv-heads 4 --head-dim 128 --out /tmp/moe", "",
				"The last has the proportions of Qwen3-30B-A3B, with 12 of its 48 layers: 4.2 GB. Which experts"
						+ " its tokens need follows Zipf's law, with other favourites in every layer." })
@SuppressWarnings("NullAway.Init") // picocli sets required options
public final class SynthesizeCommand implements Callable<Integer> {

	private static final int DEFAULT_LAYERS = 16;

	private static final String GGUF = "gguf-q4_1";

	private final Progress progress;

	@Spec
	private CommandSpec spec;

	@Option(names = "--preset", paramLabel = "NAME", converter = Preset.Converter.class,
			description = "The exact shape of a well-known model, named and stored as mlx-lm does: llama-3.2-1b,"
					+ " llama-3.1-8b, qwen3-30b-a3b, nemotron-3-nano-30b-a3b, gpt-oss-20b or smollm2-135m.")
	private @Nullable Preset preset;

	@Option(names = "--format", paramLabel = "FORMAT", defaultValue = "mlx-4bit",
			description = "bf16, mlx-2bit, -3bit, -4bit, -5bit, -6bit, -8bit, mlx-mxfp4, mlx-mxfp8, mlx-nvfp4,"
					+ " mlx-mxfp4-q8 (experts in mxfp4, the rest in 8 bits): a checkpoint folder; gguf-q4_1: a Llama as a"
					+ " file for llama.cpp. Default: ${DEFAULT-VALUE}.")
	private String format;

	@Option(names = { "-o", "--out" }, required = true, paramLabel = "PATH",
			description = "The folder or file to write; files of an earlier model are replaced.")
	private Path out;

	@Option(names = "--group-size", paramLabel = "N", defaultValue = "64",
			description = "Values that share a scale, in mlx formats of so many bits: 32, 64 or 128. Default: ${DEFAULT-VALUE}.")
	private int groupSize;

	@Option(names = "--layers", paramLabel = "N",
			description = "Number of layers; of a preset, its first ones. Default: " + DEFAULT_LAYERS
					+ ", or all of a preset.")
	private @Nullable Integer layers;

	@Option(names = "--skew", paramLabel = "S",
			description = "Exponent of Zipf's law for the use of experts; 0: all alike. With 1, a quarter of the experts in"
					+ " memory serves most tokens; with 0.4, more than half of the experts of a token are read then."
					+ " Default: 1 for --moe, 0 for --preset, which is hardest for a cache.")
	private @Nullable Double skew;

	@Option(names = "--seed", paramLabel = "S", defaultValue = "0",
			description = "Start of the random numbers: the same gives the same bytes. Default: ${DEFAULT-VALUE}.")
	private long seed;

	@Mixin
	private final ShapeOptions shape = new ShapeOptions();

	/**
	 * Makes the command.
	 * @param progress is told what was written
	 */
	public SynthesizeCommand(Progress progress) {
		this.progress = progress;
	}

	@Override
	public Integer call() throws IOException {
		if (this.format.equals(GGUF)) {
			gguf().write(this.out, this.progress);
		}
		else {
			checkpoint().write(this.out, this.progress);
		}
		this.spec.commandLine().getErr().println("Wrote " + this.out);
		return 0;
	}

	private GgufModel gguf() {
		try {
			WeightFormat blocks = WeightFormat.affine(4, 32);
			ObjectNode config = config(new MatrixFormats(blocks, blocks, blocks, blocks));
			if (!config.path("model_type").stringValue().equals("llama")) {
				throw new IllegalArgumentException(
						"--format gguf-q4_1 is for Llamas; a model with experts needs bf16 or one of MLX's formats");
			}
			return new GgufModel(config, this.seed);
		}
		catch (IllegalArgumentException ex) {
			throw wrong(ex);
		}
	}

	private SyntheticCheckpoint checkpoint() {
		try {
			if (!List.of(32, 64, 128).contains(this.groupSize)) {
				throw new IllegalArgumentException("--group-size must be 32, 64 or 128, but is " + this.groupSize);
			}
			MatrixFormats formats = MatrixFormats.of(this.format, this.groupSize);
			ObjectNode config = config(formats);
			double exponent = (this.skew != null) ? this.skew : this.shape.moe() ? 1 : 0;
			if (!(exponent >= 0 && exponent <= 10)) {
				throw new IllegalArgumentException("--skew must be 0 to 10, but is " + exponent);
			}
			TensorList tensors = SyntheticTensors.of(config, this.shape.moe() ? formats.plainRouters() : formats,
					new SyntheticRouting(exponent), this.seed);
			return new SyntheticCheckpoint(config, tensors, formats.standard());
		}
		catch (IllegalArgumentException ex) {
			throw wrong(ex);
		}
	}

	private ObjectNode config(MatrixFormats formats) {
		if (this.preset == null) {
			return this.shape.config((this.layers != null) ? this.layers : DEFAULT_LAYERS, formats.standard(),
					formats.experts());
		}
		List<String> shapes = CommandSpec.forAnnotatedObject(new ShapeOptions())
			.options()
			.stream()
			.map(OptionSpec::longestName)
			.filter(this.spec.commandLine().getParseResult()::hasMatchedOption)
			.toList();
		if (!shapes.isEmpty()) {
			throw new IllegalArgumentException(
					"--preset has a shape of its own: leave out " + String.join(", ", shapes));
		}
		return (this.layers != null) ? this.preset.config(this.layers) : this.preset.config();
	}

	private ParameterException wrong(IllegalArgumentException ex) {
		return new ParameterException(this.spec.commandLine(), String.valueOf(ex.getMessage()), ex);
	}

}
