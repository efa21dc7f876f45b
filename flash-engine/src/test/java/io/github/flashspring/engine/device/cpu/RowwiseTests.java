package io.github.flashspring.engine.device.cpu;

import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.device.AttentionSpec;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.RaggedBatch;
import io.github.flashspring.engine.device.RotarySpec;
import io.github.flashspring.engine.device.Tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

/**
 * Norms, products with columns, weighted sums, rotations and the options of attention
 * against their formulas in double precision, and the same bits from portable and vector
 * kernels.
 */
class RowwiseTests {

	@Property(tries = 60)
	void layerNorm(@ForAll @IntRange(min = 1, max = 20) int rows, @ForAll @IntRange(min = 2, max = 300) int columns,
			@ForAll CpuDeviceTests.DTypeOfNumbers type, @ForAll long seed) {
		Operands operands = new Operands(seed);
		Tensor x = operands.activations(rows, columns);
		Tensor weight = operands.numbers(type.type(), 1, columns);
		Tensor bias = operands.numbers(type.type(), 1, columns);
		Tensor out = both(operands, rows, columns,
				(device, result) -> device.layerNorm(result, x, weight, bias, 1f, 1e-5f));
		for (int r = 0; r < rows; r++) {
			double mean = 0;
			for (int c = 0; c < columns; c++) {
				mean += Operands.get(x, r, c) / (double) columns;
			}
			double variance = 0;
			for (int c = 0; c < columns; c++) {
				variance += Math.pow(Operands.get(x, r, c) - mean, 2) / columns;
			}
			for (int c = 0; c < columns; c++) {
				double expected = (Operands.get(x, r, c) - mean) / Math.sqrt(variance + 1e-5f)
						* (Operands.get(weight, 0, c) + 1) + Operands.get(bias, 0, c);
				assertThat((double) Operands.get(out, r, c)).isCloseTo(expected, within(2e-5));
			}
		}
	}

	@Property(tries = 60)
	void rmsNormOfGroupsWithAnOffset(@ForAll @IntRange(min = 1, max = 9) int rows,
			@ForAll @IntRange(min = 1, max = 4) int groups, @ForAll @IntRange(min = 1, max = 100) int columns,
			@ForAll long seed) {
		Operands operands = new Operands(seed);
		Tensor x = operands.activations(rows * groups, columns);
		Tensor weight = operands.numbers(DType.BF16, groups, columns);
		Tensor out = both(operands, rows * groups, columns,
				(device, result) -> device.rmsNorm(result, x, weight, 1f, 1e-6f));
		for (int r = 0; r < rows * groups; r++) {
			double squares = 0;
			for (int c = 0; c < columns; c++) {
				squares += Math.pow(Operands.get(x, r, c), 2) / columns;
			}
			for (int c = 0; c < columns; c++) {
				double expected = Operands.get(x, r, c) / Math.sqrt(squares + 1e-6f)
						* (Operands.get(weight, r % groups, c) + 1);
				assertThat((double) Operands.get(out, r, c)).isCloseTo(expected, within(1e-5));
			}
		}
	}

	@Property(tries = 60)
	void multipliesWithColumns(@ForAll("linears") CpuDeviceTests.Linear linear) {
		Operands operands = new Operands(linear.seed());
		Matrix matrix = linear.matrix(operands);
		Tensor x = operands.activations(linear.rows(), linear.outputs());
		Tensor whole = both(operands, linear.rows(), linear.inputs(),
				(device, result) -> device.matmulTransposed(result, x, matrix, false));
		int first = linear.outputs() / 2;
		Tensor pieces = both(operands, linear.rows(), linear.inputs(), (device, result) -> {
			device.matmulTransposed(result, x.columns(0, first), matrix.rows(0, first), false);
			device.matmulTransposed(result, x.columns(first, linear.outputs() - first),
					matrix.rows(first, linear.outputs() - first), true);
		});
		KernelsAgreeTests.assertThatBitsAreEqual(pieces, whole);
		float[][] weights = Operands.values(matrix);
		for (int r = 0; r < linear.rows(); r++) {
			for (int i = 0; i < linear.inputs(); i++) {
				double sum = 0;
				double magnitude = 0;
				for (int o = 0; o < linear.outputs(); o++) {
					double product = (double) Operands.get(x, r, o) * weights[o][i];
					sum += product;
					magnitude += Math.abs(product);
				}
				assertThat((double) Operands.get(whole, r, i)).isCloseTo(sum, within(magnitude * 1e-6 + 1e-30));
			}
		}
	}

