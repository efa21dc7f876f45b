package io.github.flashspring.engine.device.cpu;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.Quantization;
import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.device.AttentionSpec;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.RaggedBatch;
import io.github.flashspring.engine.device.Tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/**
 * Every operation of the device against the formula in double precision.
 */
class CpuDeviceTests {

	/** Shapes and formats of a linear layer. */
	record Linear(Format format, int groupSize, DType scales, int rows, int inputs, int outputs, int threads,
			long seed) {

		Matrix matrix(Operands operands) {
			return switch (this.format.toString()) {
				case "F32" -> operands.dense(DType.F32, this.outputs, this.inputs);
				case "F16" -> operands.dense(DType.F16, this.outputs, this.inputs);
				case "BF16" -> operands.dense(DType.BF16, this.outputs, this.inputs);
				case "AFFINE1", "AFFINE2", "AFFINE3", "AFFINE4", "AFFINE5", "AFFINE6", "AFFINE8" ->
					operands.affine(this.format.bits(), this.groupSize, this.outputs, this.inputs, this.scales);
				case "MXFP4" -> quantized(operands, new Quantization(Quantization.Mode.MXFP4, 4, 32));
				case "MXFP8" -> quantized(operands, new Quantization(Quantization.Mode.MXFP8, 8, 32));
				case "NVFP4" -> quantized(operands, new Quantization(Quantization.Mode.NVFP4, 4, 16));
				case "FP8" -> {
					int groupRows = 1 + operands.random().nextInt(20);
					int from = operands.random().nextInt(2 * groupRows);
					yield operands
						.quantized(new Quantization(Quantization.Mode.FP8, 8, this.groupSize, groupRows),
								from + this.outputs + 1, this.inputs, this.scales)
						.rows(from, this.outputs);
				}
				default -> throw new IllegalArgumentException(this.format.toString());
			};
		}

		private Matrix quantized(Operands operands, Quantization quantization) {
			return operands.quantized(quantization, this.outputs, this.inputs, this.scales);
		}

		/** The next number of inputs that makes whole groups. */
		static int whole(Format format, int groupSize, int inputs) {
			return switch (format.toString()) {
				case "F32", "F16", "BF16", "FP8" -> inputs;
				case "NVFP4" -> Math.ceilDiv(inputs, 16) * 16;
				case "MXFP4", "MXFP8" -> Math.ceilDiv(inputs, 32) * 32;
				default -> Math.ceilDiv(inputs, groupSize) * groupSize;
			};
		}

	}

	@Provide
	static Arbitrary<Linear> linears() {
		Arbitrary<Format> formats = Arbitraries.of(Formats.ALL);
		Arbitrary<Integer> groups = Arbitraries.of(32, 64, 128);
		Arbitrary<DType> scales = Arbitraries.of(DType.F32, DType.F16, DType.BF16);
		Arbitrary<Integer> rows = Arbitraries.integers().between(1, 70);
		Arbitrary<Integer> inputs = Arbitraries.integers().between(1, 700);
		Arbitrary<Integer> outputs = Arbitraries.integers().between(1, 60);
		Arbitrary<Integer> threads = Arbitraries.integers().between(1, 3);
		return Combinators.combine(formats, groups, scales, rows, inputs, outputs, threads, Arbitraries.longs())
			.as((format, group, scale, n, in, out, t, seed) -> new Linear(format, group, scale, n,
					Linear.whole(format, group, in), out, t, seed));
	}

	@Property(tries = 150)
	void multipliesRowsWithAMatrix(@ForAll("linears") Linear linear) {
		Operands operands = new Operands(linear.seed());
		Matrix matrix = linear.matrix(operands);
		Tensor x = operands.activations(linear.rows(), linear.inputs());
		Tensor bias = operands.random().nextBoolean() ? operands.numbers(linear.scales(), 1, linear.outputs()) : null;
		Tensor out = operands.empty(DType.F32, linear.rows(), linear.outputs());
		try (Device device = device(linear.threads())) {
			device.matmul(out, x, matrix, bias);
		}
		assertThatProductIs(out, x, matrix, bias);
	}

	@Property(tries = 100)
	void layersTogetherEqualLayersAlone(@ForAll("linears") Linear linear, @ForAll("linears") Linear other) {
		Operands operands = new Operands(linear.seed());
		Tensor x = operands.activations(linear.rows(), linear.inputs());
		Tensor further = operands.activations(other.rows(), other.inputs());
		List<Device.Matmul> layers = new ArrayList<>();
		for (int i = 0; i < 3; i++) {
			layers.add(layer(operands, linear, x));
		}
		layers.add(layer(operands, other, further));
		layers.add(layer(operands, linear, x));
		try (Device device = device(linear.threads())) {
			device.matmul(layers);
			for (Device.Matmul layer : layers) {
				Tensor alone = operands.empty(DType.F32, layer.out().rows(), layer.out().columns());
				device.matmul(alone, layer.x(), layer.weight(), layer.bias());
				assertThat(Operands.values(layer.out())).isDeepEqualTo(Operands.values(alone));
			}
		}
	}

