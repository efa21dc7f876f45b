package io.github.flashspring.engine.cache;

import io.github.flashspring.engine.device.KvPages;

/**
 * How precisely keys and values are kept.
 *
 * @param mode formats of old and new positions
 * @param window newest tokens that are read in half precision in {@linkplain Mode#HYBRID
 * hybrid} mode, at least; a multiple of {@link KvPages#TILE}
 * @param bits of a code of older tokens; only 8 is supported
 */
public record KvPrecision(Mode mode, int window, int bits) {

	/** Exact: what everything else is compared with. */
	public static final KvPrecision F32 = new KvPrecision(Mode.F32, 128, 8);

	private static final int MAX_WINDOW = 1 << 20;

	/**
	 * Checks the values.
	 * @throws IllegalArgumentException if one is not supported
	 */
	public KvPrecision {
		if (window < 0 || window > MAX_WINDOW || window % KvPages.TILE != 0) {
			throw new IllegalArgumentException(
					"kv.window must be a multiple of %d from 0 to %d, but is %d: attention reads tiles of %d tokens in one format"
						.formatted(KvPages.TILE, MAX_WINDOW, window, KvPages.TILE));
		}
		if (bits != 8) {
			throw new IllegalArgumentException("kv.bits must be 8, but is " + bits + ((bits == 4)
					? ": 4 bits make models with outliers among their keys unusable unless these are rotated" : ""));
		}
	}

	/**
	 * A mode with a window of 128 tokens.
	 * @param mode formats of old and new positions
	 */
	public KvPrecision(Mode mode) {
		this(mode, F32.window(), F32.bits());
	}

	/**
	 * The format of the oldest positions of layers that attend to all.
	 * @return the format
	 */
	public KvPages.Format oldest() {
		return switch (this.mode) {
			case F32 -> KvPages.Format.F32;
			case F16 -> KvPages.Format.F16;
			case HYBRID -> KvPages.Format.Q8;
		};
	}

	/** Formats of old and new positions. */
	public enum Mode {

		/** Single precision: exact. */
		F32,

		/** Half precision: half the memory. */
		F16,

		/**
		 * Half precision for the newest tokens, 8 bits for those before: about 29 % of
		 * the memory at 4,096 tokens. Layers with a sliding window are in half precision.
		 */
		HYBRID

	}

}
