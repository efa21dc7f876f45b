package io.github.flashspring.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

import io.github.flashspring.cli.bench.KvOptions;
import io.github.flashspring.cli.bench.ReadOptions;
import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.ModelfileSettings;
import io.github.flashspring.engine.PrefixCacheConfig;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.modelfile.Instruction;
import io.github.flashspring.engine.modelfile.Keyword;
import io.github.flashspring.engine.modelfile.Modelfile;

/**
 * Options that say which model runs, and on what.
 */
@SuppressWarnings("NullAway.Init") // picocli sets @Spec
final class ModelOptions {

	@Spec(Spec.Target.MIXEE)
	private CommandSpec spec;

	@Parameters(paramLabel = "MODEL", arity = "0..*",
			description = "Folder, id in the Hugging Face cache, or name of a created model.")
	private List<String> words = new ArrayList<>();

	@Option(names = { "-m", "--model" }, paramLabel = "MODEL", description = "The model, in place of the first word.")
	private @Nullable String model;

	@Option(names = "--modelfile", paramLabel = "FILE",
			description = "A Modelfile that names the model; other options go over it.")
	private @Nullable Path modelfile;

	@Option(names = "--ram", paramLabel = "GB", converter = RamBudgetConverter.class,
			description = "Memory: 4 or 0.5 (gigabytes), 800MB, min or unlimited. Default: what the model needs, at most 75 %% of what is available.")
	private @Nullable RamBudget ram;

	@Option(names = { "-t", "--threads" }, paramLabel = "N",
			description = "Threads that compute. Default: one per processor.")
	private int threads;

	@Option(names = { "-c", "--context" }, paramLabel = "N",
			description = "Tokens of prompt and answer together. Default: the model's, up to 4096.")
	private int context;

	@Option(names = "--chunk", paramLabel = "N",
			description = "Tokens of the prompt computed at once. Default: what fits, up to 512.")
	private int chunk;

	@Option(names = "--device", paramLabel = "KIND",
			description = "What computes, such as cpu. Default: the best there is.")
	private @Nullable String device;

	@Option(names = "--warm-up", negatable = true, defaultValue = "true", fallbackValue = "true",
			description = "Compile code while the model is loaded. Default: true.")
	private boolean warmUp;

	@Option(names = "--prefix-cache", paramLabel = "DIR",
			description = "Private folder that keeps computed prompts for later runs.")
	private @Nullable Path prefixCache;

	@Mixin
	private final KvOptions kv = new KvOptions();

	@Mixin
	private final ReadOptions reads = new ReadOptions();

	/**
	 * The engine's configuration for these options.
	 * @return a builder to add to
	 */
	FlashConfig.Builder config() {
		ModelChoice choice = choice();
		require(choice.words().isEmpty(), () -> "Unmatched argument: '" + choice.words().getFirst() + "'");
		return config(choice.settings(), choice.name());
	}

	/**
	 * The engine's configuration: these options over a Modelfile.
	 * @param settings the Modelfile
	 * @param name what the model is called; null: as its folder or id is
	 * @return a builder to add to
	 */
	FlashConfig.Builder config(ModelfileSettings settings, @Nullable String name) {
		FlashConfig.Builder config = settings.applyTo(FlashConfig.builder(settings.model()).name(name))
			.warmUp(this.warmUp)
			.prefixCache(PrefixCacheConfig.DEFAULT
				.on((this.prefixCache != null) ? PrefixCacheConfig.Disk.in(this.prefixCache) : null))
			// a terminal or a pager may stop reading for as long as it likes
			.idleTimeout(Duration.ZERO)
			.kv(this.kv.precision())
			.reading(this.reads.reading());
		if (this.ram != null) {
			config.ramBudget(this.ram);
		}
		if (this.threads != 0) {
			config.threads(this.threads);
		}
		if (this.context != 0) {
			config.contextLength(this.context);
		}
		if (this.chunk != 0) {
			config.prefillChunk(this.chunk);
		}
		if (this.device != null) {
			config.device(this.device);
		}
		return config;
	}

	/**
	 * The model that is named, and the words behind it.
	 * @return the choice
	 * @throws ParameterException if none is named
	 * @throws io.github.flashspring.engine.modelfile.ModelfileException if a Modelfile is
	 * wrong
	 */
	ModelChoice choice() {
		List<String> rest = new ArrayList<>(this.words);
		String named = this.model;
		if (named == null && this.modelfile == null && !rest.isEmpty()) {
			named = rest.removeFirst();
		}
		String chosen = named;
		require(chosen != null || this.modelfile != null,
				() -> "A model is missing. Name a folder, a hub id or a created model.");
		ModelStore store = ModelStore.ofSystem();
		if (this.modelfile != null) {
			Modelfile file = Modelfile.read(this.modelfile);
			Path folder = this.modelfile.toAbsolutePath().getParent();
			if (chosen != null) {
				Instruction from = Instruction.of(Keyword.FROM, "", chosen);
				file = file.with((one) -> one.keyword() == Keyword.FROM, List.of(from));
				folder = null;
			}
			return new ModelChoice(store.settings(file, folder), null, rest);
		}
		String model = Objects.requireNonNull(chosen);
		Modelfile created = ModelStore.isFolder(model) ? null : store.find(model).orElse(null);
		return (created != null) ? new ModelChoice(ModelfileSettings.of(created, null), model, rest)
				: new ModelChoice(ModelfileSettings.of(ModelStore.of(model), null), null, rest);
	}

	private void require(boolean right, Supplier<String> message) {
		if (!right) {
			throw new ParameterException(this.spec.commandLine(), message.get());
		}
	}

	/**
	 * The model that options name.
	 *
	 * @param settings its Modelfile; with FROM alone if it has none
	 * @param name of a created model; null for others
	 * @param words behind the model's name
	 */
	record ModelChoice(ModelfileSettings settings, @Nullable String name, List<String> words) {

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
