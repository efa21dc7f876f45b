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
				PortableKernels.set(out, r, i, Activations.apply(activation, PortableKernels.value(x, r, i)));
			}
		}
	}

	@Override
	public void gate(Rows out, Rows gate, Rows up, Activation activation, int from, int to, Scratch scratch) {
		for (int r = from; r < to; r++) {
			for (int i = 0; i < out.columns(); i++) {
				float value = Activations.apply(activation, PortableKernels.value(gate, r, i));
				PortableKernels.set(out, r, i, value * PortableKernels.value(up, r, i));
			}
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