	@Property(tries = 40)
	void batchedExpertMatmulsEqualSingleOnes(@ForAll("linears") Linear linear,
			@ForAll @IntRange(min = 1, max = 3) int threads, @ForAll long seed) {
		Operands operands = new Operands(seed);
		Tensor shared = operands.activations(1, linear.inputs());
		List<Device.Matmul> layers = new ArrayList<>();
		for (int i = 0; i < 24; i++) {
			int rows = (i % 3 == 0) ? 1 : 1 + operands.random().nextInt(9);
			Format format = (i % 7 == 0) ? Formats.ALL.get(operands.random().nextInt(Formats.ALL.size()))
					: linear.format();
			Linear expert = new Linear(format, linear.groupSize(), linear.scales(), rows,
					Linear.whole(format, linear.groupSize(), linear.inputs()), 1 + operands.random().nextInt(60), 1,
					seed);
			Tensor x = (rows == 1 && expert.inputs() == linear.inputs()) ? shared
					: operands.activations(rows, expert.inputs());
			layers.add(layer(operands, expert, x));
			layers.add(layer(operands, expert, x));
		}
		List<Tensor> expected = new ArrayList<>();
		try (Device portable = new CpuDevice(new PortableKernels(), 1)) {
			for (Device.Matmul layer : layers) {
				Tensor alone = operands.empty(DType.F32, layer.out().rows(), layer.out().columns());
				portable.matmul(alone, layer.x(), layer.weight(), layer.bias());
				expected.add(alone);
			}
		}
		for (Kernels kernels : List.of(new VectorKernels(), VectorKernels.rowByRow(), new PortableKernels())) {
			try (Device device = new CpuDevice(kernels, threads)) {
				device.matmul(layers);
				for (int i = 0; i < layers.size(); i++) {
					KernelsAgreeTests.assertThatBitsAreEqual(layers.get(i).out(), expected.get(i));
				}
			}
		}
	}

	@Test
	void expertsOfATokenAreOneJob() {
		Operands operands = new Operands(3);
		int experts = 32;
		Linear linear = new Linear(Formats.AFFINE4, 64, DType.BF16, 1, 2048, 256, 2, 3);
		AtomicInteger bands = new AtomicInteger();
		Kernels counting = counting(new VectorKernels(), bands);
		List<Device.Matmul> layers = new ArrayList<>();
		for (int i = 0; i < experts; i++) {
			layers.add(layer(operands, linear, operands.activations(1, linear.inputs())));
		}
		try (Device device = new CpuDevice(counting, 2)) {
			device.matmul(layers.getFirst().out(), layers.getFirst().x(), layers.getFirst().weight(), null);
			int alone = bands.getAndSet(0);
			assertThat(alone).as("bands of one").isGreaterThan(4);
			device.matmul(layers);
		}
		assertThat(bands.get()).as("bands of a job, and one more where an expert ends within a band")
			.isLessThanOrEqualTo(2 * 4 + experts);
	}

	private static Kernels counting(Kernels kernels, AtomicInteger bands) {
		return (Kernels) Proxy.newProxyInstance(Kernels.class.getClassLoader(), new Class<?>[] { Kernels.class },
				(proxy, method, arguments) -> {
					if (method.getName().equals("matmul")) {
						bands.incrementAndGet();
					}
					return method.getName().equals("linear") ? proxy : method.invoke(kernels, arguments);
				});
	}

	private static Device.Matmul layer(Operands operands, Linear linear, Tensor x) {
		Tensor bias = operands.random().nextBoolean() ? operands.numbers(linear.scales(), 1, linear.outputs()) : null;
		return new Device.Matmul(operands.empty(DType.F32, linear.rows(), linear.outputs()), x, linear.matrix(operands),
				bias);
	}

	private static void assertThatProductIs(Tensor out, Tensor x, Matrix matrix, @Nullable Tensor bias) {
		float[][] weights = Operands.values(matrix);
		float[][] inputs = Operands.values(x);
		for (int r = 0; r < out.rows(); r++) {
			for (int o = 0; o < out.columns(); o++) {
				double sum = (bias != null) ? Operands.get(bias, 0, o) : 0;
				double magnitude = Math.abs(sum);
				for (int i = 0; i < inputs[r].length; i++) {
					double product = (double) inputs[r][i] * weights[o][i];
					sum += product;
					magnitude += Math.abs(product);
				}
				assertThat((double) Operands.get(out, r, o)).as("row %d, output %d", r, o)
					.isCloseTo(sum, within(magnitude * 0x1p-21));
			}
		}
	}

