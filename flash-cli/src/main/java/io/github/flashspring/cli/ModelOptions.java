package io.github.flashspring.cli;

import java.nio.file.Path;
import java.time.Duration;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

import io.github.flashspring.cli.bench.ReadOptions;
import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.PrefixCacheConfig;
import io.github.flashspring.engine.memory.RamBudget;

/**
 * Options that say which model runs, and on what.
 */
@SuppressWarnings("NullAway.Init") // picocli sets required options
final class ModelOptions {

	@Option(names = { "-m", "--model" }, required = true, paramLabel = "DIR_OR_ID",
			description = "Folder with a checkpoint, or the id of a model in the local Hugging Face cache.")
	private String model;

	@Option(names = "--ram", paramLabel = "GB", converter = RamBudgetConverter.class,
			description = "Memory that the engine may use: gigabytes such as 4 or 0.5, a size such as 800MB or 900KB,"
					+ " or 'min' for the least that the model can run in. Default: the whole model if it fits into three"
					+ " quarters of the memory that this process may have, else those.")
	private @Nullable RamBudget ram;

	@Option(names = { "-t", "--threads" }, paramLabel = "N",
			description = "Threads that compute. Default: one per processor.")
	private int threads;

	@Option(names = { "-c", "--context" }, paramLabel = "N",
			description = "Tokens that prompt and answer may have together. Default: the model's limit, at most 4096.")
	private int context;

	@Option(names = "--chunk", paramLabel = "N",
			description = "Tokens of the prompt computed at once. Default: as many as fit, at most 512.")
	private int chunk;

	@Option(names = "--device", paramLabel = "KIND",
			description = "What computes, such as cpu. Default: the best there is.")
	private @Nullable String device;

	@Option(names = "--warm-up", negatable = true, defaultValue = "true", fallbackValue = "true",
			description = "Compile the code that the model needs while it is loaded. Default: true.")
	private boolean warmUp;

	@Option(names = "--prefix-cache", paramLabel = "DIR",
			description = "Folder in which what was computed of prompts is kept for later runs that begin with the same"
					+ " text. Only its owner may read it. Default: none, only in memory.")
	private @Nullable Path prefixCache;

	@Mixin
	private final ReadOptions reads = new ReadOptions();

	/**
	 * The engine's configuration for these options.
	 * @return a builder to add to
	 */
	FlashConfig.Builder config() {
		return FlashConfig.builder(this.model)
			.ramBudget(this.ram)
			.threads(this.threads)
			.contextLength(this.context)
			.prefillChunk(this.chunk)
			.device(this.device)
			.warmUp(this.warmUp)
			.prefixCache(PrefixCacheConfig.DEFAULT
				.on((this.prefixCache != null) ? PrefixCacheConfig.Disk.in(this.prefixCache) : null))
			// a terminal or a pager may stop reading for as long as it likes
			.idleTimeout(Duration.ZERO)
			.reading(this.reads.reading());
	}

	/** Reads {@code --ram}. */
	static final class RamBudgetConverter implements ITypeConverter<RamBudget> {

		@Override
		public RamBudget convert(String text) {
			try {
				return RamBudget.parse(text);
			}
			catch (IllegalArgumentException exception) {
				throw new TypeConversionException(exception.getMessage());
			}
		}

	}

}
