package io.github.flashspring.engine.device;

import java.lang.foreign.MemorySegment;

import org.jspecify.annotations.Nullable;

/**
 * The seam between model code and hardware: buffers and the operations a layer needs.
 * Operations are recorded in order and write into tensors given by the caller; a CPU
 * computes them at once, a GPU when they are {@link #commit() committed}. So an operation
 * returns nothing that could be looked at: results are fetched with {@link #read}.
 *
 * <p>
 * Law of every operation: each output value is accumulated in FP32 in one order that
 * depends on the operation and its shape alone, never on the number of rows, on threads
 * or on which rows lie beside it. So a row computed alone and in a batch has the same
 * bits.
 *
 * <p>
 * Activations are F32. A device is used by one thread at a time. Wrong shapes throw
 * {@link IllegalArgumentException} before anything is recorded.
 */
public interface Device extends AutoCloseable {

	/**
	 * What this device is.
	 * @return a description that does not change
	 */
	Info info();

	/**
	 * Allocates memory; its content is undefined.
	 * @param bytes length, aligned at least to 64 bytes
	 * @return a buffer that the caller closes
	 * @throws DeviceException if there is not enough memory
	 */
	Buffer allocate(long bytes);

	/**
	 * Makes memory of the caller computable, without a copy where the hardware can.
	 * @param segment native memory, perhaps read-only; must outlive the buffer
	 * @return a buffer that the caller closes
	 */
	Buffer wrap(MemorySegment segment);

	/**
	 * Memory that the device itself needs, besides the buffers given to it, to compute
	 * passes within the given limits.
	 * @param limits the largest pass
	 * @return bytes
	 */
	long scratchBytes(Limits limits);

	/**
	 * Looks up rows: {@code out[r] = table[rows[r]]}.
	 * @param out F32 [n, columns]
	 * @param table matrix with the same columns
	 * @param rows row of the table for each output row, length n
	 */
	void embed(Tensor out, Matrix table, int[] rows);

	/**
	 * Copies rows: {@code out[r] = x[rows[r]]}.
	 * @param out F32 [n, columns]
	 * @param x F32 [m, columns]
	 * @param rows row of {@code x} for each output row, length n
	 */
	void gather(Tensor out, Tensor x, int[] rows);

	/**
	 * Applies a linear layer: {@code out[r, o] = Σ x[r, i] · weight[o, i] + bias[o]}.
	 * @param out F32 [n, outputs]; not {@code x}
	 * @param x F32 [n, inputs]
	 * @param weight [outputs, inputs]
	 * @param bias F32, F16 or BF16 [1, outputs], added last, or null
	 */
	void matmul(Tensor out, Tensor x, Matrix weight, @Nullable Tensor bias);

	/**
	 * Root mean square norm of each row:
	 * {@code out = x / sqrt(mean(x²) + epsilon) · weight}.
	 * @param out F32 [n, columns]; may be {@code x}
	 * @param x F32 [n, columns]
	 * @param weight F32, F16 or BF16 [1, columns]
	 * @param epsilon added to the mean
	 * @see <a href="https://arxiv.org/abs/1910.07467">Zhang and Sennrich 2019</a>
	 */
	void rmsNorm(Tensor out, Tensor x, Tensor weight, float epsilon);

	/**
	 * Turns pairs of values of every head by the angle of the row's position, in place:
	 * {@code (a, b) → (a·cos − b·sin, b·cos + a·sin)}. The pair is
	 * {@code (i, i + rotaryDim / 2)}; values from {@code rotaryDim} on stay.
	 * @param x F32 [n, heads · headDim]
	 * @param headDim length of a head
	 * @param cos F32 [n, rotaryDim / 2]
	 * @param sin F32 [n, rotaryDim / 2]
	 * @see <a href="https://arxiv.org/abs/2104.09864">Su et al. 2021</a>
	 */
	void rope(Tensor x, int headDim, Tensor cos, Tensor sin);

	/**
	 * Stores keys and values of the rows of a batch at their positions.
	 * @param kv the cache
	 * @param layer index among the layers that have keys and values
	 * @param batch which row is which position of which sequence
	 * @param keys F32 [n, keyValueHeads · keyDim]
	 * @param values F32 [n, keyValueHeads · valueDim]
	 */
	void storeKv(KvBlocks kv, int layer, RaggedBatch batch, Tensor keys, Tensor values);

	/**
	 * Causal attention of every row over the positions of its own sequence up to itself,
	 * already stored by {@link #storeKv}: {@code out = softmax(scale · q·kᵀ) · v}.
	 * @param out F32 [n, heads · valueDim]; not {@code queries}
	 * @param queries F32 [n, heads · keyDim]
	 * @param kv the cache
	 * @param layer index among the layers that have keys and values
	 * @param batch which row is which position of which sequence
	 * @param spec heads, scale and window
	 */
	void attention(Tensor out, Tensor queries, KvBlocks kv, int layer, RaggedBatch batch, AttentionSpec spec);

	/**
	 * SwiGLU: {@code out = silu(gate) · up} with {@code silu(x) = x / (1 + exp(−x))}.
	 * @param out F32 [n, columns]; may be {@code gate} or {@code up}
	 * @param gate F32 [n, columns]
	 * @param up F32 [n, columns]
	 * @see <a href="https://arxiv.org/abs/2002.05202">Shazeer 2020</a>
	 */
	void swiGlu(Tensor out, Tensor gate, Tensor up);

	/**
	 * {@code x += y}.
	 * @param x F32 [n, columns]
	 * @param y F32 [n, columns]
	 */
	void add(Tensor x, Tensor y);

	/**
	 * Copies values from the host into a tensor, in the order of recorded work. The array
	 * may be reused at once.
	 * @param target F32, contiguous
	 * @param source at least rows · columns values
	 */
	void write(Tensor target, float[] source);

	/**
	 * Commits, waits, and copies a tensor to the host.
	 * @param source F32, contiguous
	 * @param target receives rows · columns values from its start
	 */
	void read(Tensor source, float[] target);

	/**
	 * Starts computing what was recorded so far.
	 * @return a fence behind that work
	 */
	Fence commit();

	/**
	 * Waits for all work, then frees what the device itself holds.
	 */
	@Override
	void close();

	/**
	 * What a device is.
	 *
	 * @param kind such as {@code cpu} or {@code metal}
	 * @param name for people, such as the processor's instruction set and threads
	 */
	record Info(String kind, String name) {

	}

	/**
	 * The largest pass that will be asked for.
	 *
	 * @param rows rows of a batch
	 * @param columns the widest input of a linear layer
	 * @param context positions of a sequence
	 */
	record Limits(int rows, int columns, int context) {

	}

}
