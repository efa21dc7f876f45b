package io.github.flashspring.engine.device.cpu;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.StateSpace;
import io.github.flashspring.engine.device.Tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/**
 * Convolution and recurrence against their formulas in double precision; the same bits
 * from portable and vector kernels, and however a sequence is cut.
 */
class StateSpaceTests {

	@Property(tries = 60)
	void convolves(@ForAll @IntRange(min = 1, max = 20) int rows, @ForAll @IntRange(min = 1, max = 300) int columns,
			@ForAll @IntRange(min = 1, max = 5) int taps, @ForAll boolean biased,
			@ForAll @IntRange(min = 1, max = 7) int cut, @ForAll Activation activation, @ForAll long seed) {
		Operands operands = new Operands(seed);
		Tensor x = operands.activations(rows, columns);
		Tensor weight = operands.numbers(DType.BF16, columns, taps);
		Tensor bias = biased ? operands.numbers(DType.F16, 1, columns) : null;
		Tensor whole = convolve(operands, new PortableKernels(), x, weight, bias, rows, activation);
		Tensor parts = convolve(operands, new VectorKernels(), x, weight, bias, cut, activation);
		KernelsAgreeTests.assertThatBitsAreEqual(parts, whole);
		for (int r = 0; r < rows; r++) {
			for (int c = 0; c < columns; c++) {
				double sum = (bias != null) ? Operands.get(bias, 0, c) : 0;
				for (int k = 0; k < taps; k++) {
					int time = r - taps + 1 + k;
					sum += (time < 0) ? 0 : (double) Operands.get(weight, c, k) * Operands.get(x, time, c);
				}
				assertThat((double) Operands.get(whole, r, c)).isCloseTo(ElementwiseTests.formula(activation, sum),
						within((activation == Activation.SQUARED_RELU) ? 5e-6 * (1 + 2 * Math.abs(sum)) : 5e-6));
			}
		}
	}

	private static Tensor convolve(Operands operands, Kernels kernels, Tensor x, Tensor weight, @Nullable Tensor bias,
			int cut, Activation activation) {
		Tensor state = operands.empty(DType.F32, weight.columns() - 1, x.columns());
		Tensor out = operands.empty(DType.F32, x.rows(), x.columns());
		try (Device device = new CpuDevice(kernels, 2)) {
			for (int from = 0; from < x.rows(); from += cut) {
				int count = Math.min(cut, x.rows() - from);
				device.stateSpace()
					.convolution(out.rows(from, count), x.rows(from, count), weight, bias, state, from == 0,
							activation);
			}
		}
		return out;
	}

	@Property(tries = 60)
	void scans(@ForAll @IntRange(min = 1, max = 12) int rows, @ForAll @IntRange(min = 1, max = 3) int groups,
			@ForAll @IntRange(min = 1, max = 3) int each, @ForAll @IntRange(min = 1, max = 9) int headDim,
			@ForAll @IntRange(min = 1, max = 40) int stateSize, @ForAll @IntRange(min = 1, max = 5) int cut,
			@ForAll long seed) {
		Operands operands = new Operands(seed);
		int heads = groups * each;
		StateSpace.ScanInput in = new StateSpace.ScanInput(operands.activations(rows, heads * headDim),
				operands.activations(rows, groups * stateSize), operands.activations(rows, groups * stateSize),
				operands.activations(rows, heads));
		StateSpace.ScanParameters parameters = new StateSpace.ScanParameters(operands.numbers(DType.BF16, 1, heads),
				operands.numbers(DType.F32, 1, heads), operands.numbers(DType.F16, 1, heads), 0.2f, 1.5f);
		Tensor whole = scan(operands, new PortableKernels(), in, parameters, stateSize, rows);
		Tensor parts = scan(operands, new VectorKernels(), in, parameters, stateSize, cut);
		KernelsAgreeTests.assertThatBitsAreEqual(parts, whole);
		for (int head = 0; head < heads; head++) {
			double[][] state = new double[headDim][stateSize];
			for (int r = 0; r < rows; r++) {
				double step = Math.clamp(
						Math.log1p(
								Math.exp(Operands.get(in.dt(), r, head) + Operands.get(parameters.dtBias(), 0, head))),
						0.2, 1.5);
				double decay = Math.exp(-step * Math.exp(Operands.get(parameters.aLog(), 0, head)));
				for (int p = 0; p < headDim; p++) {
					double x = Operands.get(in.x(), r, head * headDim + p);
					double y = Operands.get(parameters.d(), 0, head) * x;
					for (int s = 0; s < stateSize; s++) {
						int column = head / each * stateSize + s;
						state[p][s] = state[p][s] * decay + step * x * Operands.get(in.b(), r, column);
						y += state[p][s] * Operands.get(in.c(), r, column);
					}
					assertThat((double) Operands.get(whole, r, head * headDim + p)).isCloseTo(y, within(1e-4));
				}
			}
		}
	}

	private static Tensor scan(Operands operands, Kernels kernels, StateSpace.ScanInput in,
			StateSpace.ScanParameters parameters, int stateSize, int cut) {
		int rows = in.x().rows();
		Tensor state = operands.empty(DType.F32, in.x().columns(), stateSize);
		Tensor out = operands.empty(DType.F32, rows, in.x().columns());
		try (Device device = new CpuDevice(kernels, 2)) {
			for (int from = 0; from < rows; from += cut) {
				int count = Math.min(cut, rows - from);
				StateSpace.ScanInput part = new StateSpace.ScanInput(in.x().rows(from, count), in.b().rows(from, count),
						in.c().rows(from, count), in.dt().rows(from, count));
				device.stateSpace().selectiveScan(out.rows(from, count), part, parameters, state, from == 0);
			}
		}
		return out;
	}

}
