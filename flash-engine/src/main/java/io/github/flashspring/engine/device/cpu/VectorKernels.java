package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;

import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Device.Limits;

/**
 * Kernels over the Vector API. Loops run over whole registers; what is left at the end of
 * a row is computed value by value with the same operations.
 */
final class VectorKernels implements Kernels {

	private static final int STEP = Lanes.WIDE.length();

	/** Maximum of rows of a linear layer that are computed one by one. */
	private final int few;

	private final VectorElementwise elementwise = new VectorElementwise();

	private final VectorRowwise rowwise = new VectorRowwise();

	private final VectorStateSpace stateSpace = new VectorStateSpace();

	VectorKernels() {
		this(VectorMatmul.FEW);
	}

	private VectorKernels(int few) {
		this.few = few;
	}

	/** Kernels that compute all rows of linear layers one by one. */
	static VectorKernels rowByRow() {
		return new VectorKernels(Integer.MAX_VALUE);
	}

	@Override
	public ElementwiseKernels elementwise() {
		return this.elementwise;
	}

	@Override
	public RowwiseKernels rowwise() {
		return this.rowwise;
	}

	@Override
	public StateSpaceKernels stateSpace() {
		return this.stateSpace;
	}

	@Override
	public String name() {
		return Lanes.describe();
	}

	@Override
	public long scratchFloats(Limits limits) {
		// operations other than linear layers and attention need this where the model is
		// narrow
		int rowwise = 2 * RowwiseKernels.ROWS * RowwiseKernels.BLOCK;
		return VectorMatmul.scratchFloats(limits) + VectorAttention.scratchFloats(limits) + rowwise;
	}

	@Override
	public void unpack(Rows out, int outRow, Weights weights, int row, Scratch scratch) {
		int columns = weights.columns();
		int range = Math.min(VectorMatmul.RANGE, columns);
		float[] values = scratch.weights(range + LANES);
		float[] groups = scratch.groups((weights.groupSize() > 0) ? 2 * range / weights.groupSize() : 0);
		for (int i = 0; i < columns; i += range) {
			int count = Math.min(range, columns - i);
			VectorNumbers.lookUp(weights, row, i, count, values, 0, groups);
			MemorySegment.copy(values, 0, out.memory(), PortableKernels.FLOAT, out.row(outRow) + 4L * i, count);
		}
	}

	@Override
	public int rowsAtOnce() {
		return VectorMatmul.rowsAtOnce();
	}

	@Override
	public int packedRows(int rows) {
		return VectorMatmul.padded(rows);
	}

	@Override
	public long inputFloats(int rows, int columns) {
		return VectorMatmul.inputFloats(rows, columns);
	}

	@Override
	public void reserve(Packed input, int rows, Weights weights) {
		VectorMatmul.reserve(input, rows, weights);
	}

	@Override
	public void pack(Rows x, int firstRow, int rows, Weights weights, int from, int to, Packed input) {
		VectorMatmul.pack(x, firstRow, rows, weights, from, to, input, few(weights, rows));
	}

	@Override
	public void matmul(Rows out, Rows x, int firstRow, int rows, Packed input, Weights weights, @Nullable Rows bias,
			int from, int to, Scratch scratch) {
		VectorMatmul.multiply(out, firstRow, rows, input, weights, bias, from, to, scratch, few(weights, rows),
				this.few == VectorMatmul.FEW && VectorMatmul.byFour(weights, rows));
	}

	private boolean few(Weights weights, int rows) {
		return rows <= this.few || VectorMatmul.byFour(weights, rows);
	}

	@Override
	public void rmsNorm(Rows out, Rows x, Rows weight, float offset, float epsilon, int from, int to, Scratch scratch) {
		int columns = x.columns();
		int whole = columns / STEP * STEP;
		float[] lanes = scratch.lanes(LANES);
		float[] factors = scratch.weights(columns);
		for (int r = from; r < to; r++) {
			if (r == from || weight.count() > 1) {
				VectorNumbers.read(weight, r % weight.count(), 0, columns, factors, 0);
				for (int i = 0; i < columns; i++) {
					factors[i] += offset;
				}
			}
			float inverse = PortableKernels.inverseRoot(squares(x.memory(), x.row(r), columns, lanes), columns,
					epsilon);
			for (int i = 0; i < whole; i += STEP) {
				FloatVector value = VectorNumbers.load(x.memory(), x.row(r) + 4L * i)
					.mul(inverse)
					.mul(FloatVector.fromArray(Lanes.WIDE, factors, i));
				VectorNumbers.store(value, out.memory(), out.row(r) + 4L * i);
			}
			for (int i = whole; i < columns; i++) {
				PortableKernels.set(out, r, i, PortableKernels.get(x, r, i) * inverse * factors[i]);
			}
		}
	}

	private static float squares(MemorySegment memory, long offset, int columns, float[] lanes) {
		int whole = columns / LANES * LANES;
		for (int lane = 0; lane < LANES; lane += STEP) {
			FloatVector sum = FloatVector.zero(Lanes.WIDE);
			for (int i = lane; i < whole; i += LANES) {
				FloatVector value = VectorNumbers.load(memory, offset + 4L * i);
				sum = value.fma(value, sum);
			}
			sum.intoArray(lanes, lane);
		}
		for (int i = whole; i < columns; i++) {
			float value = memory.get(PortableKernels.FLOAT, offset + 4L * i);
			lanes[i - whole] = Math.fma(value, value, lanes[i - whole]);
		}
		return PortableKernels.tree(lanes, 0);
	}

	@Override
	public void rope(Rows x, int headDim, Rows cos, Rows sin, int from, int to, Scratch scratch) {
		int pairs = cos.columns();
		int whole = pairs / STEP * STEP;
		MemorySegment memory = x.memory();
		for (int r = from; r < to; r++) {
			for (int head = 0; head < x.columns(); head += headDim) {
				for (int i = 0; i < whole; i += STEP) {
					long first = x.row(r) + 4L * (head + i);
					long second = first + 4L * pairs;
					FloatVector a = VectorNumbers.load(memory, first);
					FloatVector b = VectorNumbers.load(memory, second);
					FloatVector c = VectorNumbers.load(cos.memory(), cos.row(r) + 4L * i);
					FloatVector s = VectorNumbers.load(sin.memory(), sin.row(r) + 4L * i);
					VectorNumbers.store(a.mul(c).sub(b.mul(s)), memory, first);
					VectorNumbers.store(b.mul(c).add(a.mul(s)), memory, second);
				}
				PortableKernels.ropeHead(x, r, head, cos, sin, whole);
			}
		}
	}

	@Override
	public void attention(AttentionJob job, int from, int to, Scratch scratch) {
		for (int i = from; i < to; i++) {
			new VectorAttention(job, job.unit(i), scratch).attend();
		}
	}

	@Override
	public void add(Rows x, Rows y, int from, int to) {
		int whole = x.columns() / STEP * STEP;
		for (int r = from; r < to; r++) {
			for (int i = 0; i < whole; i += STEP) {
				long offset = x.row(r) + 4L * i;
				FloatVector value = VectorNumbers.load(x.memory(), offset);
				VectorNumbers.store(value.add(VectorNumbers.load(y.memory(), y.row(r) + 4L * i)), x.memory(), offset);
			}
			PortableKernels.addRow(x, y, r, whole);
		}
	}

}
