package io.github.flashspring.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import io.github.flashspring.engine.checkpoint.gguf.GgufImporter;
import io.github.flashspring.engine.checkpoint.gguf.ImportReport;
import io.github.flashspring.engine.metrics.ByteSize;

/**
 * {@code flash import}: turns a GGUF file into a checkpoint that the engine reads.
 */
@Command(name = "import", mixinStandardHelpOptions = true, sortOptions = false,
		customSynopsis = "flash import FILE.gguf --out DIR",
		description = "Turn a GGUF file of architecture llama into a checkpoint in the MLX layout, without loss.",
		footer = { "",
				"F32, F16, BF16, Q8_0, Q4_0 and Q4_1 tensors keep their values; others become F16, which is said."
						+ " Tokenizer, chat template and generation settings come along.",
				"", "Example:", "  flash import SmolLM2-135M-Instruct.Q4_1.gguf --out SmolLM2-135M-Instruct" })
@SuppressWarnings("NullAway.Init") // picocli sets parameters and required options
final class ImportCommand implements Callable<Integer> {

	private final Terminal terminal;

	@Spec
	private CommandSpec spec;

	@Parameters(paramLabel = "FILE.gguf", description = "The file to import.")
	private Path file;

	@Option(names = { "-o", "--out" }, required = true, paramLabel = "DIR",
			description = "The folder to make; must not exist, or be empty.")
	private Path out;

	ImportCommand(Terminal terminal) {
		this.terminal = terminal;
	}

	@Override
	public Integer call() throws IOException {
		if (!Files.isRegularFile(this.file)) {
			throw new ParameterException(this.spec.commandLine(),
					Files.exists(this.file) ? this.file + " is not a file." : "There is no file " + this.file + ".");
		}
		ProgressLine progress = new ProgressLine(this.terminal);
		long start = System.nanoTime();
		ImportReport report = GgufImporter.importFile(this.file, this.out, progress::at);
		progress.clear();
		report.notes().forEach(this.terminal::note);
		this.terminal.note((report.modelName().isEmpty() ? "The model" : report.modelName()) + ": " + report.tensors()
				+ " tensors, " + ByteSize.readable(report.bytes()) + ", in "
				+ Figures.seconds(Duration.ofNanos(System.nanoTime() - start)) + ". Run it with: flash run --model "
				+ this.out);
		return 0;
	}

}
