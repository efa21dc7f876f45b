package io.github.flashspring.autoconfigure;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.core.io.Resource;
import org.springframework.util.StringUtils;
import org.springframework.util.unit.DataSize;

import io.github.flashspring.chat.FlashChatOptions;
import io.github.flashspring.chat.SchemaMode;
import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.PrefixCacheConfig.Disk;
import io.github.flashspring.engine.FlashConfig.Reading;
import io.github.flashspring.engine.cache.KvPrecision;
import io.github.flashspring.engine.checkpoint.HubId;
import io.github.flashspring.engine.ModelfileSettings;
import io.github.flashspring.engine.PrefixCacheConfig;
import io.github.flashspring.engine.generate.grammar.CompiledGrammar;
import io.github.flashspring.engine.generate.grammar.Structure;
import io.github.flashspring.engine.hub.HubSettings;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.modelfile.Instruction;
import io.github.flashspring.engine.modelfile.Keyword;
import io.github.flashspring.engine.modelfile.Modelfile;
import io.github.flashspring.engine.text.ToolSupport;

/**
 * Settings of the engine and of the chat model.
 *
 * @param model Folder of a checkpoint, or id of a model of the Hugging Face hub, such as
 * 'mlx-community/Qwen3-4B-4bit', that lies in the local cache or may be downloaded.
 * @param modelfile A Modelfile, such as 'file:Modelfile' or 'classpath:Modelfile', that
 * names the model, its parameters, its system message and messages before each
 * conversation. Other properties go over it.
 * @param modelName What the model is called in responses, observations, meters and
 * health. By default, its hub id, or the name of its folder.
 * @param ramBudgetGb Memory that the engine may use, in gigabytes of 1024³ bytes,
 * possibly a fraction. Weights that do not fit are read again for each token. By default,
 * the whole model if it fits in 75 % of the memory of the container or machine, otherwise
 * 75 % of that memory.
 * @param ramBudgetFollowPressure Whether the budget shrinks while the system is short of
 * memory, and grows again when it has not been for a while.
 * @param device Kind of device that computes. By default, the best there is.
 * @param threads Threads that compute. By default, as many as there are processors.
 * @param contextLength Tokens that a prompt and its answer may have together. By default,
 * what the model was trained for, but at most 4096.
 * @param prefillChunk Most tokens of a prompt computed in one pass over the weights. By
 * default, as many as fit into the budget, but at most 512.
 * @param parallel Most requests computed at once. Further ones wait.
 * @param warmUp Whether the code that the model needs is compiled while it is loaded, so
 * that the first answer is about as fast as later ones.
 * @param idleTimeout Time that a reader may leave its next chunk unread before its answer
 * ends with an error. Until then it holds up no other request. 0: no limit.
 * @param io How weights are read from disk.
 * @param kv How precisely keys and values are kept.
 * @param prefixCache What is kept of requests for others that begin with the same tokens.
 * @param load When the model is loaded.
 * @param chat Options of the chat model, for prompts that do not set them.
 * @param hub Where models are downloaded from.
 */