	@Property(tries = 60)
	void looksUpRows(@ForAll("linears") Linear linear) {
		Operands operands = new Operands(linear.seed());
		Matrix table = linear.matrix(operands);
		int[] rows = operands.random().ints(linear.rows(), 0, linear.outputs()).toArray();
		Tensor out = operands.empty(DType.F32, linear.rows(), linear.inputs());
		Tensor copy = operands.empty(DType.F32, linear.rows(), linear.inputs());
		int[] reverse = new int[linear.rows()];
		for (int r = 0; r < reverse.length; r++) {
			reverse[r] = reverse.length - 1 - r;
		}
		try (Device device = device(linear.threads())) {
			device.embed(out, table, rows);
			device.gather(copy, out, reverse);
		}
		float[][] values = Operands.values(table);
		for (int r = 0; r < rows.length; r++) {
			assertThat(Operands.values(out)[r]).isEqualTo(values[rows[r]]);
			assertThat(Operands.values(copy)[r]).isEqualTo(values[rows[reverse[r]]]);
		}
	}

	@Property(tries = 60)
	void norms(@ForAll @IntRange(min = 1, max = 40) int rows, @ForAll @IntRange(min = 1, max = 300) int columns,
			@ForAll DTypeOfNumbers type, @ForAll boolean inPlace, @ForAll long seed) {
		Operands operands = new Operands(seed);
		Tensor x = operands.activations(rows, columns);
		float[][] before = Operands.values(x);
		Tensor weight = operands.numbers(type.type, 1, columns);
		Tensor out = inPlace ? x : operands.empty(DType.F32, rows, columns);
		try (Device device = device(2)) {
			device.rmsNorm(out, x, weight, 1e-5f);
		}
		for (int r = 0; r < rows; r++) {
			double squares = 0;
			for (float value : before[r]) {
				squares += (double) value * value;
			}
			double root = Math.sqrt(squares / columns + 1e-5f);
			for (int c = 0; c < columns; c++) {
				double expected = before[r][c] / root * Operands.get(weight, 0, c);
				assertThat((double) Operands.get(out, r, c)).isCloseTo(expected, within(Math.abs(expected) * 0x1p-20));
			}
		}
	}

	@Property(tries = 60)
	void rotatesPairs(@ForAll @IntRange(min = 1, max = 20) int rows, @ForAll @IntRange(min = 1, max = 4) int heads,
			@ForAll @IntRange(min = 1, max = 50) int pairs, @ForAll @IntRange(min = 0, max = 9) int rest,
			@ForAll long seed) {
		Operands operands = new Operands(seed);
		int headDim = 2 * pairs + rest;
		Tensor x = operands.activations(rows, heads * headDim);
		float[][] before = Operands.values(x);
		Tensor cos = operands.activations(rows, pairs);
		Tensor sin = operands.activations(rows, pairs);
		try (Device device = device(2)) {
			device.rope(x, headDim, cos, sin);
		}
		for (int r = 0; r < rows; r++) {
			float[] expected = before[r].clone();
			for (int h = 0; h < heads; h++) {
				for (int i = 0; i < pairs; i++) {
					float a = before[r][h * headDim + i];
					float b = before[r][h * headDim + pairs + i];
					float c = Operands.get(cos, r, i);
					float s = Operands.get(sin, r, i);
					expected[h * headDim + i] = a * c - b * s;
					expected[h * headDim + pairs + i] = b * c + a * s;
				}
			}
			assertThat(Operands.values(x)[r]).isEqualTo(expected);
		}
	}

	@Property(tries = 60)
	void gatesAndAdds(@ForAll @IntRange(min = 1, max = 20) int rows, @ForAll @IntRange(min = 1, max = 300) int columns,
			@ForAll @IntRange(min = 0, max = 2) int target, @ForAll long seed) {
		Operands operands = new Operands(seed);
		Tensor gate = operands.activations(rows, columns);
		Operands.set(gate, 0, 0, -200f);
		Tensor up = operands.activations(rows, columns);
		float[][] gates = Operands.values(gate);
		float[][] ups = Operands.values(up);
		Tensor sum = operands.activations(rows, columns);
		float[][] before = Operands.values(sum);
		Tensor out = List.of(gate, up, operands.empty(DType.F32, rows, columns)).get(target);
		try (Device device = device(2)) {
			device.elementwise().gate(out, gate, up, Activation.SILU);
			device.add(sum, out);
		}
		for (int r = 0; r < rows; r++) {
			for (int c = 0; c < columns; c++) {
				double expected = gates[r][c] / (1 + Math.exp(-gates[r][c])) * ups[r][c];
				float value = Operands.get(out, r, c);
				assertThat((double) value).isCloseTo(expected, within(Math.abs(expected) * 0x1p-21 + 1e-40));
				assertThat(Operands.get(sum, r, c)).isEqualTo(before[r][c] + value);
			}
		}
	}

