package io.github.flashspring.engine.device;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.device.DeviceOperands.Values;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/**
 * What every {@link Device} keeps: norms, rotations, activations, attention and state
 * spaces, against their formulas in double precision, and the same bits for a row alone
 * and among others.
 */
@SuppressWarnings("NullAway.Init") // each test opens its device
public abstract class DeviceLayerContract {

	private Device device;

	private DeviceOperands operands;

	/**
	 * Opens the device.
	 * @return a device that the test closes
	 */
	protected abstract Device open();

	@BeforeEach
	void openDevice() {
		this.device = open();
		this.operands = new DeviceOperands(this.device, 11);
	}

	@AfterEach
	void closeDevice() {
		this.operands.close();
		this.device.close();
	}

	@ParameterizedTest
	@CsvSource({ "1, 1", "3, 17", "7, 300" })
	void normsInPlaceAndElsewhere(int rows, int columns) {
		Values x = this.operands.activations(rows, columns);
		Values weight = this.operands.numbers(DType.BF16, 1, columns);
		Values bias = this.operands.numbers(DType.F16, 1, columns);
		Tensor rms = this.operands.empty(rows, columns);
		Tensor layer = this.operands.empty(rows, columns);
		Tensor alone = this.operands.empty(1, columns);
		this.device.rmsNorm(rms, x.tensor, weight.tensor, 1f, 1e-5f);
		this.device.layerNorm(layer, x.tensor, weight.tensor, bias.tensor, 1f, 1e-5f);
		this.device.rmsNorm(alone, x.row(rows - 1), weight.tensor, 1f, 1e-5f);
		float[][] rmsFound = this.operands.read(rms);
		float[][] layerFound = this.operands.read(layer);
		assertThat(this.operands.read(alone)[0]).isEqualTo(rmsFound[rows - 1]);
		for (int r = 0; r < rows; r++) {
			double squares = 0;
			double mean = 0;
			for (float value : x.values[r]) {
				squares += (double) value * value / columns;
				mean += (double) value / columns;
			}
			double variance = 0;
			for (float value : x.values[r]) {
				variance += Math.pow(value - mean, 2) / columns;
			}
			for (int c = 0; c < columns; c++) {
				double factor = weight.values[0][c] + 1.0;
				assertThat((double) rmsFound[r][c]).isCloseTo(x.values[r][c] / Math.sqrt(squares + 1e-5f) * factor,
						within(1e-5));
				assertThat((double) layerFound[r][c]).isCloseTo(
						(x.values[r][c] - mean) / Math.sqrt(variance + 1e-5f) * factor + bias.values[0][c],
						within(2e-5));
			}
		}
		this.device.copy(layer, x.tensor);
		this.device.rmsNorm(layer, layer, weight.tensor, 1f, 1e-5f);
		assertThat(this.operands.read(layer)).isDeepEqualTo(rmsFound);
	}

	@ParameterizedTest
	@CsvSource({ "8, 0, false, 4", "11, 0, false, 4", "10, 2, true, 3", "70, 0, false, 35" })
	void rotatesPairs(int headDim, int offset, boolean interleaved, int pairs) {
		Values x = this.operands.activations(5, 3 * headDim);
		Values cos = this.operands.activations(5, pairs);
		Values sin = this.operands.activations(5, pairs);
		Tensor out = this.operands.empty(5, 3 * headDim);
		this.device.copy(out, x.tensor);
		this.device.rope(out, new RotarySpec(headDim, offset, interleaved), cos.tensor, sin.tensor);
		float[][] found = this.operands.read(out);
		for (int r = 0; r < 5; r++) {
			float[] expected = x.values[r].clone();
			for (int h = 0; h < 3; h++) {
				for (int i = 0; i < pairs; i++) {
					int first = h * headDim + offset + (interleaved ? 2 * i : i);
					int second = first + (interleaved ? 1 : pairs);
					float a = x.values[r][first];
					float b = x.values[r][second];
					expected[first] = a * cos.values[r][i] - b * sin.values[r][i];
					expected[second] = b * cos.values[r][i] + a * sin.values[r][i];
				}
			}
			for (int c = 0; c < expected.length; c++) {
				assertThat(found[r][c]).isCloseTo(expected[c], within(1e-6f * (1 + Math.abs(expected[c]))));
			}
		}
	}

