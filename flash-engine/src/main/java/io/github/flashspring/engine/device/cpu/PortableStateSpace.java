package io.github.flashspring.engine.device.cpu;

import java.util.Arrays;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Activation;

/**
 * Convolution and recurrence in plain Java.
 */
final class PortableStateSpace implements StateSpaceKernels {

	private static final int LANES = Kernels.LANES;

	@Override
	public void convolution(Rows out, Rows x, Rows weight, @Nullable Rows bias, Rows state, boolean first,
			Activation activation, int from, int to, Scratch scratch) {
		if (first) {
			clear(state, from, to);
		}
		for (int r = 0; r < x.count(); r++) {
			for (int c = from; c < to; c++) {
				float sum = 0f;
				for (int k = 0; k < weight.columns(); k++) {
					sum = Math.fma(PortableKernels.value(weight, c, k), input(x, state, r + k, c), sum);
				}
				float value = (bias != null) ? sum + PortableKernels.value(bias, 0, c) : sum;
				PortableKernels.set(out, r, c, Activations.apply(activation, value));
			}
		}
		keep(x, state, from, to);
	}

	static void clear(Rows rows, int from, int to) {
		for (int r = 0; r < rows.count(); r++) {
			for (int c = from; c < to; c++) {
				PortableKernels.set(rows, r, c, 0f);
			}
		}
	}

	/** An input of the state and the rows behind it. */
	private static float input(Rows x, Rows state, int time, int column) {
		return (time < state.count()) ? PortableKernels.value(state, time, column)
				: PortableKernels.value(x, time - state.count(), column);
	}

	/** Keeps the last inputs. */
	static void keep(Rows x, Rows state, int from, int to) {
		for (int j = 0; j < state.count(); j++) {
			for (int c = from; c < to; c++) {
				PortableKernels.set(state, j, c, input(x, state, j + x.count(), c));
			}
		}
	}

	@Override
	public void selectiveScan(ScanJob job, int from, int to, Scratch scratch) {
		float[] lanes = scratch.lanes(LANES);
		for (int head = from; head < to; head++) {
			int headDim = job.headDim();
			if (job.first()) {
				clearHead(job, head);
			}
			float rate = job.rate(head);
			int group = job.groupColumn(head);
			for (int r = 0; r < job.x().count(); r++) {
				float step = job.step(r, head);
				float decay = Exponential.exp(rate * step);
				for (int p = head * headDim; p < (head + 1) * headDim; p++) {
					float x = PortableKernels.value(job.x(), r, p);
					float u = step * x;
					Arrays.fill(lanes, 0, LANES, 0f);
					for (int s = 0; s < job.stateSize(); s++) {
						float product = u * PortableKernels.value(job.b(), r, group + s);
						float next = Math.fma(PortableKernels.value(job.state(), p, s), decay, product);
						PortableKernels.set(job.state(), p, s, next);
						lanes[s % LANES] = Math.fma(next, PortableKernels.value(job.c(), r, group + s),
								lanes[s % LANES]);
					}
					float sum = PortableKernels.tree(lanes, 0);
					PortableKernels.set(job.out(), r, p, Math.fma(PortableKernels.value(job.d(), 0, head), x, sum));
				}
			}
		}
	}

	static void clearHead(ScanJob job, int head) {
		for (int p = head * job.headDim(); p < (head + 1) * job.headDim(); p++) {
			for (int s = 0; s < job.stateSize(); s++) {
				PortableKernels.set(job.state(), p, s, 0f);
			}
		}
	}

}
