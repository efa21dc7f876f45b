package io.github.flashspring.engine.metrics;

import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * What an engine holds and has done, at one moment. Counters only grow.
 *
 * @param device human-readable name of what computes
 * @param budgetBytes memory the engine may use; null: no bound
 * @param memory memory reserved, by owner
 * @param units residency of the parts of the model, in the order of a pass
 * @param io reads from disk
 * @param work tokens and passes
 * @param lastPasses some of the last passes, the latest last
 * @param pacing how prefetch and compute affect each other
 * @param experts how experts of MoE layers came into memory
 * @param grammars masks of tokens for structured answers
 * @param prefixes what the prefix cache has done and holds
 */
public record EngineSnapshot(String device, @Nullable Long budgetBytes, List<Memory> memory, List<Unit> units,
		IoMetrics io, Work work, List<Pass> lastPasses, PacingMetrics pacing, ExpertMetrics experts,
		GrammarMetrics grammars, PrefixMetrics prefixes) {

	public EngineSnapshot {
		memory = List.copyOf(memory);
		units = List.copyOf(units);
		lastPasses = List.copyOf(lastPasses);
	}

	/**
	 * A snapshot of an engine without structured answers.
	 * @param device human-readable name of what computes
	 * @param budgetBytes memory the engine may use; null: no bound
	 * @param memory memory reserved, by owner
	 * @param units residency of the parts of the model
	 * @param io reads from disk
	 * @param work tokens and passes
	 * @param lastPasses some of the last passes
	 * @param pacing how prefetch and compute affect each other
	 * @param experts how experts of MoE layers came into memory
	 */
	public EngineSnapshot(String device, @Nullable Long budgetBytes, List<Memory> memory, List<Unit> units,
			IoMetrics io, Work work, List<Pass> lastPasses, PacingMetrics pacing, ExpertMetrics experts) {
		this(device, budgetBytes, memory, units, io, work, lastPasses, pacing, experts, GrammarMetrics.NONE,
				PrefixMetrics.NONE);
	}

	/**
	 * A snapshot of an engine without experts.
	 * @param device human-readable name of what computes
	 * @param budgetBytes memory the engine may use; null: no bound
	 * @param memory memory reserved, by owner
	 * @param units residency of the parts of the model
	 * @param io reads from disk
	 * @param work tokens and passes
	 * @param lastPasses some of the last passes
	 * @param pacing how prefetch and compute affect each other
	 */
	public EngineSnapshot(String device, @Nullable Long budgetBytes, List<Memory> memory, List<Unit> units,
			IoMetrics io, Work work, List<Pass> lastPasses, PacingMetrics pacing) {
		this(device, budgetBytes, memory, units, io, work, lastPasses, pacing, ExpertMetrics.NONE);
	}

	/**
	 * Memory reserved by an owner.
	 * @param owner such as {@code weights.pinned}
	 * @return bytes, 0 if there is no such owner
	 */
	public long memoryOf(String owner) {
		return this.memory.stream().filter((memory) -> memory.owner().equals(owner)).mapToLong(Memory::bytes).sum();
	}

	/**
	 * Memory of one owner.
	 *
	 * @param owner such as {@code weights.pinned}, {@code weights.window}, {@code kv},
	 * {@code prefix}, {@code activations}, {@code scratch}, {@code tokenizer},
	 * {@code heap}
	 * @param bytes reserved bytes
	 */
	public record Memory(String owner, long bytes) {

	}

	/**
	 * A part of the model and what of it is in memory.
	 *
	 * @param name such as {@code layers.3}
	 * @param bytes size of its weights
	 * @param pinned whether all of it is pinned
	 * @param bytesRead bytes read for it since the engine was loaded
	 * @param pinnedBytes its pinned bytes
	 * @param stallNanos time that compute waited for it, in nanoseconds
	 * @param computeNanos time that it computed, without waiting, in nanoseconds
	 */
	public record Unit(String name, long bytes, boolean pinned, long bytesRead, long pinnedBytes, long stallNanos,
			long computeNanos) {

		/**
		 * A part of which all or nothing is pinned and no time is known.
		 * @param name such as {@code layers.3}
		 * @param bytes size of its weights
		 * @param pinned whether it is pinned
		 * @param bytesRead bytes read for it since the engine was loaded
		 */
		public Unit(String name, long bytes, boolean pinned, long bytesRead) {
			this(name, bytes, pinned, bytesRead, pinned ? bytes : 0, 0, 0);
		}

	}

	/**
	 * Work done.
	 *
	 * @param passes passes over the layers
	 * @param promptTokens tokens of prompts computed
	 * @param generatedTokens tokens generated, including end-of-turn tokens
	 * @param requests requests that ended, however
	 * @param activeRequests requests that are being computed, or wait for their readers
	 * @param queuedRequests requests that wait for a slot or memory
	 */
	public record Work(long passes, long promptTokens, long generatedTokens, long requests, int activeRequests,
			int queuedRequests) {

	}

	/**
	 * A pass over the layers.
	 *
	 * @param rows tokens that it computed
	 * @param nanos time that it took, in nanoseconds
	 * @param bytesRead bytes of weights read since the pass before
	 * @param stallNanos time that it waited for them, in nanoseconds
	 */
	public record Pass(int rows, long nanos, long bytesRead, long stallNanos) {

	}

}
