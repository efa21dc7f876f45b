package io.github.flashspring.engine;

import java.nio.file.Path;
import java.io.IOException;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.flashspring.engine.weights.Repacker;
import io.github.flashspring.engine.storage.Disk;
import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.ModelLocator;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.metrics.ByteSize;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.model.Architectures;
import io.github.flashspring.engine.model.ModelDefinition;
import io.github.flashspring.engine.residency.BudgetArbiter;
import io.github.flashspring.engine.residency.PlannedShare;
import io.github.flashspring.engine.memory.MemoryLimits;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.residency.ResidencyPlan;
import io.github.flashspring.engine.weights.WeightFiles;
import io.github.flashspring.engine.weights.WeightLayout;

/**
 * What an engine is made of before its memory is allocated.
 *
 * @param checkpoint the files
 * @param definition the model's parts
 * @param layout where their weights lie
 * @param text tokenizer and templates
 * @param device computes
 * @param warmUp prepares the device, or null
 * @param files weights as they stream
 * @param tokens positions of all sequences together
 * @param needs memory besides the weights
 * @param plan how the memory is divided
 */
record EngineParts(Checkpoint checkpoint, ModelDefinition definition, WeightLayout layout, ModelText text,
		Device device, @Nullable WarmUp warmUp, WeightFiles files, long tokens, ResidencyPlan.Needs needs,
		ResidencyPlan plan) {

	private static final Logger logger = LoggerFactory.getLogger(FlashEngine.class);

	/** Longest context when none is asked for: beyond it keys and values get large. */
	private static final int DEFAULT_CONTEXT = 4096;

	private static final int DEFAULT_PREFILL_CHUNK = 512;

	/** States that the prefix cache has memory for by default. */
	private static final int PREFIX_STATES = 16;

	static EngineParts open(FlashConfig config, Function<WeightFiles, Disk> disk, Function<Path, ModelText> reader,
			EngineHost host, boolean warm, Resources resources) {
		Checkpoint checkpoint = resources.add(Checkpoint.open(ModelLocator.ofSystem().locate(config.model())));
		ModelDefinition definition = Architectures.define(checkpoint, (most) -> contextLength(config, most))
			.keyValues(config.kv());
		WeightLayout layout = WeightLayout.of(checkpoint, definition.weightGroups(), definition.embedding(),
				definition.ignoredTensors());
		Device device = resources.add(host.device(config));
		int context = contextLength(config, definition.shape().maxPositions());
		// before the tokenizer, which takes half of the time until the first pass
		WarmUp warmUp = warm ? resources.add(WarmUp.start(device.warmUp(definition.workload(layout, context)))) : null;
		ModelText text = resources.add(reader.apply(checkpoint.folder()));
		int chunk = Math.min((config.prefillChunk() > 0) ? config.prefillChunk() : DEFAULT_PREFILL_CHUNK, context);
		ResidencyPlan.Work work = (chunkRows, passRows) -> definition.workBytes(device, chunkRows, passRows, context,
				config.parallel());
		long all = (long) context * config.parallel();
		FlashConfig.Reading reading = config.reading();
		WeightFiles files = resources.add(host.files(config, layout));
		Supplier<BudgetArbiter.Share> share = () -> new PlannedShare(
				config.modelName(), layout, new ResidencyPlan.Needs(chunk, context,
						definition.kvBytes(context, context, config.parallel()), text.memoryBytes(context), work),
				files.disk());
		// A prefix of a whole context, and of states, where layers have them, a few.
		ResidencyPlan.Prefixes prefixes = config.prefixCache()
			.needs(definition.kvBytes(context, context, PREFIX_STATES));
		long needed = checkpoint.totalBytes() + text.memoryBytes(context) + work.bytes(chunk, chunk)
				+ definition.kvBytes(context, all, config.parallel());
		RamBudget budget = budget(host.budget(config, share), reading.map(), needed + prefixes.maxBytes());
		boolean unlimited = budget.kind() == RamBudget.Kind.UNLIMITED;
		// Sequences share the pages of one context rather than take memory from weights
		// that are read again in every pass.
		boolean ample = unlimited || budget.bytes() >= needed + needed / 8;
		long tokens = ample ? all : context;
		ResidencyPlan.Needs needs = new ResidencyPlan.Needs(chunk, context,
				definition.kvBytes(context, tokens, config.parallel()), prefixes, text.memoryBytes(context), work);
		// Where each byte is read once, nothing is gained by measuring the disk.
		Disk how = (unlimited && reading.map()) ? Disk.MAPPED : (unlimited ? files.disk() : disk.apply(files));
		ResidencyPlan plan = ResidencyPlan.of(budget, layout, needs,
				how.read(reading.readBytes(), reading.readsInFlight()));
		return new EngineParts(checkpoint, definition, layout, text, device, warmUp, files, tokens, needs, plan);
	}

	static ResidencyPlan plan(FlashConfig config) {
		try (Resources resources = new Resources()) {
			return planned(config, WeightFiles::measuredDisk, resources).plan();
		}
	}

	/** What planning needs: no tokenizer is read, and nothing is compiled. */
	static EngineParts planned(FlashConfig config, Function<WeightFiles, Disk> disk, Resources resources) {
		return open(config, disk, (folder) -> ModelText.unread(folder, config.chat()), EngineHost.NONE, false,
				resources);
	}

	/** Remembers how fast the disk and the device were, for later plans. */
	void learn(ResidencyPlan last, double diskBytesPerSecond, List<EngineSnapshot.Pass> passes) {
		if (!last.budget().unlimited()) {
			this.files.learn(last.reads(), diskBytesPerSecond);
		}
		ComputeRates.ofSystem()
			.learn(this.device.info().name(), Precision.describe(this.checkpoint), passes, last.weightBytesPerToken());
	}

	static long repack(String model, Path target, boolean compatible, Repacker.Progress progress) throws IOException {
		try (Checkpoint checkpoint = Checkpoint.open(ModelLocator.ofSystem().locate(model))) {
			ModelDefinition definition = Architectures.define(checkpoint, (most) -> Math.min(most, DEFAULT_CONTEXT));
			return Repacker.repack(WeightLayout.of(checkpoint, definition.weightGroups(), definition.embedding(),
					definition.ignoredTensors()), target, compatible, progress);
		}
	}

	/**
	 * The budget: what is set, or what the process may have. The latter bounds an
	 * unlimited one too, unless weights stay in the page cache: memory that does not
	 * exist cannot be read into.
	 */
	private static RamBudget budget(@Nullable RamBudget set, boolean map, long neededBytes) {
		MemoryLimits limits = MemoryLimits.ofSystem();
		if (set != null && (set.kind() != RamBudget.Kind.UNLIMITED || map || neededBytes <= limits.limitBytes())) {
			return set;
		}
		RamBudget budget = RamBudget.within(limits, neededBytes);
		if (budget.kind() == RamBudget.Kind.BYTES) {
			logger.info(
					"No RAM budget is set, and the model needs {}: it gets {}, 75 % of the {} that this process may have ({}). Weights that do not fit are read again for each token.",
					ByteSize.readable(neededBytes), ByteSize.readable(budget.bytes()),
					ByteSize.readable(limits.limitBytes()), limits.source());
		}
		return budget;
	}

	private static int contextLength(FlashConfig config, int most) {
		if (config.contextLength() > most) {
			throw new IllegalArgumentException(
					"context-length must be at most %d, the positions that %s was trained for, but is %d"
						.formatted(most, config.model(), config.contextLength()));
		}
		return (config.contextLength() > 0) ? config.contextLength() : Math.min(most, DEFAULT_CONTEXT);
	}

}