	@ParameterizedTest
	@EnumSource
	void activatesAndGates(Activation activation) {
		Values gate = this.operands.activations(3, 75);
		Values up = this.operands.activations(3, 75);
		Tensor activated = this.operands.empty(3, 75);
		Tensor gated = this.operands.empty(3, 75);
		Tensor overUp = this.operands.empty(3, 75);
		Tensor alone = this.operands.empty(1, 75);
		this.device.elementwise().activate(activated, gate.tensor, activation);
		this.device.elementwise().gate(gated, gate.tensor, up.tensor, activation);
		this.device.elementwise().gate(alone, gate.row(2), up.row(2), activation);
		this.device.copy(overUp, up.tensor);
		this.device.elementwise().gate(overUp, gate.tensor, overUp, activation);
		float[][] found = this.operands.read(gated);
		assertThat(this.operands.read(overUp)).isDeepEqualTo(found);
		assertThat(this.operands.read(alone)[0]).isEqualTo(found[2]);
		float[][] activations = this.operands.read(activated);
		for (int r = 0; r < 3; r++) {
			for (int c = 0; c < 75; c++) {
				double expected = formula(activation, gate.values[r][c]);
				assertThat((double) activations[r][c]).isCloseTo(expected, within(2e-5 * Math.abs(expected) + 1e-6));
				expected *= up.values[r][c];
				assertThat((double) found[r][c]).isCloseTo(expected, within(2e-5 * Math.abs(expected) + 1e-6));
			}
		}
	}

	private static double formula(Activation activation, double x) {
		return switch (activation) {
			case SILU -> x / (1 + Math.exp(-x));
			case GELU -> x * normal(x);
			case GELU_TANH -> x / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
			case QUICK_GELU -> x / (1 + Math.exp(-1.702 * x));
			case RELU -> Math.max(x, 0);
			case SQUARED_RELU -> Math.max(x, 0) * Math.max(x, 0);
		};
	}

	/** The distribution function of the normal distribution, by its series. */
	private static double normal(double x) {
		double term = x;
		double sum = x;
		for (int n = 1; n < 100; n++) {
			term *= x * x / (2 * n + 1);
			sum += term;
		}
		return 0.5 + sum * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
	}

	@Test
	void scalesCapsAddsAndSplits() {
		Values x = this.operands.activations(4, 26);
		Values y = this.operands.activations(4, 26);
		Tensor sum = this.operands.empty(4, 26);
		Tensor capped = this.operands.empty(4, 26);
		Tensor clamped = this.operands.empty(4, 26);
		Tensor even = this.operands.empty(4, 13);
		Tensor odd = this.operands.empty(4, 13);
		this.device.copy(sum, x.tensor);
		this.device.add(sum, y.tensor);
		this.device.elementwise().scale(sum, 0.5f);
		this.device.elementwise().addScaled(sum, x.tensor, 3f);
		this.device.copy(capped, x.tensor);
		this.device.elementwise().softcap(capped, 0.7f);
		this.device.elementwise().clampedSwiGlu(clamped, x.tensor, y.tensor, 1.702f, 0.9f);
		this.device.elementwise().split(even, odd, x.tensor);
		float[][] sums = this.operands.read(sum);
		float[][] caps = this.operands.read(capped);
		float[][] clamps = this.operands.read(clamped);
		float[][] evens = this.operands.read(even);
		float[][] odds = this.operands.read(odd);
		for (int r = 0; r < 4; r++) {
			for (int c = 0; c < 26; c++) {
				float a = x.values[r][c];
				float b = y.values[r][c];
				assertThat(sums[r][c]).isEqualTo((a + b) * 0.5f + a * 3f);
				assertThat((double) caps[r][c]).isCloseTo(0.7f * Math.tanh(a / 0.7f), within(1e-6));
				double gate = Math.min(a, 0.9f);
				assertThat((double) clamps[r][c])
					.isCloseTo(gate / (1 + Math.exp(-1.702f * gate)) * (Math.clamp(b, -0.9f, 0.9f) + 1), within(1e-5));
				assertThat((c % 2 == 0) ? evens[r][c / 2] : odds[r][c / 2]).isEqualTo(a);
			}
		}
	}

