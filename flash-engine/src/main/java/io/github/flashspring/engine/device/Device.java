package io.github.flashspring.engine.device;

import java.lang.foreign.MemorySegment;
import java.util.List;

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
 * or on which rows are computed with it. So a row computed alone and in a batch has the
 * same bits.
 *
 * <p>
 * Activations are F32. A device is used by one thread at a time. Wrong shapes throw
 * {@link IllegalArgumentException} before anything is recorded. Arrays and lists given as
 * arguments may be reused by the caller when the call returns: a device that computes
 * later copies them. {@code out} and inputs share memory only where an operation says so.
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
	 * Allocates memory that the host writes; its content is undefined.
	 * @param bytes length
	 * @return a buffer that the caller closes
	 * @throws DeviceException if there is not enough memory
	 */
	SharedBuffer allocateShared(long bytes);

	/**
	 * Reserves memory for several shared buffers.
	 * @param bytes length of all, each rounded up to 64 KiB
	 * @return a region that the caller closes
	 * @throws DeviceException if there is not enough memory
	 */
	SharedRegion reserveShared(long bytes);

	/**
	 * Notes that the host has written shared memory: work recorded from now on sees it.
	 * No work that uses these bytes was recorded and not awaited.
	 * @param buffer the memory
	 * @param from first byte
	 * @param length number of bytes
	 */
	void written(SharedBuffer buffer, long from, long length);

	/**
	 * Makes memory of the caller computable, without a copy where the hardware can. It
	 * never changes, as long as the buffer is open: neither the host nor an operation
	 * writes it.
	 * @param segment native memory, possibly read-only; must outlive the buffer
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
	 * Copies values as they are: {@code out = x}.
	 * @param out [n, columns]; not {@code x}
	 * @param x [n, columns] of the same type, whatever it is
	 */
	void copy(Tensor out, Tensor x);

	/**
	 * Sets all values.
	 * @param out F32 [n, columns]
	 * @param value any number
	 */
	void fill(Tensor out, float value);

	/**
	 * Copies one row to all: {@code out[r] = x[0]}.
	 * @param out F32 [n, columns]; not {@code x}
	 * @param x F32, F16 or BF16 [1, columns]
	 */
	void broadcast(Tensor out, Tensor x);

	/**
	 * Copies numbers to another type, rounded to the nearest, of two that are as near to
	 * the even one.
	 * @param out F32, F16 or BF16 [n, columns]; not {@code x}
	 * @param x F32, F16 or BF16 [n, columns]
	 */
	void convert(Tensor out, Tensor x);

	/**
	 * Copies rows: {@code out[r] = x[rows[r]]}.
	 * @param out F32 [n, columns]
	 * @param x F32 [m, columns]
	 * @param rows row of {@code x} for each output row, length n
	 */
	void gather(Tensor out, Tensor x, int[] rows);

	/**
	 * Puts rows: {@code out[rows[r]] = x[r]}.
	 * @param out F32 [m, columns]; not {@code x}
	 * @param x F32 [n, columns]
	 * @param rows row of {@code out} for each row of {@code x}, length n, without
	 * repetition
	 */
	void scatter(Tensor out, Tensor x, int[] rows);

	/**
	 * Adds up neighbouring rows with weights:
	 * {@code out[r] = Σ_k weights[r·K + k] · x[r·K + k]}, in the order of {@code k}.
	 * @param out F32 [n, columns]; not {@code x}
	 * @param x F32 [n · K, columns]
	 * @param weights n · K numbers
	 */
	void combine(Tensor out, Tensor x, float[] weights);

	/**
	 * Applies a linear layer: {@code out[r, o] = Σ x[r, i] · weight[o, i] + bias[o]}.
	 * @param out F32 [n, outputs]; not {@code x}
	 * @param x F32 [n, inputs]
	 * @param weight [outputs, inputs]
	 * @param bias F32, F16 or BF16 [1, outputs], added last, or null
	 */
	void matmul(Tensor out, Tensor x, Matrix weight, @Nullable Tensor bias);

	/**
	 * Applies linear layers of which none needs what another computes, with the same bits
	 * as one by one.
	 * @param layers the layers; they can be computed together, those with the same input
	 * once that was prepared
	 */
	default void matmul(List<Matmul> layers) {
		layers.forEach((layer) -> matmul(layer.out(), layer.x(), layer.weight(), layer.bias()));
	}

	/**
	 * Multiplies with the columns of a matrix:
	 * {@code out[r, i] = Σ x[r, o] · weight[o, i]}, in the order of {@code o}.
	 * @param out F32 [n, columns]; not {@code x}
	 * @param x F32 [n, rows of the matrix]
	 * @param weight [rows, columns]
	 * @param accumulate whether to add to what {@code out} holds, so that a matrix may
	 * come in tiles of rows
	 */
	void matmulTransposed(Tensor out, Tensor x, Matrix weight, boolean accumulate);

	/**
	 * Root mean square norm of each row:
	 * {@code out = x / sqrt(mean(x²) + epsilon) · (weight + offset)}.
	 * @param out F32 [n, columns]; may be {@code x}
	 * @param x F32 [n, columns]
	 * @param weight F32, F16 or BF16 [m, columns]; row {@code r} of {@code x} gets row
	 * {@code r mod m}
	 * @param offset added to the weight
	 * @param epsilon added to the mean
	 * @see <a href="https://arxiv.org/abs/1910.07467">Zhang and Sennrich 2019</a>
	 */
	void rmsNorm(Tensor out, Tensor x, Tensor weight, float offset, float epsilon);

	/**
	 * {@link #rmsNorm(Tensor, Tensor, Tensor, float, float)} without an offset.
	 * @param out F32 [n, columns]; may be {@code x}
	 * @param x F32 [n, columns]
	 * @param weight F32, F16 or BF16 [m, columns]
	 * @param epsilon added to the mean
	 */
	default void rmsNorm(Tensor out, Tensor x, Tensor weight, float epsilon) {
		rmsNorm(out, x, weight, 0f, epsilon);
	}

	/**
	 * Layer norm of each row:
	 * {@code out = (x − mean) / sqrt(variance + epsilon) · (weight + offset) + bias}.
	 * @param out F32 [n, columns]; may be {@code x}
	 * @param x F32 [n, columns]
	 * @param weight F32, F16 or BF16 [1, columns]
	 * @param bias F32, F16 or BF16 [1, columns]
	 * @param offset added to the weight
	 * @param epsilon added to the variance
	 * @see <a href="https://arxiv.org/abs/1607.06450">Ba, Kiros and Hinton 2016</a>
	 */
	void layerNorm(Tensor out, Tensor x, Tensor weight, Tensor bias, float offset, float epsilon);

	/**
	 * Rotates pairs of values of every head by the angle of the row's position, in place:
	 * {@code (a, b) → (a·cos − b·sin, b·cos + a·sin)}. Values that are in no pair stay.
	 * @param x F32 [n, heads · headDim]
	 * @param spec which values make pairs
	 * @param cos F32 [n, pairs]
	 * @param sin F32 [n, pairs]
	 * @see <a href="https://arxiv.org/abs/2104.09864">Su et al. 2021</a>
	 */
	void rope(Tensor x, RotarySpec spec, Tensor cos, Tensor sin);

	/**
	 * {@link #rope(Tensor, RotarySpec, Tensor, Tensor)} with the pairs
	 * {@code (i, i + rotaryDim / 2)}.
	 * @param x F32 [n, heads · headDim]
	 * @param headDim length of a head
	 * @param cos F32 [n, rotaryDim / 2]
	 * @param sin F32 [n, rotaryDim / 2]
	 */
	default void rope(Tensor x, int headDim, Tensor cos, Tensor sin) {
		rope(x, RotarySpec.halves(headDim), cos, sin);
	}

	/**
	 * Stores keys and values of the rows of a batch at their positions, in the format of
	 * each group that the layer belongs to.
	 * @param kv the cache
	 * @param layer index among the layers that have keys and values
	 * @param batch which row is which position of which sequence
	 * @param keys F32 [n, keyValueHeads · keyDim]
	 * @param values F32 [n, keyValueHeads · valueDim]; null if the cache holds no values
	 * @throws KvRangeException if a number is beyond the format, here or when the work is
	 * awaited
	 */
	void storeKv(KvPages kv, int layer, RaggedBatch batch, Tensor keys, @Nullable Tensor values);

	/**
	 * Causal attention of every row over the positions of its own sequence up to itself,
	 * already stored by {@link #storeKv}: {@code out = softmax(scale · q·kᵀ) · v}.
	 * @param out F32 [n, heads · valueDim]; not {@code queries}
	 * @param queries F32 [n, heads · keyDim]
	 * @param kv the cache
	 * @param layer index among the layers that have keys and values
	 * @param batch which row is which position of which sequence
	 * @param spec heads, scale, window and cap
	 * @param sinks F32, F16 or BF16 [1, heads]: a further score of each head, whose value
	 * is zero; or null
	 */
	void attention(Tensor out, Tensor queries, KvPages kv, int layer, RaggedBatch batch, AttentionSpec spec,
			@Nullable Tensor sinks);

	/**
	 * Attention without sinks.
	 * @param out F32 [n, heads · valueDim]; not {@code queries}
	 * @param queries F32 [n, heads · keyDim]
	 * @param kv the cache
	 * @param layer index among the layers that have keys and values
	 * @param batch which row is which position of which sequence
	 * @param spec heads, scale, window and cap
	 */
	default void attention(Tensor out, Tensor queries, KvPages kv, int layer, RaggedBatch batch, AttentionSpec spec) {
		attention(out, queries, kv, layer, batch, spec, null);
	}

	/**
	 * {@code x += y}.
	 * @param x F32 [n, columns]
	 * @param y F32 [n, columns]
	 */
	void add(Tensor x, Tensor y);

	/**
	 * Activations and scaling.
	 * @return the operations, recorded in order with those of the device
	 */
	Elementwise elementwise();

	/**
	 * Convolution and recurrence.
	 * @return the operations, recorded in order with those of the device
	 */
	StateSpace stateSpace();

	/**
	 * Copies values from the host into a tensor, in the order of recorded work.
	 * @param target F32, contiguous
	 * @param source at least rows · columns values
	 */
	void write(Tensor target, float[] source);

	/**
	 * Commits, waits, and copies tensors to the host: all that is needed at once costs
	 * one wait.
	 * @param reads what to copy; the same array at most once
	 * @throws DeviceException if the work before failed
	 */
	void read(List<Readback> reads);

	/**
	 * Commits, waits, and copies a tensor to the host.
	 * @param source F32, contiguous
	 * @param target receives rows · columns values from its start
	 * @throws DeviceException if the work before failed
	 */
	default void read(Tensor source, float[] target) {
		read(List.of(new Readback(source, target)));
	}

	/**
	 * Prepares the code of a model's operations. Until the task has run, operations give
	 * the same bits, whether their code is ready or not.
	 * @param workload what the model computes
	 * @return a task for a thread of its own, concurrent with operations; it ends when
	 * all is prepared, when its thread is interrupted or when waiting longer does not pay
	 */
	default Runnable warmUp(Workload workload) {
		return () -> {
		};
	}

	/**
	 * Submits what was recorded so far.
	 * @return a fence behind that work
	 */
	Fence commit();

	/**
	 * Opens a device for a further thread on the same hardware and worker threads. Jobs
	 * of both are computed one after the other; each has scratch memory, fences and
	 * compute time of its own.
	 * @return the session; the caller closes it before this device
	 */
	Device session();

	/**
	 * Waits for all work, then frees what the device itself holds.
	 */
	@Override
	void close();

	/**
	 * What a device is.
	 *
	 * @param kind such as {@code cpu} or {@code metal}
	 * @param name human-readable, such as the processor's instruction set and threads
	 */
	record Info(String kind, String name) {

	}

	/**
	 * The largest pass that will be asked for.
	 *
	 * @param rows rows of a batch, or of the inputs of linear layers that are applied
	 * together
	 * @param columns the widest input of a linear layer
	 * @param heads query heads of a layer
	 * @param keyValues shape of the cache
	 */
	record Limits(int rows, int columns, int heads, KvPages.Layout keyValues) {

	}

	/**
	 * A tensor that the host wants.
	 *
	 * @param source F32, contiguous
	 * @param target receives rows · columns values from its start
	 */
	@SuppressWarnings("ArrayRecordComponent") // The array is where values go.
	record Readback(Tensor source, float[] target) {

	}

	/**
	 * A linear layer and what it is applied to, see {@link #matmul}.
	 *
	 * @param out F32 [n, outputs]; not {@code x}
	 * @param x F32 [n, inputs]
	 * @param weight [outputs, inputs]
	 * @param bias F32, F16 or BF16 [1, outputs], added last, or null
	 */
	record Matmul(Tensor out, Tensor x, Matrix weight, @Nullable Tensor bias) {

	}

}
