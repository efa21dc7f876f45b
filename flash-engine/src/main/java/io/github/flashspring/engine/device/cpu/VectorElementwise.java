package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;

import jdk.incubator.vector.FloatVector;

import io.github.flashspring.engine.device.Activation;

/**
 * Activations and scaling over the Vector API; what is left at the end of a row is
 * computed by {@link PortableElementwise}.
 */
final class VectorElementwise implements ElementwiseKernels {

	private static final int STEP = Lanes.WIDE.length();

	/** Values whose exponentials are computed at a time. */
	private static final int CHUNK = VectorActivations.CHUNK;

	private final PortableElementwise portable = new PortableElementwise();

	@Override
	public void activate(Rows out, Rows x, Activation activation, int from, int to, Scratch scratch) {
		float[] values = scratch.weights(VectorActivations.ROOM);
		for (int r = from; r < to; r++) {
			for (int first = 0; first < out.columns(); first += CHUNK) {
				int count = Math.min(CHUNK, out.columns() - first);
				activated(x, r, first, count, activation, values);
				MemorySegment.copy(values, 0, out.memory(), PortableKernels.FLOAT, out.row(r) + 4L * first, count);
			}
		}
	}

	@Override
	public void gate(Rows out, Rows gate, Rows up, Activation activation, int from, int to, Scratch scratch) {
		float[] values = scratch.weights(VectorActivations.ROOM);
		for (int r = from; r < to; r++) {
			for (int first = 0; first < out.columns(); first += CHUNK) {
				int count = Math.min(CHUNK, out.columns() - first);
				activated(gate, r, first, count, activation, values);
				int whole = count / STEP * STEP;
				for (int i = 0; i < whole; i += STEP) {
					FloatVector value = FloatVector.fromArray(Lanes.WIDE, values, i)
						.mul(VectorNumbers.load(up.memory(), up.row(r) + 4L * (first + i)));
					VectorNumbers.store(value, out.memory(), out.row(r) + 4L * (first + i));
				}
				for (int i = whole; i < count; i++) {
					PortableKernels.set(out, r, first + i, values[i] * PortableKernels.get(up, r, first + i));
				}
			}
		}
	}

	private static void activated(Rows x, int row, int from, int count, Activation activation, float[] values) {
		MemorySegment.copy(x.memory(), PortableKernels.FLOAT, x.row(row) + 4L * from, values, 0, count);
		VectorActivations.apply(activation, values, count);
	}

	@Override
	public void clampedSwiGlu(Rows out, Rows gate, Rows up, float alpha, float limit, int from, int to,
			Scratch scratch) {
		float[] exponentials = scratch.weights(Math.min(CHUNK, out.columns()));
		for (int r = from; r < to; r++) {
			for (int first = 0; first < out.columns(); first += CHUNK) {
				int count = Math.min(CHUNK, out.columns() - first);
				int whole = count / STEP * STEP;
				for (int i = 0; i < whole; i += STEP) {
					VectorNumbers.load(gate.memory(), gate.row(r) + 4L * (first + i))
						.min(limit)
						.mul(-alpha)
						.intoArray(exponentials, i);
				}
				VectorMath.exp(exponentials, 0, whole, 0f);
				for (int i = 0; i < whole; i += STEP) {
					FloatVector linear = VectorNumbers.load(up.memory(), up.row(r) + 4L * (first + i))
						.min(limit)
						.max(-limit)
						.add(1f);
					FloatVector value = VectorNumbers.load(gate.memory(), gate.row(r) + 4L * (first + i))
						.min(limit)
						.div(FloatVector.fromArray(Lanes.WIDE, exponentials, i).add(1f))
						.mul(linear);
					VectorNumbers.store(value, out.memory(), out.row(r) + 4L * (first + i));
				}
				PortableElementwise.clampedSwiGluRow(out, gate, up, alpha, limit, r, first + whole, first + count);
			}
		}
	}

	@Override
	public void softcap(Rows x, float cap, int from, int to, Scratch scratch) {
		float[] values = scratch.weights(CHUNK);
		float[] exponentials = scratch.lanes(VectorTangent.scratchFloats());
		for (int r = from; r < to; r++) {
			for (int first = 0; first < x.columns(); first += CHUNK) {
				int count = Math.min(CHUNK, x.columns() - first);
				long offset = x.row(r) + 4L * first;
				MemorySegment.copy(x.memory(), PortableKernels.FLOAT, offset, values, 0, count);
				VectorTangent.softcap(values, 0, count, cap, exponentials);
				MemorySegment.copy(values, 0, x.memory(), PortableKernels.FLOAT, offset, count);
			}
		}
	}

	@Override
	public void scale(Rows x, float factor, int from, int to) {
		int whole = x.columns() / STEP * STEP;
		for (int r = from; r < to; r++) {
			for (int i = 0; i < whole; i += STEP) {
				long offset = x.row(r) + 4L * i;
				VectorNumbers.store(VectorNumbers.load(x.memory(), offset).mul(factor), x.memory(), offset);
			}
			PortableElementwise.scaleRow(x, factor, r, whole);
		}
	}

	@Override
	public void addScaled(Rows x, Rows y, float factor, int from, int to) {
		int whole = x.columns() / STEP * STEP;
		for (int r = from; r < to; r++) {
			for (int i = 0; i < whole; i += STEP) {
				long offset = x.row(r) + 4L * i;
				FloatVector product = VectorNumbers.load(y.memory(), y.row(r) + 4L * i).mul(factor);
				VectorNumbers.store(VectorNumbers.load(x.memory(), offset).add(product), x.memory(), offset);
			}
			PortableElementwise.addScaledRow(x, y, factor, r, whole);
		}
	}

	@Override
	public void split(Rows even, Rows odd, Rows x, int from, int to) {
		this.portable.split(even, odd, x, from, to);
	}

}
