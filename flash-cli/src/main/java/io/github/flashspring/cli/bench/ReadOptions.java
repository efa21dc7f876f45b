package io.github.flashspring.cli.bench;

import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.memory.RamBudget;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/**
 * Options that say how weights are read from disk.
 */
public final class ReadOptions {

	@Option(names = "--no-direct-io", description = "Read through the page cache, and drop the pages behind.")
	private boolean buffered;

	@Option(names = "--map", description = "Without a budget, leave weights in the system's page cache.")
	private boolean map;

	@Option(names = "--read-size", paramLabel = "SIZE", converter = SizeConverter.class,
			description = "Size of a read, such as 4MB. Default: what suits the disk.")
	private int readSize;

	@Option(names = "--reads", paramLabel = "N", description = "Reads at once. Default: what suits the disk.")
	private int reads;

	/**
	 * The engine's settings for these options.
	 * @return the settings
	 * @throws IllegalArgumentException if one is out of range
	 */
	public FlashConfig.Reading reading() {
		return new FlashConfig.Reading(!this.buffered, this.map, this.readSize, this.reads);
	}

	/** Reads {@code --read-size}. */
	static final class SizeConverter implements ITypeConverter<Integer> {

		@Override
		public Integer convert(String text) {
			try {
				return (int) Math.min(Integer.MAX_VALUE, RamBudget.parse(text).bytes());
			}
			catch (IllegalArgumentException ex) {
				throw new TypeConversionException("'" + text + "' is not a size such as 4MB.");
			}
		}

	}

}
