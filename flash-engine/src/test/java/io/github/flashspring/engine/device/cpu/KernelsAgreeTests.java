package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.ValueLayout;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.device.AttentionSpec;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.RaggedBatch;
import io.github.flashspring.engine.device.Tensor;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Portable and vector kernels give the same bits, whatever the shape, the number of
 * threads and the rows beside a row.
 */
class KernelsAgreeTests {

	@Property(tries = 300)
	void onProducts(@ForAll("linears") CpuDeviceTests.Linear linear) {
		Operands operands = new Operands(linear.seed());
		Matrix matrix = linear.matrix(operands);
		Tensor x = operands.activations(linear.rows(), linear.inputs());
		Tensor bias = operands.random().nextBoolean() ? operands.numbers(linear.scales(), 1, linear.outputs()) : null;
		Tensor expected = operands.empty(DType.F32, linear.rows(), linear.outputs());
		Tensor together = operands.empty(DType.F32, linear.rows(), linear.outputs());
		Tensor alone = operands.empty(DType.F32, linear.rows(), linear.outputs());
		try (Device portable = portable(1); Device vector = vector(linear.threads())) {
			portable.matmul(expected, x, matrix, bias);
			vector.matmul(together, x, matrix, bias);
			for (int r = 0; r < linear.rows(); r++) {
				vector.matmul(alone.rows(r, 1), x.rows(r, 1), matrix, bias);
			}
		}
		assertThatBitsAreEqual(together, expected);
		assertThatBitsAreEqual(alone, expected);
	}

	@Property(tries = 40)
	void onWidthsThatEndInAnyPartOfABlock(@ForAll("formats") Format format,
			@ForAll @IntRange(min = 1, max = 40) int groups, @ForAll @IntRange(min = 1, max = 6) int rows,
			@ForAll long seed) {
		onProducts(new CpuDeviceTests.Linear(format, 32, DType.F16, rows, 32 * groups, 21, 2, seed));
	}

	@Property(tries = 16)
	void onDamagedWeights(@ForAll @IntRange(min = 0, max = 1) int sign,
			@ForAll @IntRange(min = 0, max = 299) int column, @ForAll @IntRange(min = 1, max = 5) int rows) {
		Operands operands = new Operands(column);
		Matrix.Dense matrix = operands.dense(DType.F16, 3, 300);
		Operands.set(matrix.values(), 1, column, (sign == 0) ? Float.POSITIVE_INFINITY : Float.NaN);
		Tensor x = operands.activations(rows, 300);
		for (Device device : new Device[] { portable(1), vector(2) }) {
			Tensor out = operands.empty(DType.F32, rows, 3);
			device.matmul(out, x, matrix, null);
			device.close();
			for (float[] row : Operands.values(out)) {
				assertThat(row[0]).isFinite();
				assertThat(row[1]).isNaN();
				assertThat(row[2]).isFinite();
			}
		}
	}

	@Provide
	static Arbitrary<Format> formats() {
		return Arbitraries.of(Formats.ALL);
	}

	@Provide
	static Arbitrary<CpuDeviceTests.Linear> linears() {
		return CpuDeviceTests.linears();
	}

	@Property(tries = 20)
	void onWideProducts(@ForAll("formats") Format format, @ForAll @IntRange(min = 1, max = 9) int rows,
			@ForAll long seed) {
		CpuDeviceTests.Linear linear = new CpuDeviceTests.Linear(format, 64, DType.BF16, rows, 3 * 1024 + 192, 35, 2,
				seed);
		onProducts(linear);
	}

	@Property(tries = 60)
	void onEmbeddings(@ForAll("linears") CpuDeviceTests.Linear linear) {
		Operands operands = new Operands(linear.seed());
		Matrix table = linear.matrix(operands);
		int[] rows = operands.random().ints(linear.rows(), 0, linear.outputs()).toArray();
		Tensor expected = operands.empty(DType.F32, linear.rows(), linear.inputs());
		Tensor out = operands.empty(DType.F32, linear.rows(), linear.inputs());
		try (Device portable = portable(1); Device vector = vector(linear.threads())) {
			portable.embed(expected, table, rows);
			vector.embed(out, table, rows);
		}
		assertThatBitsAreEqual(out, expected);
	}

	@Property(tries = 100)
	void onRows(@ForAll @IntRange(min = 1, max = 40) int rows, @ForAll @IntRange(min = 1, max = 120) int pairs,
			@ForAll @IntRange(min = 1, max = 3) int heads, @ForAll CpuDeviceTests.DTypeOfNumbers type,
			@ForAll @IntRange(min = 1, max = 3) int threads, @ForAll long seed) {
		Operands operands = new Operands(seed);
		int columns = heads * (2 * pairs + 3);
		Tensor x = operands.activations(rows, columns);
		Tensor y = operands.activations(rows, columns);
		Tensor weight = operands.numbers(type.type(), 1, columns);
		Tensor cos = operands.activations(rows, pairs);
		Tensor sin = operands.activations(rows, pairs);
		Tensor expected = operands.empty(DType.F32, rows, columns);
		Tensor out = operands.empty(DType.F32, rows, columns);
		try (Device portable = portable(1); Device vector = vector(threads)) {
			row(portable, expected, x, y, weight, columns / heads, cos, sin);
			row(vector, out, x, y, weight, columns / heads, cos, sin);
		}
		assertThatBitsAreEqual(out, expected);
	}

