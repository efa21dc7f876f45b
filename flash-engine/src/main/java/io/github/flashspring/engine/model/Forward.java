package io.github.flashspring.engine.model;

import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.RaggedBatch;

/**
 * Computes passes. Used by one thread.
 */
@FunctionalInterface
public interface Forward {

	/**
	 * Computes one pass. When this returns, the pass has ended: what becomes of its
	 * logits takes no time of it.
	 * <p>
	 * Memory for logits is bounded. Of a text whose logits are all wanted, only the last
	 * ones are returned; those before are handed over while the pass runs, each time as
	 * many as there is memory for.
	 * @param batch tokens and where they belong
	 * @param kv keys and values of the tokens before; gets those of the batch
	 * @param logitRows rows whose logits are wanted; of sequences that generate, which
	 * want one row each, the last
	 * @param earlier gets logits of the first of these rows if there is not memory for
	 * all
	 * @param abandoned asked before each layer; true when nobody wants the pass any more
	 * @return logits of the last of these rows
	 * @throws java.util.concurrent.CancellationException if the pass was abandoned
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if weights
	 * cannot be read
	 */
	Logits forward(RaggedBatch batch, KvPages kv, int[] logitRows, Consumer<Logits> earlier, BooleanSupplier abandoned);

}
