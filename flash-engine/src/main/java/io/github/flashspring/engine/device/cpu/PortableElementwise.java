package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;

/**
 * Activations and scaling in plain Java, value by value.
 */
final class PortableElementwise implements ElementwiseKernels {

	/** {@code −2 · sqrt(2 / π)}. */
	static final float GELU_SCALE = -1.5957691f;

	static final float GELU_CUBE = 0.044715f;

	@Override
	public void geGlu(Rows out, Rows gate, Rows up, int from, int to, Scratch scratch) {
		for (int r = from; r < to; r++) {
			geGluRow(out, gate, up, r, 0, out.columns());
		}
	}

	static void geGluRow(Rows out, Rows gate, Rows up, int row, int from, int to) {
		for (int i = from; i < to; i++) {
			float x = PortableKernels.value(gate, row, i);
			float exponential = Exponential.exp(GELU_SCALE * x * Math.fma(GELU_CUBE, x * x, 1f));
			PortableKernels.set(out, row, i, x / (1f + exponential) * PortableKernels.value(up, row, i));
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
			float g = Math.min(PortableKernels.value(gate, row, i), limit);
			float u = Math.max(Math.min(PortableKernels.value(up, row, i), limit), -limit);
			float exponential = Exponential.exp(g * -alpha);
			PortableKernels.set(out, row, i, g / (1f + exponential) * (u + 1f));
		}
	}

	@Override
	public void squaredRelu(Rows out, Rows x, int from, int to) {
		for (int r = from; r < to; r++) {
			squaredReluRow(out, x, r, 0);
		}
	}

	static void squaredReluRow(Rows out, Rows x, int row, int from) {
		for (int i = from; i < x.columns(); i++) {
			float positive = Math.max(PortableKernels.value(x, row, i), 0f);
			PortableKernels.set(out, row, i, positive * positive);
		}
	}

	@Override
	public void softcap(Rows x, float cap, int from, int to, Scratch scratch) {
		for (int r = from; r < to; r++) {
			for (int i = 0; i < x.columns(); i++) {
				PortableKernels.set(x, r, i, HyperbolicTangent.softcap(PortableKernels.value(x, r, i), cap));
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
			PortableKernels.set(x, row, i, PortableKernels.value(x, row, i) * factor);
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
			float product = PortableKernels.value(y, row, i) * factor;
			PortableKernels.set(x, row, i, PortableKernels.value(x, row, i) + product);
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
