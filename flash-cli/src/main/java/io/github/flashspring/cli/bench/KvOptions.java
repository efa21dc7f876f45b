package io.github.flashspring.cli.bench;

import java.util.Locale;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

import io.github.flashspring.engine.cache.KvPrecision;

/**
 * Options that say how precisely keys and values are kept.
 */
public final class KvOptions {

	@Option(names = "--kv", paramLabel = "MODE", converter = ModeConverter.class,
			description = "Keys and values: f32 (exact, the default), f16, or hybrid with 8 bits.")
	private KvPrecision.@Nullable Mode mode;

	@Option(names = "--kv-quant", paramLabel = "BITS",
			description = "8: as --kv hybrid; 0: keys and values are not quantized.")
	private @Nullable Integer bits;

	@Option(names = "--kv-window", paramLabel = "N", defaultValue = "128",
			description = "Newest tokens without 8 bits, a multiple of 64. Default: ${DEFAULT-VALUE}.")
	private int window;

	/**
	 * The engine's settings for these options.
	 * @return the settings
	 * @throws IllegalArgumentException if one is out of range
	 */
	public KvPrecision precision() {
		int codes = (this.bits != null && this.bits != 0) ? this.bits : KvPrecision.F32.bits();
		KvPrecision.Mode wanted = (this.mode != null) ? this.mode : KvPrecision.Mode.F32;
		if (this.bits != null) {
			boolean quantized = this.bits != 0;
			if (this.mode != null && quantized != (this.mode == KvPrecision.Mode.HYBRID)) {
				throw new IllegalArgumentException(
						"--kv-quant " + this.bits + " contradicts --kv " + name(this.mode) + ": leave one of them out");
			}
			wanted = quantized ? KvPrecision.Mode.HYBRID : wanted;
		}
		return new KvPrecision(wanted, this.window, codes);
	}

	/**
	 * What a mode is called.
	 * @param mode the mode
	 * @return its name on the command line
	 */
	static String name(KvPrecision.Mode mode) {
		return mode.name().toLowerCase(Locale.ROOT);
	}

	/** Reads {@code --kv}. */
	static final class ModeConverter implements ITypeConverter<KvPrecision.Mode> {

		@Override
		public KvPrecision.Mode convert(String text) {
			for (KvPrecision.Mode mode : KvPrecision.Mode.values()) {
				if (name(mode).equals(text.toLowerCase(Locale.ROOT))) {
					return mode;
				}
			}
			throw new TypeConversionException("'" + text + "' is not f32, f16 or hybrid.");
		}

	}

}
