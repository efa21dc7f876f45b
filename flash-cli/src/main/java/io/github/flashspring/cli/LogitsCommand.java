package io.github.flashspring.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.checkpoint.Staging;
import io.github.flashspring.engine.metrics.ByteSize;

/**
 * {@code flash logits}: computes the logits of all positions of a text and writes them to
 * a file, to score the text or to compare engines.
 */
@Command(name = "logits", mixinStandardHelpOptions = true, sortOptions = false,
		customSynopsis = "flash logits --model DIR_OR_ID --token-ids IDS --out FILE.safetensors [OPTION]...",
		description = "Write the logits of all positions of a text to a file.",
		footer = { "",
				"The file holds one tensor, logits [tokens, vocab] F32. It has the same bytes whatever the memory,"
						+ " the number of threads and the chunk." })
@SuppressWarnings("NullAway.Init") // picocli sets required options
final class LogitsCommand implements Callable<Integer> {

	private final Terminal terminal;

	private final EngineLoader loader;

	@Spec
	private CommandSpec spec;

	@Mixin
	private final ModelOptions modelOptions = new ModelOptions();

	@Option(names = "--token-ids", required = true, paramLabel = "IDS", converter = TokenIds.Converter.class,
			description = "The text as token ids, such as 1,5,7. Needs no tokenizer.")
	private TokenIds tokenIds;

	@Option(names = { "-o", "--out" }, required = true, paramLabel = "FILE", description = "The file to write.")
	private Path out;

	LogitsCommand(Terminal terminal, EngineLoader loader) {
		this.terminal = terminal;
		this.loader = loader;
	}

	@Override
	public Integer call() throws IOException {
		FlashConfig config = config();
		long start = System.nanoTime();
		try (FlashEngine engine = this.loader.load(config)) {
			int tokens = this.tokenIds.ids().length;
			int vocabulary = engine.model().vocabularySize();
			long loaded = System.nanoTime();
			write(engine, tokens, vocabulary);
			Duration took = Duration.ofNanos(System.nanoTime() - loaded);
			this.terminal.note("logits [" + tokens + ", " + vocabulary + "] in " + Figures.seconds(took) + " (loading "
					+ Figures.seconds(Duration.ofNanos(loaded - start)) + "), "
					+ ByteSize.readable(engine.snapshot().io().bytesRead()) + " read, written to " + this.out);
		}
		return 0;
	}

	private void write(FlashEngine engine, int tokens, int vocabulary) throws IOException {
		try (LogitsFile file = LogitsFile.create(this.out, tokens, vocabulary)) {
			engine.logits(this.tokenIds.ids(), (position, logits) -> {
				try {
					file.add(logits);
				}
				catch (IOException ex) {
					throw new UncheckedIOException("Cannot write " + this.out + ": " + ex.getMessage(), ex);
				}
			});
		}
	}

	/** Refuses what cannot work, before anything is loaded. */
	private FlashConfig config() {
		Staging.requireFile(this.out);
		Path folder = this.out.toAbsolutePath().getParent();
		if (folder == null || !Files.isDirectory(folder)) {
			throw new ParameterException(this.spec.commandLine(),
					"The folder of --out " + this.out + " does not exist.");
		}
		try {
			return this.modelOptions.config().build();
		}
		catch (IllegalArgumentException ex) {
			throw new ParameterException(this.spec.commandLine(), ex.getMessage(), ex);
		}
	}

}