@ConfigurationProperties(FlashProperties.PREFIX)
public record FlashProperties(@Nullable String model, @Nullable Resource modelfile, @Nullable String modelName,
		@Nullable Double ramBudgetGb, @DefaultValue("false") boolean ramBudgetFollowPressure, @Nullable String device,
		@Nullable Integer threads, @Nullable Integer contextLength, @Nullable Integer prefillChunk,
		@DefaultValue("4") int parallel, @DefaultValue("true") boolean warmUp, @DefaultValue("5m") Duration idleTimeout,
		@DefaultValue Io io, @DefaultValue Kv kv, @DefaultValue PrefixCache prefixCache,
		@DefaultValue("eager") Load load, @DefaultValue Chat chat, @DefaultValue Hub hub) {

	static final String PREFIX = "flash";

	/** A Modelfile is refused before it is that long. */
	private static final int MODELFILE_BYTES = 5 << 20;

	/**
	 * The settings of the engine.
	 * @return the configuration
	 * @throws InvalidFlashSettingsException if there is no model
	 * @throws InvalidConfigurationPropertyValueException if a value is out of its range
	 */
	FlashConfig toConfig() {
		ModelfileSettings settings = modelfileSettings();
		String named = StringUtils.hasText(this.model) ? this.model : (settings != null) ? settings.model() : null;
		if (named == null) {
			throw new InvalidFlashSettingsException(
					"Flash has no model to load: the property 'flash.model' is not set.",
					"Set 'flash.model' to the folder of a checkpoint, or to the id of a model in the local Hugging Face cache. "
							+ "To use another chat model instead, set 'spring.ai.model.chat'.");
		}
		FlashConfig.Builder config = FlashConfig.builder(atRevision(named));
		if (settings != null) {
			settings.applyTo(config);
		}
		config.followMemoryPressure(this.ramBudgetFollowPressure)
			.warmUp(this.warmUp)
			.chat(new FlashConfig.Chat(this.chat.parseSpecialTokens(), this.chat.tools(),
					(settings != null) ? settings.chatTemplate() : null));
		if (this.device != null) {
			config.device(this.device);
		}
		// Built after each value, so that what is refused is the value just set.
		set("model-name", this.modelName, (value) -> config.name(value).build());
		set("ram-budget-gb", this.ramBudgetGb, (gigabytes) -> config.ramBudget(RamBudget.ofGigabytes(gigabytes)));
		set("threads", this.threads, (value) -> config.threads(positive("threads", value)).build());
		set("context-length", this.contextLength,
				(value) -> config.contextLength(positive("context-length", value)).build());
		set("prefill-chunk", this.prefillChunk,
				(value) -> config.prefillChunk(positive("prefill-chunk", value)).build());
		set("parallel", this.parallel, (value) -> config.parallel(value).build());
		set("idle-timeout", this.idleTimeout, (value) -> config.idleTimeout(value).build());
		set("io.max-compute-degradation", this.io.maxComputeDegradation(),
				(value) -> config.maxComputeDegradation(value).build());
		set("kv.window", this.kv.window(), (value) -> new KvPrecision(this.kv.mode(), value, KvPrecision.F32.bits()));
		set("kv.bits", this.kv.bits(),
				(value) -> config.kv(new KvPrecision(this.kv.mode(), this.kv.window(), value)).build());
		Reading reading = new Reading(this.io.directIo(), this.io.map(), 0, 0);
		config.reading(reading);
		set("io.read-size", this.io.readSize(),
				(value) -> config.reading(reading.ofBytes(positive("read-size", bytes(value)))));
		Reading sized = config.build().reading();
		set("io.reads-in-flight", this.io.readsInFlight(),
				(value) -> config.reading(sized.atOnce(positive("reads-in-flight", value))));
		set("prefix-cache.max-ram", this.prefixCache.maxRam(),
				(value) -> new PrefixCacheConfig(true, value.toBytes(), null));
		set("prefix-cache.max-disk", this.prefixCache.maxDisk(),
				(value) -> new Disk(Disk.defaultFolder(), value.toBytes(), Disk.DEFAULT_MIN_TOKENS));
		set("prefix-cache.min-tokens", this.prefixCache.minTokens(),
				(value) -> new Disk(Disk.defaultFolder(), null, value));
		return config.prefixCache(this.prefixCache.toConfig()).build();
	}

	/** A model at the revision that is set, unless its name has one. */
	private String atRevision(String name) {
		String revision = this.hub.revision();
		Optional<HubId> id = HubId.parse(name);
		if (revision == null || id.isEmpty() || name.contains("@")) {
			return name;
		}
		return id.get()
			.at(revision)
			.orElseThrow(() -> new InvalidConfigurationPropertyValueException(PREFIX + ".hub.revision", revision,
					"Must be a branch, a tag or a commit"))
			.toString();
	}

	/**
	 * The settings of downloads: the variables of the Hugging Face tools, and the
	 * properties over them.
	 * @return the settings
	 * @throws InvalidConfigurationPropertyValueException if a value is out of its range
	 */
	HubSettings toHubSettings() {
		AtomicReference<HubSettings> settings = new AtomicReference<>(HubSettings.ofSystem());
		set("hub.timeout", this.hub.timeout(), (value) -> settings.set(settings.get().timeout(value)));
		set("hub.max-retries", this.hub.maxRetries(), (value) -> settings.set(settings.get().maxRetries(value)));
		if (StringUtils.hasText(this.hub.endpoint())) {
			settings.set(settings.get().endpoint(this.hub.endpoint()));
		}
		if (StringUtils.hasText(this.hub.token())) {
			settings.set(settings.get().token(this.hub.token()));
		}
		return settings.get();
	}

	/**
	 * What the Modelfile says.
	 * @return its settings, with the model of 'flash.model' where that is set; null if
	 * there is no Modelfile
	 * @throws io.github.flashspring.engine.modelfile.ModelfileException if an instruction
	 * is wrong or refused
	 * @throws InvalidFlashSettingsException if the file cannot be read
	 */
	@Nullable ModelfileSettings modelfileSettings() {
		Resource resource = this.modelfile;
		if (resource == null) {
			return null;
		}
		try (InputStream content = resource.getInputStream()) {
			Modelfile file = Modelfile.parse(content.readNBytes(MODELFILE_BYTES), resource.getDescription());
			Path folder = resource.isFile() ? resource.getFile().toPath().toAbsolutePath().getParent() : null;
			if (StringUtils.hasText(this.model)) {
				Instruction from = Instruction.of(Keyword.FROM, "", this.model);
				file = file.with((one) -> one.keyword() == Keyword.FROM, List.of(from));
				folder = null;
			}
			return ModelfileSettings.of(file, folder);
		}
		catch (IOException ex) {
			throw new InvalidFlashSettingsException(
					"The Modelfile of 'flash.modelfile', %s, cannot be read: %s.".formatted(resource.getDescription(),
							ex),
					"Set 'flash.modelfile' to a file, such as 'file:Modelfile' or 'classpath:Modelfile'.", ex);
		}
	}

	/** In the engine's own configuration, 0 stands for a value that is not set. */
	private static int positive(String name, int value) {
		if (value <= 0) {
			throw new IllegalArgumentException(name + " must be above 0, but is " + value);
		}
		return value;
	}

	private static int bytes(DataSize size) {
		return (int) Math.clamp(size.toBytes(), -1, Integer.MAX_VALUE);
	}

	private static <T> void set(String name, @Nullable T value, Consumer<T> setter) {
		if (value == null) {
			return;
		}
		try {
			setter.accept(value);
		}
		catch (IllegalArgumentException ex) {
			throw new InvalidConfigurationPropertyValueException(PREFIX + "." + name, value,
					StringUtils.capitalize(String.valueOf(ex.getMessage())), ex);
		}
	}

	/**
	 * How weights are read from disk.
	 *
	 * @param maxComputeDegradation By how much prefetch may slow down compute, such as
	 * 0.05 for five percent. Reads that compute waits for are never held back.
	 * @param directIo Whether reads go around the page cache, where the file system
	 * allows it.
	 * @param map Whether weights stay in the system's page cache where no budget bounds
	 * them, instead of being read into memory. Processes share the page cache, but each
	 * pass copies its weights from there.
	 * @param readSize Size of a read. By default, what suits the disk.
	 * @param readsInFlight Reads at once. By default, what suits the disk.
	 */
	public record Io(@DefaultValue("0.05") double maxComputeDegradation, @DefaultValue("true") boolean directIo,
			@DefaultValue("false") boolean map, @Nullable DataSize readSize, @Nullable Integer readsInFlight) {

	}

	/**
	 * How precisely keys and values are kept.
	 *
	 * @param mode Formats: 'f32' is exact, 'f16' takes half the memory, and 'hybrid'
	 * keeps the newest tokens in half precision and older ones in 8 bits, in 29 % of the
	 * memory at 4,096 tokens.
	 * @param window Newest tokens in half precision in hybrid mode, a multiple of 64.
	 * @param bits Bits of a number of older tokens in hybrid mode. Only 8 is supported.
	 */
	public record Kv(@DefaultValue("f32") KvPrecision.Mode mode, @DefaultValue("128") int window,
			@DefaultValue("8") int bits) {

	}

	/**
	 * Where models are downloaded from.
	 *
	 * @param pull Whether a model that is not in the local cache is downloaded while it
	 * is loaded.
	 * @param endpoint Address of a hub or a mirror of it. By default, that of the
	 * variable HF_ENDPOINT, otherwise https://huggingface.co.
	 * @param token Access token for gated and private models. By default, that of the
	 * Hugging Face tools: HF_TOKEN, or the file of 'hf auth login'.
	 * @param revision Branch, tag or commit, for a model that names none. By default,
	 * 'main'.
	 * @param timeout Time that the hub may take to answer, and a download may stand
	 * still. By default, those of HF_HUB_ETAG_TIMEOUT and HF_HUB_DOWNLOAD_TIMEOUT,
	 * otherwise 10 seconds.
	 * @param maxRetries How often a request is repeated that brought nothing. By default,
	 * 5 times.
	 */
	public record Hub(@DefaultValue("never") Pull pull, @Nullable String endpoint, @Nullable String token,
			@Nullable String revision, @Nullable Duration timeout, @Nullable Integer maxRetries) {

		/** Without the token. */
		@Override
		public String toString() {
			return "Hub[pull=%s, endpoint=%s, revision=%s, timeout=%s, maxRetries=%s]".formatted(this.pull,
					this.endpoint, this.revision, this.timeout, this.maxRetries);
		}

	}

	/**
	 * What is kept of requests, so that others with the same first tokens begin behind
	 * them.
	 *
	 * @param enabled Whether keys and values of requests that have ended are kept in
	 * memory.
	 * @param maxRam Most memory that they take. By default, all memory for keys and
	 * values that no request needs, and the memory of one context where a RAM budget has
	 * it left when all weights are pinned, or without a budget.
	 * @param disk Whether they are kept on disk as well, for the next start of the
	 * application. By default, if a folder is set.
	 * @param dir Folder on disk, which only its owner may read: it holds what users
	 * wrote. By default, 'prefixes' in Flash's cache folder.
	 * @param maxDisk Most bytes of its files. By default, a tenth of what is free, at
	 * most 20 GB.
	 * @param minTokens Shorter prefixes are not kept on disk.
	 */
	public record PrefixCache(@DefaultValue("true") boolean enabled, @Nullable DataSize maxRam, @Nullable Boolean disk,
			@Nullable Path dir, @Nullable DataSize maxDisk, @DefaultValue("512") int minTokens) {

		PrefixCacheConfig toConfig() {
			Path folder = (this.dir != null) ? this.dir : Disk.defaultFolder();
			boolean kept = this.enabled && ((this.disk != null) ? this.disk : this.dir != null);
			return new PrefixCacheConfig(this.enabled, bytes(this.maxRam),
					kept ? new Disk(folder, bytes(this.maxDisk), this.minTokens) : null);
		}

		private static @Nullable Long bytes(@Nullable DataSize size) {
			return (size != null) ? Long.valueOf(size.toBytes()) : null;
		}

	}

	/**
	 * Whether a model is downloaded.
	 */
	public enum Pull {

		/**
		 * A model that is not in the local cache is an error.
		 */
		NEVER,

		/**
		 * A model that is not in the local cache, or not all of it, is downloaded.
		 */
		WHEN_MISSING

	}

	/**
	 * When the model is loaded.
	 */
	public enum Load {

		/**
		 * While the application starts; if that fails, the application does not start.
		 */
		EAGER,

		/**
		 * Beside the start of the application. Requests wait for it; the health tells how
		 * it stands.
		 */
		BACKGROUND

	}

	/**
	 * Options of the chat model.
	 *
	 * @param temperature Divides the logits, so that higher values give more varied
	 * answers. With 0, always the most likely token is chosen. By default, what the model
	 * suggests.
	 * @param topK Choose among the k most likely tokens; 0 for all. By default, what the
	 * model suggests.
	 * @param topP Choose among the most likely tokens whose probabilities add up to p. By
	 * default, what the model suggests.
	 * @param minP Choose among tokens at least this fraction as likely as the most likely
	 * one. By default, what the model suggests.
	 * @param repetitionPenalty Makes tokens of the prompt and the answer less likely to
	 * come again; 1 changes nothing. By default, what the model suggests.
	 * @param presencePenalty Makes tokens of the answer less likely to come again. By
	 * default, what the model suggests.
	 * @param frequencyPenalty Makes tokens of the answer less likely to come again, for
	 * each time that they came. By default, what the model suggests.
	 * @param seed Start of the random numbers, so that answers can be repeated. By
	 * default, a fresh one for each answer.
	 * @param maxTokens Most tokens of an answer. By default, what is left of the context.
	 * @param stopSequences Texts that end an answer and are not part of it.
	 * @param enableThinking Whether a model that can do both shall think before it
	 * answers. By default, what its chat template does.
	 * @param templateVariables Further variables of the model's chat template.
	 * @param parseSpecialTokens Whether the texts of special tokens within messages and
	 * tools are read as these tokens, so that a user can end a turn and speak in another
	 * role. Unsafe for texts that others write.
	 * @param tools What to do with tools if the model's chat template does not know any:
	 * define them in the system message, leave them to the template, or refuse the
	 * prompt.
	 * @param outputSchema JSON Schema that answers satisfy, as a text. By default,
	 * answers are free.
	 * @param schema Whether a schema with a keyword that cannot be enforced is refused,
	 * or the keyword is ignored.
	 * @param schemaInPrompt Whether the model is told the schema behind the last user
	 * message, so that it knows the names of the properties.
	 * @param toolChoice Whether tools are called: 'auto', 'none', 'required', or the name
	 * of the tool that must be called.
	 * @param parallelToolCalls Whether several tools may be called at once. By default
	 * they may, unless tool-choice requires a call, which is then the only one.
	 */
	public record Chat(@Nullable Double temperature, @Nullable Integer topK, @Nullable Double topP,
			@Nullable Double minP, @Nullable Double repetitionPenalty, @Nullable Double presencePenalty,
			@Nullable Double frequencyPenalty, @Nullable Long seed, @Nullable Integer maxTokens,
			@Nullable List<String> stopSequences, @Nullable Boolean enableThinking,
			@Nullable Map<String, Object> templateVariables, @DefaultValue("false") boolean parseSpecialTokens,
			@DefaultValue("auto") ToolSupport tools, @Nullable String outputSchema,
			@DefaultValue("strict") SchemaMode schema, @DefaultValue("true") boolean schemaInPrompt,
			@DefaultValue("auto") String toolChoice, @Nullable Boolean parallelToolCalls) {

		/**
		 * The options.
		 * @param model name of the model, or null for the engine's own
		 * @return options with the values that are set
		 * @throws InvalidConfigurationPropertyValueException if a value is out of its
		 * range
		 */
		FlashChatOptions toOptions(@Nullable String model) {
			FlashChatOptions.Builder options = FlashChatOptions.builder()
				.model(model)
				.seed(this.seed)
				.enableThinking(this.enableThinking)
				.templateVariables(this.templateVariables)
				.schemaMode((this.schema != SchemaMode.STRICT) ? this.schema : null)
				.schemaInPrompt(this.schemaInPrompt ? null : Boolean.FALSE)
				.parallelToolCalls(this.parallelToolCalls);
			set("chat.temperature", this.temperature, (value) -> options.temperature(value).build());
			set("chat.top-k", this.topK, (value) -> options.topK(value).build());
			set("chat.top-p", this.topP, (value) -> options.topP(value).build());
			set("chat.min-p", this.minP, (value) -> options.minP(value).build());
			set("chat.repetition-penalty", this.repetitionPenalty, (value) -> options.repetitionPenalty(value).build());
			set("chat.presence-penalty", this.presencePenalty, (value) -> options.presencePenalty(value).build());
			set("chat.frequency-penalty", this.frequencyPenalty, (value) -> options.frequencyPenalty(value).build());
			set("chat.max-tokens", this.maxTokens, (value) -> options.maxTokens(value).build());
			set("chat.stop-sequences", this.stopSequences, (value) -> options.stopSequences(value).build());
			set("chat.tool-choice", this.toolChoice.equals("auto") ? null : this.toolChoice,
					(value) -> options.toolChoice(value).build());
			set("chat.output-schema", this.outputSchema, (value) -> {
				CompiledGrammar.check(new Structure.JsonSchema(value, this.schema == SchemaMode.STRICT, false));
				options.outputSchema(value).build();
			});
			return options.build();
		}

	}

}
