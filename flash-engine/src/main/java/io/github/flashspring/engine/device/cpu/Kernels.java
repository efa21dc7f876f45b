package io.github.flashspring.engine.device.cpu;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Device.Limits;
import io.github.flashspring.engine.device.Workload;

/**
 * The loops of the CPU device, each for a band of an operation's outputs. Operands were
 * checked before. All implementations give the same bits:
 *
 * <ul>
 * <li>A linear layer adds its products in blocks of 128 columns: {@value #LANES} lanes
 * take 8 columns each, see {@link BlockOrder}. In a lane, a chain of eight fused
 * multiply-adds that starts from zero adds them. The chain of numbers is added to the
 * lane's sum. The chain of {@link Format#coded() codes}, of affine ones minus their
 * {@link Format#center}, is added to it by one fused multiply-add with the group's scale.
 * Biases of groups, {@code fma(center, scale, bias)}, come last: lane {@code l} adds
 * those of group {@code l, l + 16 …} times the sum of the group's inputs.
 * <li>Weights of the {@link Format#decoded() decoded} formats are first brought to FP32,
 * as they are looked up, and then count as numbers of that type.
 * <li>A NaN among the weights of an output makes it NaN; so does an infinity in half
 * precision.
 * <li>Attention goes over fixed tiles of positions, see {@link #attention}.
 * <li>Other sums of products (also of squares) run in {@value #LANES} lanes too: lane
 * {@code l} adds the products of index {@code l, l + 16, l + 32 …} in this order, each
 * with one fused multiply-add, starting from zero; where the last 16 are not complete,
 * the missing factors are zeros. A plain sum is the same without the product.
 * <li>The lanes are added as a tree: {@code l} and {@code l + 8}, then {@code l + 4},
 * {@code l + 2}, {@code l + 1}.
 * <li>A weight that is looked up instead of multiplied is {@code fma(code, scale, bias)},
 * or {@code code · scale} where codes are floats.
 * <li>Element by element, every implementation does the same operations in the same
 * order. The exponential is that of {@link Exponential}.
 * </ul>
 */
interface Kernels {

	/** Partial sums of a sum. */
	int LANES = 16;

	/**
	 * A human-readable name.
	 * @return such as {@code vector 256 bits}
	 */
	String name();

	ElementwiseKernels elementwise();

	RowwiseKernels rowwise();

	StateSpaceKernels stateSpace();

	/**
	 * The kernels that compute a linear layer from {@link #rowsAtOnce} to
	 * {@link #matmul}, since those of one implementation share the packed input.
	 * @param weights [outputs, inputs]
	 * @param rows number of rows
	 * @return kernels that are ready for it
	 */
	default Kernels linear(Weights weights, int rows) {
		return this;
	}

	/**
	 * Prepares the kernels of a model, see {@link Device#warmUp}.
	 * @param workload what the model computes
	 * @return the task
	 */
	default Runnable warmUp(Workload workload) {
		return () -> {
		};
	}

	/**
	 * What a {@link Scratch} grows to.
	 * @param limits the largest pass
	 * @return number of floats
	 */
	long scratchFloats(Limits limits);

	/**
	 * Unpacks a weight row to FP32.
	 * @param out receives the values
	 * @param outRow row of {@code out}
	 * @param weights the matrix
	 * @param row row of the matrix
	 * @param scratch working memory
	 */
	void unpack(Rows out, int outRow, Weights weights, int row, Scratch scratch);

	/**
	 * Rows of a linear layer that are computed together.
	 * @return the largest number
	 */
	int rowsAtOnce();

	/**
	 * Rows for which the packed input of a linear layer has space.
	 * @param rows number of rows, at most {@link #rowsAtOnce}
	 * @return as many, or less than twice as many
	 */
	default int packedRows(int rows) {
		return rows;
	}

	/**
	 * Space for the packed input of a linear layer.
	 * @param rows number of rows, at most {@link #rowsAtOnce}
	 * @param columns number of inputs
	 * @return number of floats
	 */
	long inputFloats(int rows, int columns);

	/**
	 * Reserves space for the packed input of a linear layer.
	 * @param input grows
	 * @param rows number of rows, at most {@link #rowsAtOnce}
	 * @param weights [outputs, inputs]
	 */
	void reserve(Packed input, int rows, Weights weights);