	private static void row(Device device, Tensor out, Tensor x, Tensor y, Tensor weight, int headDim, Tensor cos,
			Tensor sin) {
		device.rmsNorm(out, x, weight, 1e-6f);
		device.rope(out, headDim, cos, sin);
		device.elementwise().gate(out, out, y, Activation.SILU);
		device.add(out, x);
	}

	@Property(tries = 150)
	void onAttention(@ForAll @IntRange(min = 1, max = 3) int keyValueHeads,
			@ForAll @IntRange(min = 1, max = 5) int group, @ForAll @IntRange(min = 1, max = 90) int keyDim,
			@ForAll @IntRange(min = 1, max = 90) int valueDim, @ForAll @IntRange(min = 1, max = 5) int pageSixteens,
			@ForAll @IntRange(min = 0, max = 60) int window, @ForAll @IntRange(min = 1, max = 120) int tokens,
			@ForAll @IntRange(min = 1, max = 30) int chunk, @ForAll long seed) {
		Operands operands = new Operands(seed);
		AttentionSpec spec = new AttentionSpec(keyValueHeads * group, keyValueHeads, keyDim, valueDim, 0.7f, window);
		int pageTokens = KvPages.TOKENS * pageSixteens;
		KvPages.Layout layout = new KvPages.Layout(pageTokens, keyValueHeads, keyDim, valueDim);
		int[] pages = new int[Math.ceilDiv(tokens, pageTokens)];
		for (int i = 0; i < pages.length; i++) {
			pages[i] = (i + 1) % pages.length;
		}
		KvPages kv = operands.pages(pages.length, layout);
		Tensor keys = operands.activations(tokens, keyValueHeads * keyDim);
		Tensor values = operands.activations(tokens, keyValueHeads * valueDim);
		Tensor queries = operands.activations(tokens, spec.heads() * keyDim);
		Tensor expected = operands.empty(DType.F32, tokens, spec.heads() * valueDim);
		Tensor out = operands.empty(DType.F32, tokens, spec.heads() * valueDim);
		try (Device portable = portable(1); Device vector = vector(2)) {
			RaggedBatch whole = CpuDeviceTests.batch(new RaggedBatch.Span(0, tokens, 0, pages));
			portable.storeKv(kv, 0, whole, keys, values);
			portable.attention(expected, queries, kv, 0, whole, spec);
			for (int from = 0; from < tokens; from += chunk) {
				int rows = Math.min(chunk, tokens - from);
				RaggedBatch part = CpuDeviceTests.batch(new RaggedBatch.Span(0, rows, from, pages));
				vector.storeKv(kv, 0, part, keys.rows(from, rows), values.rows(from, rows));
				vector.attention(out.rows(from, rows), queries.rows(from, rows), kv, 0, part, spec);
			}
		}
		assertThatBitsAreEqual(out, expected);
	}

	@Property(tries = 20)
	void onHalfPrecisionOfAllBits(@ForAll @IntRange(min = 0, max = 31) int exponent) {
		Operands operands = new Operands(exponent);
		Tensor table = operands.empty(DType.F16, 2, 1024);
		for (int i = 0; i < 2048; i++) {
			int bits = (i / 1024) << 15 | exponent << 10 | i % 1024;
			boolean notANumber = exponent == 31 && i % 1024 > 0;
			Operands.memory(table)
				.set(ValueLayout.JAVA_SHORT_UNALIGNED,
						table.byteOffset() + 2L * (i / 1024 * table.rowStride() + i % 1024),
						(short) (notANumber ? 0 : bits));
		}
		Tensor out = operands.empty(DType.F32, 2, 1024);
		try (Device vector = vector(1)) {
			vector.embed(out, new Matrix.Dense(table), new int[] { 0, 1 });
		}
		assertThat(Operands.values(out)).isDeepEqualTo(Operands.values(table));
	}

	static void assertThatBitsAreEqual(Tensor actual, Tensor expected) {
		assertThat(bits(actual)).isDeepEqualTo(bits(expected));
	}

	private static int[][] bits(Tensor tensor) {
		float[][] values = Operands.values(tensor);
		int[][] bits = new int[values.length][];
		for (int r = 0; r < values.length; r++) {
			bits[r] = new int[values[r].length];
			for (int c = 0; c < bits[r].length; c++) {
				bits[r][c] = Float.floatToRawIntBits(values[r][c]);
			}
		}
		return bits;
	}

	private static Device portable(int threads) {
		return new CpuDevice(new PortableKernels(), threads);
	}

	private static Device vector(int threads) {
		return new CpuDevice(new VectorKernels(), threads);
	}

}
