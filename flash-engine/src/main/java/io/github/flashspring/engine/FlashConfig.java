package io.github.flashspring.engine;

import java.time.Duration;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.cache.KvPrecision;
import io.github.flashspring.engine.checkpoint.ModelLocator;
import io.github.flashspring.engine.residency.ExpertStreaming;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.text.ToolSupport;

/**
 * Model and settings of a {@link FlashEngine}.
 *
 * @param model a folder with a checkpoint, or a hub id such as
 * {@code mlx-community/Qwen3-4B-4bit} that lies in the local Hugging Face cache
 * @param name what the model is called in responses, meters and messages; null: its hub
 * id, or the name of its folder
 * @param ramBudget memory that the engine may use; null: the whole model if it fits in 75
 * % of available memory, otherwise 75 % of available memory
 * @param followMemoryPressure whether the budget shrinks while the system is short of
 * memory, and grows again afterwards
 * @param device kind of device, such as {@code cpu}; null: the best there is
 * @param threads threads that compute; 0: as many as there are processors
 * @param contextLength positions that a sequence may have; 0: the model's own limit, at
 * most 4096
 * @param prefillChunk most tokens of prompts computed in one pass; 0: as many as fit, at
 * most 512
 * @param parallel most requests computed at once; further ones wait
 * @param warmUp whether the device prepares its code while the model is loaded
 * @param idleTimeout for how long a reader may leave its next event unread before its
 * generation ends with an {@link IdleTimeoutException}; zero: for ever. Until then it
 * holds up no other request
 * @param maxComputeDegradation by how much prefetch may slow compute down: 0.05 for 5 %
 * @param expertStreaming how MoE layers are streamed
 * @param reading how files are read
 * @param kv how precisely keys and values are kept
 * @param chat how conversations become prompts
 * @param prefixCache what is kept of sequences for others that begin with the same tokens
 */