	@Provide
	static Arbitrary<CpuDeviceTests.Linear> linears() {
		return CpuDeviceTests.linears();
	}

	@Property(tries = 40)
	void combinesAndScattersRows(@ForAll @IntRange(min = 1, max = 9) int rows,
			@ForAll @IntRange(min = 1, max = 5) int each, @ForAll @IntRange(min = 1, max = 70) int columns,
			@ForAll long seed) {
		Operands operands = new Operands(seed);
		Tensor x = operands.activations(rows * each, columns);
		float[] weights = new float[rows * each];
		int[] reverse = new int[rows * each];
		for (int i = 0; i < weights.length; i++) {
			weights[i] = (float) operands.random().nextGaussian();
			reverse[i] = weights.length - 1 - i;
		}
		Tensor scattered = operands.empty(DType.F32, rows * each, columns);
		Tensor out = both(operands, rows, columns, (device, result) -> {
			device.scatter(scattered, x, reverse);
			device.combine(result, scattered, weights);
		});
		for (int r = 0; r < rows; r++) {
			for (int c = 0; c < columns; c++) {
				float expected = 0;
				for (int k = 0; k < each; k++) {
					expected = Math.fma(weights[r * each + k], Operands.get(x, weights.length - 1 - (r * each + k), c),
							expected);
				}
				assertThat(Operands.get(out, r, c)).isEqualTo(expected);
			}
		}
	}

	@Property(tries = 40)
	void rotatesNeighbourPairsInsideHeads(@ForAll @IntRange(min = 1, max = 9) int rows,
			@ForAll @IntRange(min = 1, max = 3) int heads, @ForAll @IntRange(min = 1, max = 20) int pairs,
			@ForAll @IntRange(min = 0, max = 9) int offset, @ForAll boolean interleaved, @ForAll long seed) {
		Operands operands = new Operands(seed);
		int headDim = offset + 2 * pairs + 1;
		Tensor x = operands.activations(rows, heads * headDim);
		float[][] before = Operands.values(x);
		Tensor cos = operands.activations(rows, pairs);
		Tensor sin = operands.activations(rows, pairs);
		try (Device device = new CpuDevice(new VectorKernels(), 2)) {
			device.rope(x, new RotarySpec(headDim, offset, interleaved), cos, sin);
			assertThatIllegalArgumentException()
				.isThrownBy(() -> device.rope(x, new RotarySpec(headDim, offset + 2, interleaved), cos, sin))
				.withMessageContaining("Cannot turn");
		}
		for (int r = 0; r < rows; r++) {
			float[] expected = before[r].clone();
			for (int h = 0; h < heads; h++) {
				for (int i = 0; i < pairs; i++) {
					int first = h * headDim + offset + (interleaved ? 2 * i : i);
					int second = interleaved ? first + 1 : first + pairs;
					float c = Operands.get(cos, r, i);
					float s = Operands.get(sin, r, i);
					expected[first] = before[r][first] * c - before[r][second] * s;
					expected[second] = before[r][second] * c + before[r][first] * s;
				}
			}
			assertThat(Operands.values(x)[r]).isEqualTo(expected);
		}
	}