	@Property(tries = 60)
	void attends(@ForAll @IntRange(min = 1, max = 3) int keyValueHeads, @ForAll @IntRange(min = 1, max = 5) int group,
			@ForAll @IntRange(min = 1, max = 70) int keyDim, @ForAll @IntRange(min = 1, max = 70) int valueDim,
			@ForAll @IntRange(min = 1, max = 3) int pageSixteens, @ForAll @IntRange(min = 0, max = 40) int window,
			@ForAll @IntRange(min = 1, max = 60) int first, @ForAll @IntRange(min = 1, max = 20) int second,
			@ForAll long seed) {
		Operands operands = new Operands(seed);
		AttentionSpec spec = new AttentionSpec(keyValueHeads * group, keyValueHeads, keyDim, valueDim, 0.3f, window);
		int pageTokens = KvPages.TOKENS * pageSixteens;
		KvPages.Layout layout = new KvPages.Layout(pageTokens, keyValueHeads, keyDim, valueDim);
		int pagesOfFirst = Math.ceilDiv(first, pageTokens);
		int[] pages = new int[pagesOfFirst];
		int[] others = new int[Math.ceilDiv(second, pageTokens)];
		for (int i = 0; i < pages.length; i++) {
			pages[i] = i;
		}
		for (int i = 0; i < others.length; i++) {
			others[i] = pages.length + i;
		}
		KvPages kv = operands.pages(pages.length + others.length, layout);
		Tensor keys = operands.activations(first + second, keyValueHeads * keyDim);
		Tensor values = operands.activations(first + second, keyValueHeads * valueDim);
		Tensor queries = operands.activations(first + second, spec.heads() * keyDim);
		Tensor out = operands.empty(DType.F32, first + second, spec.heads() * valueDim);
		RaggedBatch batch = batch(new RaggedBatch.Span(0, first, 0, pages),
				new RaggedBatch.Span(first, second, 0, others));
		try (Device device = device(2)) {
			device.storeKv(kv, 1, batch, keys, values);
			device.attention(out, queries, kv, 1, batch, spec);
		}
		for (RaggedBatch.Span span : batch.spans()) {
			for (int r = span.firstRow(); r < span.firstRow() + span.rows(); r++) {
				for (int h = 0; h < spec.heads(); h++) {
					assertThatRowAttends(out, queries, keys, values, spec, span.firstRow(), r, h);
				}
			}
		}
	}

	private static void assertThatRowAttends(Tensor out, Tensor queries, Tensor keys, Tensor values, AttentionSpec spec,
			int firstRow, int row, int head) {
		int keyValueHead = head / (spec.heads() / spec.keyValueHeads());
		int from = (spec.window() > 0) ? Math.max(firstRow, row - spec.window() + 1) : firstRow;
		double[] expected = new double[spec.valueDim()];
		double total = 0;
		for (int p = from; p <= row; p++) {
			double score = 0;
			for (int i = 0; i < spec.keyDim(); i++) {
				score += (double) Operands.get(queries, row, head * spec.keyDim() + i)
						* Operands.get(keys, p, keyValueHead * spec.keyDim() + i);
			}
			double weight = Math.exp(score * spec.scale());
			total += weight;
			for (int i = 0; i < expected.length; i++) {
				expected[i] += weight * Operands.get(values, p, keyValueHead * spec.valueDim() + i);
			}
		}
		for (int i = 0; i < expected.length; i++) {
			assertThat((double) Operands.get(out, row, head * spec.valueDim() + i)).isCloseTo(expected[i] / total,
					within(2e-5));
		}
	}

	static RaggedBatch batch(RaggedBatch.Span... spans) {
		List<Integer> positions = new ArrayList<>();
		for (RaggedBatch.Span span : spans) {
			for (int i = 0; i < span.rows(); i++) {
				positions.add(span.position() + i);
			}
		}
		return new RaggedBatch(new int[positions.size()], positions.stream().mapToInt((position) -> position).toArray(),
				List.of(spans));
	}

	private static Device device(int threads) {
		return new CpuDevice(new PortableKernels(), threads);
	}

	/** The types of norms and biases. */
	enum DTypeOfNumbers {

		F32(DType.F32), F16(DType.F16), BF16(DType.BF16);

		private final DType type;

		DTypeOfNumbers(DType type) {
			this.type = type;
		}

		DType type() {
			return this.type;
		}

	}

}