	@ParameterizedTest
	@CsvSource({ "1, 1, 16, 16, 0, 0, false, F32", "2, 3, 21, 40, 0, 0, true, F32", "1, 4, 64, 64, 9, 2.5, false, F32",
			"1, 5, 40, 0, 0, 0, true, F32", "2, 3, 21, 40, 0, 0, true, F16", "1, 4, 64, 64, 9, 2.5, false, F16",
			"1, 5, 40, 0, 0, 0, true, F16", "2, 3, 21, 80, 0, 0, true, Q8", "1, 4, 64, 64, 0, 2.5, false, Q8",
			"1, 5, 72, 0, 0, 0, true, Q8" })
	void attendsInTheSameBitsHoweverPromptsAreCut(int keyValueHeads, int group, int keyDim, int storedValueDim,
			int window, float softcap, boolean sinks, KvPages.Format format) {
		int tokens = 75;
		int valueDim = (storedValueDim > 0) ? storedValueDim : keyDim - 8;
		KvPages.Layout layout = new KvPages.Layout(2 * KvPages.TOKENS, keyValueHeads, keyDim, storedValueDim,
				(storedValueDim > 0) ? 0 : 8, format);
		KvPages kv = this.operands.pages(6, layout);
		AttentionSpec spec = new AttentionSpec(keyValueHeads * group, keyValueHeads, keyDim, valueDim, 0.3f, window,
				softcap);
		Values keys = this.operands.activations(tokens, keyValueHeads * keyDim);
		Values values = (storedValueDim > 0) ? this.operands.activations(tokens, keyValueHeads * valueDim) : null;
		Values queries = this.operands.activations(tokens, spec.heads() * keyDim);
		Values sink = sinks ? this.operands.numbers(DType.BF16, 1, spec.heads()) : null;
		Tensor whole = this.operands.empty(tokens, spec.heads() * valueDim);
		Tensor parts = this.operands.empty(tokens, spec.heads() * valueDim);
		attend(kv, new int[] { 4, 0, 2 }, tokens, spec, keys, values, queries, sink, whole);
		attend(kv, new int[] { 1, 5, 3 }, 7, spec, keys, values, queries, sink, parts);
		float[][] found = this.operands.read(whole);
		assertThat(this.operands.read(parts)).isDeepEqualTo(found);
		Stored old = Stored.of(keys, values, layout);
		Stored recent = Stored.of(keys, values, layout.in((format == KvPages.Format.Q8) ? KvPages.Format.F16 : format));
		for (int r = 0; r < tokens; r += 37) {
			for (int h = 0; h < spec.heads(); h++) {
				requireAttention(found[r], r, h, spec, old, recent, queries, sink);
			}
		}
	}

	private void attend(KvPages kv, int[] pages, int chunk, AttentionSpec spec, Values keys, @Nullable Values values,
			Values queries, @Nullable Values sink, Tensor out) {
		for (int from = 0; from < out.rows(); from += chunk) {
			int count = Math.min(chunk, out.rows() - from);
			int[] positions = IntStream.range(from, from + count).toArray();
			int[] own = pages.clone();
			int[] recent = Arrays.stream(pages).map((page) -> page + 6).toArray();
			RaggedBatch batch = new RaggedBatch(new int[count], positions,
					List.of(new RaggedBatch.Span(0, count, from, new int[][] { own, recent }, null)));
			this.device.storeKv(kv, 1, batch, keys.tensor.rows(from, count),
					(values != null) ? values.tensor.rows(from, count) : null);
			this.device.attention(out.rows(from, count), queries.tensor.rows(from, count), kv, 1, batch, spec,
					(sink != null) ? sink.tensor : null);
			own[0] = 99; // the caller's array is his own again
			recent[0] = 99;
		}
	}

	/**
	 * @param old read before the tile of the row, {@code recent} from there on
	 */
	private static void requireAttention(float[] found, int row, int head, AttentionSpec spec, Stored old,
			Stored recent, Values queries, @Nullable Values sink) {
		int keyValueHead = head / (spec.heads() / spec.keyValueHeads());
		int from = (spec.window() > 0) ? Math.max(0, row - spec.window() + 1) : 0;
		double[] expected = new double[spec.valueDim()];
		double total = (sink != null) ? Math.exp(sink.values[0][head]) : 0;
		for (int p = from; p <= row; p++) {
			Stored stored = (p < row / KvPages.TILE * KvPages.TILE) ? old : recent;
			double score = 0;
			for (int i = 0; i < spec.keyDim(); i++) {
				score += (double) queries.values[row][head * spec.keyDim() + i]
						* stored.keys()[p][keyValueHead * spec.keyDim() + i];
			}
			score *= spec.scale();
			score = (spec.softcap() > 0) ? spec.softcap() * Math.tanh(score / spec.softcap()) : score;
			double weight = Math.exp(score);
			total += weight;
			for (int i = 0; i < expected.length; i++) {
				float[][] values = stored.values();
				expected[i] += weight * ((values != null) ? values[p][keyValueHead * spec.valueDim() + i]
						: stored.keys()[p][keyValueHead * spec.keyDim() + i]);
			}
		}
		for (int i = 0; i < expected.length; i++) {
			assertThat((double) found[head * spec.valueDim() + i]).isCloseTo(expected[i] / total, within(2e-5));
		}
	}

