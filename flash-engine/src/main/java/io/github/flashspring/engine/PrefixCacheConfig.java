package io.github.flashspring.engine;

import java.nio.file.Path;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.residency.ResidencyPlan;

import io.github.flashspring.engine.checkpoint.CacheFolder;

/**
 * What is kept of sequences, so that others with the same first tokens begin behind them,
 * to the same bits.
 *
 * @param enabled whether anything is kept
 * @param maxRamBytes most memory that it takes; null: all memory for keys and values that
 * no sequence needs, and that of one context without a RAM budget or where a budget has
 * it left when all weights are pinned. Where weights are streamed, an eighth of what the
 * budget has above the minimum if this or a disk is set, otherwise nothing
 * @param disk where it is kept on disk; null: not at all
 */
public record PrefixCacheConfig(boolean enabled, @Nullable Long maxRamBytes, @Nullable Disk disk) {

	/** Kept in memory. */
	public static final PrefixCacheConfig DEFAULT = new PrefixCacheConfig(true, null, null);

	/** Each sequence is computed from its first token on. */
	public static final PrefixCacheConfig NONE = new PrefixCacheConfig(false, null, null);

	/**
	 * Checks the values.
	 * @throws IllegalArgumentException if one is out of range
	 */
	public PrefixCacheConfig {
		if (maxRamBytes != null) {
			FlashConfig.check(maxRamBytes >= 0, "prefix-cache.max-ram", "0 or more", maxRamBytes);
		}
		if (disk != null && !enabled) {
			throw new IllegalArgumentException(
					"prefix-cache.enabled must be true for a prefix cache on disk, but is false");
		}
	}

	/**
	 * The same, kept on disk as well.
	 * @param where the folder and its limits; null: not at all
	 * @return the settings
	 */
	public PrefixCacheConfig on(@Nullable Disk where) {
		return new PrefixCacheConfig(this.enabled, this.maxRamBytes, where);
	}

	/**
	 * Memory for it in a plan. What is read from disk or written needs some in any case.
	 * @param unset most memory if that is not set
	 */
	ResidencyPlan.Prefixes needs(long unset) {
		if (!this.enabled) {
			return ResidencyPlan.Prefixes.NONE;
		}
		boolean wanted = this.maxRamBytes != null || this.disk != null;
		return new ResidencyPlan.Prefixes((this.maxRamBytes != null) ? this.maxRamBytes : unset, wanted);
	}

	/**
	 * A prefix cache on disk. Its files hold what users wrote: only their owner may read
	 * them.
	 *
	 * @param folder holds the files; processes may share it
	 * @param maxBytes most bytes of all files; null: a tenth of what is free, at most 20
	 * GB
	 * @param minTokens shorter prefixes are not kept
	 */
	public record Disk(Path folder, @Nullable Long maxBytes, int minTokens) {

		/** Computing fewer tokens costs about as much as reading them. */
		public static final int DEFAULT_MIN_TOKENS = 512;

		/**
		 * Checks the values.
		 * @throws IllegalArgumentException if one is out of range
		 */
		public Disk {
			if (maxBytes != null) {
				FlashConfig.check(maxBytes >= 0, "prefix-cache.max-disk", "0 or more", maxBytes);
			}
			FlashConfig.check(minTokens >= 1, "prefix-cache.min-tokens", "1 or more", minTokens);
		}

		/**
		 * A folder with the default limits.
		 * @param folder holds the files
		 * @return the settings
		 */
		public static Disk in(Path folder) {
			return new Disk(folder, null, DEFAULT_MIN_TOKENS);
		}

		/**
		 * {@return the folder below Flash's cache folder}
		 */
		public static Path defaultFolder() {
			return CacheFolder.ofSystem().resolve("prefixes");
		}

	}

}
