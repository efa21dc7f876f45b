package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;

import io.github.flashspring.engine.device.Activation;

/**
 * Activations and scaling in plain Java, value by value.
 */
final class PortableElementwise implements ElementwiseKernels {

	@Override
	public void activate(Rows out, Rows x, Activation activation, int from, int to, Scratch scratch) {
		for (int r = from; r < to; r++) {
			for (int i = 0; i < out.columns(); i++) {
				PortableKernels.set(out, r, i, Activations.apply(activation, PortableKernels.get(x, r, i)));
			}
		}
	}

	@Override
	public void gate(Rows out, Rows gate, Rows up, Activation activation, int from, int to, Scratch scratch) {
		int columns = out.columns();
		float[] gates = scratch.weights(columns);
		float[] ups = scratch.groups(columns);
		for (int r = from; r < to; r++) {
			PortableKernels.read(gate, r, 0, columns, gates);
			PortableKernels.read(up, r, 0, columns, ups);
			gate(gates, ups, activation, columns);
			MemorySegment.copy(gates, 0, out.memory(), PortableKernels.FLOAT, out.row(r), columns);
		}
	}

	private static void gate(float[] gates, float[] ups, Activation activation, int count) {
		for (int i = 0; i < count; i++) {
			gates[i] = Activations.apply(activation, gates[i]) * ups[i];
		}
	}

	@Override
	public void clampedSwiGlu(Rows out, Rows gate, Rows up, float alpha, float limit, int from, int to,
			Scratch scratch) {
		for (int r = from; r < to; r++) {
			clampedSwiGluRow(out, gate, up, alpha, limit, r, 0, out.columns());
		}
	}

	static void clampedSwiGluRow(Rows out, Rows gate, Rows up, float alpha, float limit, int row, int from, int to) {
		for (int i = from; i < to; i++) {
			float g = Math.min(PortableKernels.get(gate, row, i), limit);
			float u = Math.max(Math.min(PortableKernels.get(up, row, i), limit), -limit);
			float exponential = Exponential.exp(g * -alpha);
			PortableKernels.set(out, row, i, g / (1f + exponential) * (u + 1f));
		}
	}

	@Override
	public void softcap(Rows x, float cap, int from, int to, Scratch scratch) {
		for (int r = from; r < to; r++) {
			for (int i = 0; i < x.columns(); i++) {
				PortableKernels.set(x, r, i, HyperbolicTangent.softcap(PortableKernels.get(x, r, i), cap));
			}
		}
	}

	@Override
	public void scale(Rows x, float factor, int from, int to) {
		for (int r = from; r < to; r++) {
			scaleRow(x, factor, r, 0);
		}
	}

	static void scaleRow(Rows x, float factor, int row, int from) {
		for (int i = from; i < x.columns(); i++) {
			PortableKernels.set(x, row, i, PortableKernels.get(x, row, i) * factor);
		}
	}

	@Override
	public void addScaled(Rows x, Rows y, float factor, int from, int to) {
		for (int r = from; r < to; r++) {
			addScaledRow(x, y, factor, r, 0);
		}
	}

	static void addScaledRow(Rows x, Rows y, float factor, int row, int from) {
		for (int i = from; i < x.columns(); i++) {
			float product = PortableKernels.get(y, row, i) * factor;
			PortableKernels.set(x, row, i, PortableKernels.get(x, row, i) + product);
		}
	}

	@Override
	public void split(Rows even, Rows odd, Rows x, int from, int to) {
		MemorySegment source = x.memory();
		for (int r = from; r < to; r++) {
			for (int i = 0; i < even.columns(); i++) {
				long at = x.row(r) + 8L * i;
				PortableKernels.set(even, r, i, source.get(PortableKernels.FLOAT, at));
				PortableKernels.set(odd, r, i, source.get(PortableKernels.FLOAT, at + 4));
			}
		}
	}

}