	@ParameterizedTest
	@CsvSource({ "1, 1, 1", "9, 40, 4", "20, 7, 3" })
	void convolvesInTheSameBitsHoweverSequencesAreCut(int rows, int columns, int taps) {
		Values x = this.operands.activations(rows, columns);
		Values weight = this.operands.numbers(DType.BF16, columns, taps);
		Values bias = this.operands.numbers(DType.F32, 1, columns);
		Tensor whole = this.operands.empty(rows, columns);
		Tensor parts = this.operands.empty(rows, columns);
		convolve(whole, x, weight, bias, rows);
		convolve(parts, x, weight, bias, 2);
		float[][] found = this.operands.read(whole);
		assertThat(this.operands.read(parts)).isDeepEqualTo(found);
		for (int r = 0; r < rows; r++) {
			for (int c = 0; c < columns; c++) {
				double sum = bias.values[0][c];
				for (int k = 0; k < taps; k++) {
					int time = r - taps + 1 + k;
					sum += (time < 0) ? 0 : (double) weight.values[c][k] * x.values[time][c];
				}
				assertThat((double) found[r][c]).isCloseTo(sum / (1 + Math.exp(-sum)), within(1e-5));
			}
		}
	}

	private void convolve(Tensor out, Values x, Values weight, Values bias, int chunk) {
		Tensor state = this.operands.empty(weight.tensor.columns() - 1, out.columns());
		for (int from = 0; from < out.rows(); from += chunk) {
			int count = Math.min(chunk, out.rows() - from);
			this.device.stateSpace()
				.convolution(out.rows(from, count), x.tensor.rows(from, count), weight.tensor, bias.tensor, state,
						from == 0, Activation.SILU);
		}
	}

	@ParameterizedTest
	@CsvSource({ "1, 1, 1, 1, 1", "11, 2, 3, 5, 17" })
	void scansInTheSameBitsHoweverSequencesAreCut(int rows, int groups, int each, int headDim, int stateSize) {
		int heads = groups * each;
		Values x = this.operands.activations(rows, heads * headDim);
		Values b = this.operands.activations(rows, groups * stateSize);
		Values c = this.operands.activations(rows, groups * stateSize);
		Values dt = this.operands.activations(rows, heads);
		Values aLog = this.operands.numbers(DType.BF16, 1, heads);
		Values d = this.operands.numbers(DType.F32, 1, heads);
		Values dtBias = this.operands.numbers(DType.F16, 1, heads);
		StateSpace.ScanParameters parameters = new StateSpace.ScanParameters(aLog.tensor, d.tensor, dtBias.tensor, 0.2f,
				1.5f);
		StateSpace.ScanInput in = new StateSpace.ScanInput(x.tensor, b.tensor, c.tensor, dt.tensor);
		Tensor whole = this.operands.empty(rows, heads * headDim);
		Tensor parts = this.operands.empty(rows, heads * headDim);
		scan(whole, in, parameters, stateSize, rows);
		scan(parts, in, parameters, stateSize, 3);
		float[][] found = this.operands.read(whole);
		assertThat(this.operands.read(parts)).isDeepEqualTo(found);
		for (int head = 0; head < heads; head++) {
			double[][] state = new double[headDim][stateSize];
			for (int r = 0; r < rows; r++) {
				double step = Math.clamp(Math.log1p(Math.exp(dt.values[r][head] + dtBias.values[0][head])), 0.2, 1.5);
				double decay = Math.exp(-step * Math.exp(aLog.values[0][head]));
				for (int p = 0; p < headDim; p++) {
					double value = x.values[r][head * headDim + p];
					double sum = d.values[0][head] * value;
					for (int s = 0; s < stateSize; s++) {
						int column = head / each * stateSize + s;
						state[p][s] = state[p][s] * decay + step * value * b.values[r][column];
						sum += state[p][s] * c.values[r][column];
					}
					assertThat((double) found[r][head * headDim + p]).isCloseTo(sum, within(1e-4));
				}
			}
		}
	}

	private void scan(Tensor out, StateSpace.ScanInput in, StateSpace.ScanParameters parameters, int stateSize,
			int chunk) {
		Tensor state = this.operands.empty(out.columns(), stateSize);
		for (int from = 0; from < out.rows(); from += chunk) {
			int count = Math.min(chunk, out.rows() - from);
			StateSpace.ScanInput part = new StateSpace.ScanInput(in.x().rows(from, count), in.b().rows(from, count),
					in.c().rows(from, count), in.dt().rows(from, count));
			this.device.stateSpace().selectiveScan(out.rows(from, count), part, parameters, state, from == 0);
		}
	}

	/**
	 * Keys and values as a format keeps them.
	 *
	 * @param keys [tokens, heads · keyDim]
	 * @param values [tokens, heads · valueDim], or null if keys are values
	 */
	@SuppressWarnings("ArrayRecordComponent") // Made for one test.
	private record Stored(float[][] keys, float @Nullable [][] values) {

		static Stored of(Values keys, @Nullable Values values, KvPages.Layout layout) {
			return new Stored(
					DeviceOperands.kept(keys.values, layout.keyValueHeads(), layout.keyBounds(), layout.format()),
					(values != null) ? DeviceOperands.kept(values.values, layout.keyValueHeads(), layout.valueBounds(),
							layout.format()) : null);
		}

	}

}
