package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Activation;

/**
 * Convolution and recurrence over the Vector API: columns, and the numbers of a state,
 * side by side.
 */
final class VectorStateSpace implements StateSpaceKernels {

	private static final int LANES = Kernels.LANES;

	private static final int STEP = Lanes.WIDE.length();

	@Override
	public void convolution(Rows out, Rows x, Rows weight, @Nullable Rows bias, Rows state, boolean first,
			Activation activation, int from, int to, Scratch scratch) {
		if (first) {
			PortableStateSpace.clear(state, from, to);
		}
		int taps = weight.columns();
		float[] filters = scratch.weights((taps + 1) * BLOCK);
		float[] sums = scratch.lanes(VectorActivations.ROOM);
		for (int column = from; column < to; column += BLOCK) {
			int count = Math.min(BLOCK, to - column);
			for (int c = 0; c < count; c++) {
				for (int k = 0; k < taps; k++) {
					filters[k * BLOCK + c] = PortableKernels.value(weight, column + c, k);
				}
			}
			if (bias != null) {
				VectorNumbers.read(bias, 0, column, count, filters, taps * BLOCK);
			}
			for (int r = 0; r < x.count(); r++) {
				Arrays.fill(sums, 0, count, 0f);
				for (int k = 0; k < taps; k++) {
					int time = r + k - state.count();
					Rows source = (time < 0) ? state : x;
					int row = (time < 0) ? time + state.count() : time;
					multiplyAdd(source.memory(), source.row(row) + 4L * column, filters, k * BLOCK, sums, count);
				}
				for (int c = 0; c < count && bias != null; c++) {
					sums[c] += filters[taps * BLOCK + c];
				}
				VectorActivations.apply(activation, sums, count);
				MemorySegment.copy(sums, 0, out.memory(), PortableKernels.FLOAT, out.row(r) + 4L * column, count);
			}
		}
		PortableStateSpace.keep(x, state, from, to);
	}

	private static void multiplyAdd(MemorySegment memory, long offset, float[] filters, int filter, float[] sums,
			int count) {
		int whole = count / STEP * STEP;
		for (int i = 0; i < whole; i += STEP) {
			FloatVector.fromArray(Lanes.WIDE, filters, filter + i)
				.fma(VectorNumbers.load(memory, offset + 4L * i), FloatVector.fromArray(Lanes.WIDE, sums, i))
				.intoArray(sums, i);
		}
		for (int i = whole; i < count; i++) {
			sums[i] = Math.fma(filters[filter + i], memory.get(PortableKernels.FLOAT, offset + 4L * i), sums[i]);
		}
	}

	@Override
	public void selectiveScan(ScanJob job, int from, int to, Scratch scratch) {
		float[] lanes = scratch.lanes(LANES);
		int stateSize = job.stateSize();
		for (int head = from; head < to; head++) {
			int headDim = job.headDim();
			if (job.first()) {
				PortableStateSpace.clearHead(job, head);
			}
			float rate = job.rate(head);
			float skip = PortableKernels.value(job.d(), 0, head);
			int group = job.groupColumn(head);
			for (int r = 0; r < job.x().count(); r++) {
				float step = job.step(r, head);
				float decay = Exponential.exp(rate * step);
				long b = job.b().row(r) + 4L * group;
				long c = job.c().row(r) + 4L * group;
				for (int p = head * headDim; p < (head + 1) * headDim; p++) {
					float x = PortableKernels.value(job.x(), r, p);
					advance(job.state().memory(), job.state().row(p), decay, step * x, job.b().memory(), b,
							job.c().memory(), c, stateSize, lanes);
					PortableKernels.set(job.out(), r, p, Math.fma(skip, x, PortableKernels.tree(lanes, 0)));
				}
			}
		}
	}

	/** Calls vector code of convolutions that computes nothing, see {@link Exercise}. */
	static void callEmptyConvolution(float[] lanes, int calls) {
		for (int i = 0; i < calls; i++) {
			multiplyAdd(MemorySegment.NULL, 0, lanes, 0, lanes, 0);
		}
	}

	/** Calls vector code of scans that computes nothing, see {@link Exercise}. */
	static void callEmptyScan(float[] lanes, int calls) {
		for (int i = 0; i < calls; i++) {
			advance(MemorySegment.NULL, 0, 0f, 0f, MemorySegment.NULL, 0, MemorySegment.NULL, 0, 0, lanes);
		}
	}

	/** Advances one row of a state and adds up its products with {@code c} in lanes. */
	private static void advance(MemorySegment state, long offset, float decay, float u, MemorySegment bs, long b,
			MemorySegment cs, long c, int count, float[] lanes) {
		int whole = count / LANES * LANES;
		for (int lane = 0; lane < LANES; lane += STEP) {
			FloatVector sum = FloatVector.zero(Lanes.WIDE);
			for (int i = lane; i < whole; i += LANES) {
				FloatVector product = VectorNumbers.load(bs, b + 4L * i).mul(u);
				FloatVector next = VectorNumbers.load(state, offset + 4L * i)
					.fma(FloatVector.broadcast(Lanes.WIDE, decay), product);
				VectorNumbers.store(next, state, offset + 4L * i);
				sum = next.fma(VectorNumbers.load(cs, c + 4L * i), sum);
			}
			sum.intoArray(lanes, lane);
		}
		for (int i = whole; i < count; i++) {
			float product = u * bs.get(PortableKernels.FLOAT, b + 4L * i);
			float next = Math.fma(state.get(PortableKernels.FLOAT, offset + 4L * i), decay, product);
			state.set(PortableKernels.FLOAT, offset + 4L * i, next);
			lanes[i - whole] = Math.fma(next, cs.get(PortableKernels.FLOAT, c + 4L * i), lanes[i - whole]);
		}
	}

}