public record FlashConfig(String model, @Nullable String name, @Nullable RamBudget ramBudget,
		boolean followMemoryPressure, @Nullable String device, int threads, int contextLength, int prefillChunk,
		int parallel, boolean warmUp, Duration idleTimeout, double maxComputeDegradation,
		ExpertStreaming expertStreaming, Reading reading, KvPrecision kv, Chat chat, PrefixCacheConfig prefixCache) {

	private static final Duration MAX_IDLE_TIMEOUT = Duration.ofDays(365);

	public FlashConfig {
		if (model.isBlank()) {
			throw new IllegalArgumentException("model must not be empty");
		}
		if (name != null && name.isBlank()) {
			throw new IllegalArgumentException("name must be a text that is not blank");
		}
		check(threads >= 0 && threads <= 1024, "threads", "0 to 1024", threads);
		check(contextLength >= 0, "context-length", "0 or more", contextLength);
		check(prefillChunk >= 0 && prefillChunk <= 65536, "prefill-chunk", "0 to 65536", prefillChunk);
		check(parallel >= 1 && parallel <= 1024, "parallel", "1 to 1024", parallel);
		if (idleTimeout.isNegative() || idleTimeout.compareTo(MAX_IDLE_TIMEOUT) > 0) {
			throw new IllegalArgumentException("idle-timeout must be 0 to 365 days, but is " + idleTimeout);
		}
		check(maxComputeDegradation >= 0 && maxComputeDegradation <= 100, "max-compute-degradation", "0 to 100",
				maxComputeDegradation);
	}

	/**
	 * What the model is called: the name that is set, or else its hub id or the name of
	 * its folder.
	 * @return the name; never a path
	 */
	public String modelName() {
		return (this.name != null) ? this.name : ModelLocator.ofSystem().name(this.model);
	}

	/**
	 * A builder with the defaults.
	 * @param model a folder or a hub id
	 * @return the builder
	 */
	public static Builder builder(String model) {
		return new Builder(model);
	}

	static void check(boolean right, String name, String expected, Number found) {
		if (!right) {
			throw new IllegalArgumentException(name + " must be " + expected + ", but is " + found);
		}
	}

	/**
	 * How files are read.
	 *
	 * @param direct whether reads go around the page cache where the file system allows
	 * it
	 * @param map whether weights stay in the system's page cache where no budget is set,
	 * as those of a mapped file do: processes share them there, and each pass copies what
	 * it computes with, which takes about half as much time again
	 * @param readBytes size of a read; 0: what suits the disk
	 * @param readsInFlight reads at once; 0: what suits the disk
	 */
	public record Reading(boolean direct, boolean map, int readBytes, int readsInFlight) {

		/** As suits the disk. */
		public static final Reading DEFAULT = new Reading(true, false, 0, 0);

		/**
		 * Checks the values.
		 * @throws IllegalArgumentException if one is out of range
		 */
		public Reading {
			check(readBytes == 0 || (readBytes >= 1 << 14 && readBytes <= 1 << 28), "read-size", "16 KB to 256 MB",
					readBytes);
			check(readsInFlight >= 0 && readsInFlight <= 64, "reads-in-flight", "0 to 64", readsInFlight);
		}

		/**
		 * Read into memory, not left in the page cache.
		 * @param direct whether reads go around the page cache
		 * @param readBytes size of a read; 0: what suits the disk
		 * @param readsInFlight reads at once; 0: what suits the disk
		 */
		public Reading(boolean direct, int readBytes, int readsInFlight) {
			this(direct, false, readBytes, readsInFlight);
		}

		/**
		 * The same, but for weights in the page cache where no budget is set.
		 * @param files whether weights stay there
		 * @return the settings
		 */
		public Reading mapped(boolean files) {
			return new Reading(this.direct, files, this.readBytes, this.readsInFlight);
		}

		/**
		 * The same with another size.
		 * @param bytes size of a read; 0: what suits the disk
		 * @return the settings
		 */
		public Reading ofBytes(int bytes) {
			return new Reading(this.direct, this.map, bytes, this.readsInFlight);
		}

		/**
		 * The same with another number of reads.
		 * @param reads reads at once; 0: what suits the disk
		 * @return the settings
		 */
		public Reading atOnce(int reads) {
			return new Reading(this.direct, this.map, this.readBytes, reads);
		}

	}

	/**
	 * How conversations become prompts.
	 *
	 * @param parseSpecialTokens whether the texts of special tokens, such as
	 * {@code <|im_end|>}, within messages, tools and template variables are read as these
	 * tokens. A user can then end a turn and speak in another role. By default, only the
	 * chat template writes special tokens
	 * @param tools what to do with tools that the chat template does not know
	 * @param template a chat template in Jinja instead of the checkpoint's own; null: its
	 * own
	 */
	public record Chat(boolean parseSpecialTokens, ToolSupport tools, @Nullable String template) {

		/** As is safe. */
		public static final Chat DEFAULT = new Chat(false, ToolSupport.AUTO);

		/**
		 * With the checkpoint's own template.
		 * @param parseSpecialTokens whether special tokens within messages are read as
		 * such
		 * @param tools what to do with tools that the chat template does not know
		 */
		public Chat(boolean parseSpecialTokens, ToolSupport tools) {
			this(parseSpecialTokens, tools, null);
		}

		/**
		 * The same with another template.
		 * @param source in Jinja; null: the checkpoint's own
		 * @return the settings
		 */
		public Chat withTemplate(@Nullable String source) {
			return new Chat(this.parseSpecialTokens, this.tools, source);
		}

	}

	/** Collects settings; see the components of {@link FlashConfig}. */
	public static final class Builder {

		private final String model;

		private @Nullable String name;

		private @Nullable RamBudget ramBudget;

		private boolean followMemoryPressure;

		private Reading reading = Reading.DEFAULT;

		private @Nullable String device;

		private int threads;

		private int contextLength;

		private int prefillChunk;

		private int parallel = 4;

		private boolean warmUp = true;

		private Duration idleTimeout = Duration.ofMinutes(5);

		private double maxComputeDegradation = 0.05;

		private ExpertStreaming expertStreaming = ExpertStreaming.DEFAULT;

		private KvPrecision kv = KvPrecision.F32;

		private Chat chat = Chat.DEFAULT;

		private PrefixCacheConfig prefixCache = PrefixCacheConfig.DEFAULT;

		private Builder(String model) {
			this.model = model;
		}

		public Builder name(@Nullable String name) {
			this.name = name;
			return this;
		}

		public Builder ramBudget(@Nullable RamBudget ramBudget) {
			this.ramBudget = ramBudget;
			return this;
		}

		public Builder followMemoryPressure(boolean followMemoryPressure) {
			this.followMemoryPressure = followMemoryPressure;
			return this;
		}

		public Builder reading(Reading reading) {
			this.reading = reading;
			return this;
		}

		public Builder device(@Nullable String device) {
			this.device = device;
			return this;
		}

		public Builder threads(int threads) {
			this.threads = threads;
			return this;
		}

		public Builder contextLength(int contextLength) {
			this.contextLength = contextLength;
			return this;
		}

		public Builder prefillChunk(int prefillChunk) {
			this.prefillChunk = prefillChunk;
			return this;
		}

		public Builder parallel(int parallel) {
			this.parallel = parallel;
			return this;
		}

		public Builder warmUp(boolean warmUp) {
			this.warmUp = warmUp;
			return this;
		}

		public Builder idleTimeout(Duration idleTimeout) {
			this.idleTimeout = idleTimeout;
			return this;
		}

		public Builder maxComputeDegradation(double maxComputeDegradation) {
			this.maxComputeDegradation = maxComputeDegradation;
			return this;
		}

		public Builder expertStreaming(ExpertStreaming expertStreaming) {
			this.expertStreaming = expertStreaming;
			return this;
		}

		public Builder kv(KvPrecision kv) {
			this.kv = kv;
			return this;
		}

		public Builder chat(Chat chat) {
			this.chat = chat;
			return this;
		}

		public Builder prefixCache(PrefixCacheConfig prefixCache) {
			this.prefixCache = prefixCache;
			return this;
		}

		public FlashConfig build() {
			return new FlashConfig(this.model, this.name, this.ramBudget, this.followMemoryPressure, this.device,
					this.threads, this.contextLength, this.prefillChunk, this.parallel, this.warmUp, this.idleTimeout,
					this.maxComputeDegradation, this.expertStreaming, this.reading, this.kv, this.chat,
					this.prefixCache);
		}

	}

}
