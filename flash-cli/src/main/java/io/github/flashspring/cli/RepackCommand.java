package io.github.flashspring.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.metrics.ByteSize;

/**
 * {@code flash repack}: rewrites a checkpoint so that weights stream from it in fewer and
 * longer reads.
 */
@Command(name = "repack", mixinStandardHelpOptions = true, sortOptions = false,
		description = "Rewrite a checkpoint in the order in which a model uses it, so that it is read faster.",
		footer = { "", "Values are the same bit by bit, which is checked on the disk before the folder gets its name."
				+ " Config and tokenizer are copied. The experts of a MoE layer lie each in one range, under names of"
				+ " their own; padding between tensors has names that begin with __padding__.", "", "Example:",
				"  flash repack --model mlx-community/Qwen3-30B-A3B-4bit --out Qwen3-30B-A3B-packed" })
@SuppressWarnings("NullAway.Init") // picocli sets required options
final class RepackCommand implements Callable<Integer> {

	private final Terminal terminal;

	@Option(names = { "-m", "--model" }, required = true, paramLabel = "DIR_OR_ID",
			description = "Folder with a checkpoint, or the id of a model in the local Hugging Face cache.")
	private String model;

	@Option(names = { "-o", "--out" }, required = true, paramLabel = "DIR",
			description = "The folder to make; must not exist, or be empty.")
	private Path out;

	@Option(names = "--compatible",
			description = "Keep all names and put no padding between tensors, for programs such as mlx-lm that refuse"
					+ " tensors that they do not know. Stacked experts stay stacked, and tensors that do not fill"
					+ " whole pages come last.")
	private boolean compatible;

	RepackCommand(Terminal terminal) {
		this.terminal = terminal;
	}

	@Override
	public Integer call() throws IOException {
		ProgressLine progress = new ProgressLine(this.terminal);
		long start = System.nanoTime();
		long bytes = this.compatible ? FlashEngine.reorder(this.model, this.out, progress::at)
				: FlashEngine.repack(this.model, this.out, progress::at);
		progress.clear();
		this.terminal.note("Wrote and checked " + ByteSize.readable(bytes) + " in "
				+ Figures.seconds(Duration.ofNanos(System.nanoTime() - start)) + ". Run it with: flash run --model "
				+ this.out);
		return 0;
	}

}