	@Property(tries = 60)
	void attendsWithCapSinksAndValuesInsideOfKeys(@ForAll @IntRange(min = 1, max = 3) int keyValueHeads,
			@ForAll @IntRange(min = 1, max = 19) int group, @ForAll @IntRange(min = 1, max = 70) int keyDim,
			@ForAll @IntRange(min = 1, max = 40) int tokens, @ForAll boolean capped, @ForAll boolean sunk,
			@ForAll boolean inside, @ForAll long seed) {
		Operands operands = new Operands(seed);
		int valueDim = 1 + operands.random().nextInt(keyDim);
		AttentionSpec spec = new AttentionSpec(keyValueHeads * group, keyValueHeads, keyDim, valueDim, 0.6f, 0,
				capped ? 1.5f : 0f);
		KvPages kv = operands.pages(6, new KvPages.Layout(16, keyValueHeads, keyDim, inside ? 0 : valueDim));
		RaggedBatch batch = CpuDeviceTests.batch(new RaggedBatch.Span(0, tokens, 0, new int[] { 3, 1, 5, 0, 2, 4 }));
		Tensor keys = operands.activations(tokens, keyValueHeads * keyDim);
		Tensor values = operands.activations(tokens, keyValueHeads * valueDim);
		Tensor queries = operands.activations(tokens, spec.heads() * keyDim);
		Tensor sinks = sunk ? operands.numbers(DType.BF16, 1, spec.heads()) : null;
		Tensor out = both(operands, tokens, spec.heads() * valueDim, (device, result) -> {
			device.storeKv(kv, 0, batch, keys, inside ? null : values);
			device.attention(result, queries, kv, 0, batch, spec, sinks);
		});
		for (int r = 0; r < tokens; r++) {
			for (int h = 0; h < spec.heads(); h++) {
				double total = (sinks != null) ? Math.exp(Operands.get(sinks, 0, h)) : 0;
				double[] expected = new double[valueDim];
				for (int p = 0; p <= r; p++) {
					double score = 0;
					for (int i = 0; i < keyDim; i++) {
						score += (double) Operands.get(queries, r, h * keyDim + i)
								* Operands.get(keys, p, h / group * keyDim + i);
					}
					score *= spec.scale();
					double weight = Math.exp(capped ? 1.5 * Math.tanh(score / 1.5) : score);
					total += weight;
					for (int i = 0; i < valueDim; i++) {
						expected[i] += weight * (inside ? Operands.get(keys, p, h / group * keyDim + i)
								: Operands.get(values, p, h / group * valueDim + i));
					}
				}
				for (int i = 0; i < valueDim; i++) {
					assertThat((double) Operands.get(out, r, h * valueDim + i)).isCloseTo(expected[i] / total,
							within(3e-5));
				}
			}
		}
	}

	private static Tensor both(Operands operands, int rows, int columns, Operation operation) {
		Tensor portable = operands.empty(DType.F32, rows, columns);
		Tensor vector = operands.empty(DType.F32, rows, columns);
		try (Device first = new CpuDevice(new PortableKernels(), 1);
				Device second = new CpuDevice(new VectorKernels(), 2)) {
			operation.run(first, portable);
			operation.run(second, vector);
		}
		KernelsAgreeTests.assertThatBitsAreEqual(vector, portable);
		return vector;
	}

	@Test
	void refusesValuesThatTheCacheDoesNotHold() {
		Operands operands = new Operands(5);
		KvPages kv = operands.pages(1, new KvPages.Layout(16, 1, 4, 0));
		RaggedBatch batch = CpuDeviceTests.batch(new RaggedBatch.Span(0, 1, 0, new int[] { 0 }));
		try (Device device = new CpuDevice(new PortableKernels(), 1)) {
			assertThatIllegalArgumentException()
				.isThrownBy(() -> device.storeKv(kv, 0, batch, operands.activations(1, 4), operands.activations(1, 4)));
			assertThatIllegalArgumentException().isThrownBy(() -> device.attention(operands.activations(1, 8),
					operands.activations(1, 4), kv, 0, batch, new AttentionSpec(1, 1, 4, 8, 1f, 0)));
		}
	}

	/** An operation with one result. */
	private interface Operation {

		void run(Device device, Tensor out);

	}

}
