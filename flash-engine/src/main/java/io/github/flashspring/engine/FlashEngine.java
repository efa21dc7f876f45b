package io.github.flashspring.engine;

import java.io.IOException;
import java.nio.file.Path;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.weights.Repacker;
import io.github.flashspring.engine.residency.ResidencyPlan;

/**
 * A language model that runs in this JVM, within a budget of memory. Thread-safe:
 * requests of several callers run concurrently and share every pass over the weights.
 */
public interface FlashEngine extends AutoCloseable {

	/**
	 * Loads a model: checks the files, plans the memory, and pins what the budget allows.
	 * @param config model and settings
	 * @return the engine; the caller closes it
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if files are
	 * missing or wrong
	 * @throws io.github.flashspring.engine.model.UnsupportedArchitectureException if the
	 * architecture is not known
	 * @throws io.github.flashspring.engine.memory.BudgetExceededException if the model
	 * cannot run in the budget
	 * @throws io.github.flashspring.engine.text.TokenizerException if the tokenizer's
	 * files are wrong
	 */
	static FlashEngine load(FlashConfig config) {
		return new ReloadableFlashEngine(() -> LocalFlashEngine.load(config));
	}

	/**
	 * Rewrites a checkpoint so that weights stream from it in fewer and longer reads.
	 * @param model a folder with a checkpoint, or a hub id that lies in the local cache
	 * @param target the folder to make; must not exist, or be empty
	 * @param progress hears how far it is
	 * @return bytes of the new file
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if the source
	 * is missing or wrong, the target is not empty, or its disk has not enough free space
	 * @throws io.github.flashspring.engine.model.UnsupportedArchitectureException if the
	 * architecture is not known
	 * @throws IOException if the target cannot be written
	 */
	static long repack(String model, Path target, Repacker.Progress progress) throws IOException {
		return EngineParts.repack(model, target, false, progress);
	}

	/**
	 * Rewrites a checkpoint in the order of use for programs that refuse tensors that
	 * they do not know: names stay as they are, nothing is added between tensors, and
	 * those that do not fill whole pages come last.
	 * @param model a folder with a checkpoint, or a hub id that lies in the local cache
	 * @param target the folder to make; must not exist, or be empty
	 * @param progress hears how far it is
	 * @return bytes of the new file
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if the source
	 * is missing or wrong, the target is not empty, or its disk has not enough free space
	 * @throws io.github.flashspring.engine.model.UnsupportedArchitectureException if the
	 * architecture is not known
	 * @throws IOException if the target cannot be written
	 */
	static long reorder(String model, Path target, Repacker.Progress progress) throws IOException {
		return EngineParts.repack(model, target, true, progress);
	}

	/**
	 * What was loaded.
	 * @return facts that do not change
	 */
	ModelInfo model();

	/**
	 * Whether the device still prepares its code. Requests are served, but slower.
	 * @return true until all kernels of the model are compiled
	 */
	default boolean warmingUp() {
		return false;
	}

	/**
	 * Queues a request. A generation that is not read gives its place to others, and ends
	 * after {@link FlashConfig#idleTimeout()}.
	 * @param request what to generate
	 * @return the running generation; the caller reads it to the end or closes it
	 * @throws FlashEngineException if the request cannot be served: the prompt is longer
	 * than the context, or the model has no tokenizer or chat template but the prompt
	 * needs one
	 */
	Generation generate(GenerationRequest request);

	/**
	 * Computes the logits of all positions of a text, to score it or to compare engines.
	 * Returns when the last one was handed over.
	 * @param tokens token ids, at least one
	 * @param consumer gets the logits, on a thread of the engine
	 * @throws FlashEngineException if the text is longer than the context, the engine is
	 * closed, or the waiting thread was interrupted
	 */
	void logits(int[] tokens, LogitsConsumer consumer);

	/**
	 * How the memory is divided.
	 * @return the plan in force
	 * @throws UnsupportedOperationException by engines that do not hold a model
	 */
	default ResidencyPlan plan() {
		throw new UnsupportedOperationException("This engine has no plan");
	}

	/**
	 * Changes the memory that the engine may use, between two passes: weights are
	 * dropped, or kept from now on, and what runs goes on. Keys, values and activations
	 * keep what they were given when the engine was loaded.
	 * @param budget memory that the engine may use
	 * @return the plan in force from now on
	 * @throws io.github.flashspring.engine.memory.BudgetExceededException if the budget
	 * is too small; the old one remains in force then
	 * @throws FlashEngineException if the engine is closed
	 * @throws UnsupportedOperationException by engines that do not hold a model
	 */
	default ResidencyPlan ramBudget(RamBudget budget) {
		throw new UnsupportedOperationException("This engine has no budget");
	}

	/**
	 * Why the engine cannot serve: what its latest pass failed with, or what ended it.
	 * @return null if its latest pass succeeded, or there was none
	 */
	default @Nullable Failure lastFailure() {
		return null;
	}

	/**
	 * Loads the model again if the engine has {@linkplain #lastFailure() failed}, after
	 * checking that its folder still holds the same model: the same config, headers and
	 * sizes, the same samples of all weights, and the same bytes in whatever was read
	 * before. What runs is ended. The engine does the same by itself, once nothing runs,
	 * as soon as files that failed it were restored.
	 * @return whether it was loaded again; false if it had not failed
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if the folder
	 * does not hold that model any more
	 * @throws FlashEngineException if the engine was closed
	 * @throws UnsupportedOperationException by engines that cannot
	 */
	default boolean reload() {
		throw new UnsupportedOperationException("This engine cannot load its model again");
	}

	/**
	 * Measurements of this engine, for benchmarks.
	 * @return the diagnostics of the model that is loaded now
	 * @throws UnsupportedOperationException by engines that do not hold a model
	 */
	default FlashDiagnostics diagnostics() {
		throw new UnsupportedOperationException("This engine has no diagnostics");
	}

	/**
	 * Plans what {@link #load} would do, without doing it, after measuring the disk if it
	 * is not known.
	 * @param config model and settings
	 * @return how the memory would be divided
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if files are
	 * missing or wrong
	 * @throws io.github.flashspring.engine.memory.BudgetExceededException if the model
	 * cannot run in the budget
	 */
	static ResidencyPlan plan(FlashConfig config) {
		return EngineParts.plan(config);
	}

	/**
	 * What the engine holds and has done until now.
	 * @return a snapshot
	 */
	EngineSnapshot snapshot();

	/**
	 * Why an engine cannot serve.
	 *
	 * @param cause what a pass failed with, or what ended the engine
	 * @param needsReload whether requests will fail until the model is loaded again: its
	 * files have changed, or nothing can be computed any more
	 */
	record Failure(RuntimeException cause, boolean needsReload) {

	}

	/**
	 * Ends what runs and frees all memory. Readers get an {@link EngineClosedException}
	 * in place of what they have not read.
	 */
	@Override
	void close();

}