	/**
	 * Prepares rows of the input of a linear layer for all bands of {@link #matmul}.
	 * @param x F32 [n, inputs]
	 * @param firstRow first of the rows that are computed together
	 * @param rows their number
	 * @param weights [outputs, inputs]
	 * @param from first of them to pack
	 * @param to end of those to pack
	 * @param input receives the packed rows
	 */
	void pack(Rows x, int firstRow, int rows, Weights weights, int from, int to, Packed input);

	/**
	 * Computes the outputs {@code from … to - 1} of a linear layer for some rows.
	 * @param out F32 [n, outputs]
	 * @param x F32 [n, inputs]
	 * @param firstRow first of the rows that are computed together
	 * @param rows their number
	 * @param input the packed rows
	 * @param weights [outputs, inputs]
	 * @param bias [1, outputs] or null
	 * @param from first output
	 * @param to end of the outputs
	 * @param scratch working memory
	 */
	void matmul(Rows out, Rows x, int firstRow, int rows, Packed input, Weights weights, @Nullable Rows bias, int from,
			int to, Scratch scratch);

	/**
	 * Normalizes the rows {@code from … to - 1}:
	 * {@code (x · inverse) · (weight + offset)} with
	 * {@code inverse = 1 / sqrt(Σx² / columns + epsilon)}.
	 * @param out F32 [n, columns]
	 * @param x F32 [n, columns]
	 * @param weight [m, columns]; row {@code r} gets row {@code r mod m}
	 * @param offset added to the weight
	 * @param epsilon added to the mean
	 * @param from first row
	 * @param to end of the rows
	 * @param scratch working memory
	 */
	void rmsNorm(Rows out, Rows x, Rows weight, float offset, float epsilon, int from, int to, Scratch scratch);

	/**
	 * Rotates the pairs of all heads of the rows {@code from … to - 1}:
	 * {@code (a·cos − b·sin, b·cos + a·sin)} with products rounded before they are added.
	 * @param x F32 [n, heads · headDim]
	 * @param headDim length of a head
	 * @param cos F32 [n, pairs]
	 * @param sin F32 [n, pairs]
	 * @param from first row
	 * @param to end of the rows
	 * @param scratch working memory
	 */
	void rope(Rows x, int headDim, Rows cos, Rows sin, int from, int to, Scratch scratch);

	/**
	 * Attends for the units {@code from … to - 1} of a job. What a query (one head of one
	 * row) gets is a function of its position and the positions that it sees:
	 *
	 * <ol>
	 * <li>Keys and values that are not kept in FP32 are brought to it: halves as they
	 * are, codes as {@code fma(code, scale, bias)}.
	 * <li>The product of a query and a key is a chain of fused multiply-adds in the order
	 * of their numbers, from zero on; each further {@value AttentionJob#CHAIN} numbers
	 * make a chain of their own that is added to the sum of those before. The score is
	 * the product times the scale, capped if so.
	 * <li>Positions form tiles of {@value AttentionJob#TILE} and sections of
	 * {@link AttentionJob#sectionLength}; both begin at multiples of their size. A
	 * section is one sweep over its tiles, with a maximum (−∞ at first), a sum of weights
	 * in {@value #LANES} lanes and weighted sums of values (zeros at first).
	 * <li>A tile first raises the maximum to that of its visible scores. If it rose,
	 * lanes and sums are multiplied by {@code exp(old maximum − new maximum)}. Then the
	 * weights {@code exp(score − maximum)} of its positions are added in order: that of
	 * position {@code p} to lane {@code p mod 16}, and each sum becomes
	 * {@code fma(weight, value, sum)}.
	 * <li>The lanes of a section are added as the tree. Its result is merged into that of
	 * the sections before, see {@link AttentionSums#merge}: both are multiplied by
	 * {@code exp(own maximum − common maximum)}, the later one in a fused multiply-add.
	 * The first is merged into the sink (its score the maximum, 1 the sum of weights,
	 * zeros as values) or into nothing (−∞, 0, zeros).
	 * <li>The values are divided by the sum of weights.
	 * </ol>
	 *
	 * So arguments of exponentials are never positive, chains of values are as long as a
	 * section at most, and memory does not grow with the context. Maxima are compared
	 * with {@code >}: a score that is not a number never is one.
	 * @param job operands, and how they are divided into units
	 * @param from first unit
	 * @param to end of the units
	 * @param scratch working memory
	 */
	void attention(AttentionJob job, int from, int to, Scratch scratch);

	/**
	 * {@code x += y} for the rows {@code from … to - 1}.
	 * @param x F32 [n, columns]
	 * @param y F32 [n, columns]
	 * @param from first row
	 * @param to end of the rows
	 */
	void add(Rows x, Rows y, int from, int to);

}
