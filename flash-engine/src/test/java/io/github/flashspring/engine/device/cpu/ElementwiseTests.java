package io.github.flashspring.engine.device.cpu;

import java.util.function.DoubleBinaryOperator;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Elementwise;
import io.github.flashspring.engine.device.Tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

/**
 * Activations and scaling against their formulas in double precision, and the same bits
 * from portable and vector kernels.
 */
class ElementwiseTests {

	private static final float[] SPECIAL = { 0f, 1e-30f, -1e-30f, 0.62499994f, 0.625f, -0.625f, 6.99f, 7f, 7.01f,
			-7.01f, 30f, -30f, 100f, -100f, 1e9f, -1e9f };

	@Property(tries = 120)
	void gates(@ForAll @IntRange(min = 1, max = 9) int rows, @ForAll @IntRange(min = 1, max = 600) int columns,
			@ForAll Activation activation, @ForAll long seed) {
		check(rows, columns, seed, (device, out, x, up) -> device.gate(out, x, up, activation),
				(x, up) -> formula(activation, x) * up, tolerance(activation));
	}

	@Property(tries = 120)
	void activates(@ForAll @IntRange(min = 1, max = 9) int rows, @ForAll @IntRange(min = 1, max = 600) int columns,
			@ForAll Activation activation, @ForAll long seed) {
		check(rows, columns, seed, (device, out, x, up) -> {
			device.activate(out, x, activation);
			device.addScaled(out, up, 0.22f);
		}, (x, up) -> (float) formula(activation, x) + (float) (up * 0.22f), 2 * tolerance(activation), 4e-6);
	}

	/** Activations as transformers writes them, but with functions that do not cancel. */
	static double formula(Activation activation, double x) {
		return switch (activation) {
			case SILU -> x / (1 + Math.exp(-x));
			case GELU -> x / 2 * complementOfError(-x / Math.sqrt(2));
			case GELU_TANH -> x / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
			case QUICK_GELU -> x / (1 + Math.exp(-1.702 * x));
			case RELU -> Math.max(x, 0);
			case SQUARED_RELU -> Math.max(x, 0) * Math.max(x, 0);
		};
	}

	private static double tolerance(Activation activation) {
		return switch (activation) {
			case GELU_TANH -> 2e-5;
			case SILU, QUICK_GELU -> 3e-6;
			case GELU, RELU, SQUARED_RELU -> 2e-7;
		};
	}

	/**
	 * {@code 1 − erf(x)} by a series without cancellation, or by its continued fraction
	 * where that converges.
	 */
	private static double complementOfError(double x) {
		if (x < 0) {
			return 2 - complementOfError(-x);
		}
		if (x < 2) {
			double term = x;
			double sum = x;
			for (int n = 1; n < 60; n++) {
				term *= 2 * x * x / (2 * n + 1);
				sum += term;
			}
			return 1 - 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
		}
		double fraction = x;
		for (int n = 200; n > 0; n--) {
			fraction = x + n / 2.0 / fraction;
		}
		return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
	}

	@Property(tries = 60)
	void clampedSwiGlu(@ForAll @IntRange(min = 1, max = 9) int rows, @ForAll @IntRange(min = 1, max = 600) int columns,
			@ForAll long seed) {
		check(rows, columns, seed, (device, out, x, up) -> device.clampedSwiGlu(out, x, up, 1.702f, 7f), (x, up) -> {
			double gate = Math.min(x, 7);
			return gate / (1 + Math.exp(-1.702f * gate)) * (Math.clamp(up, -7, 7) + 1);
		}, 3e-6);
	}

	@Property(tries = 60)
	void softcap(@ForAll @IntRange(min = 1, max = 9) int rows, @ForAll @IntRange(min = 1, max = 600) int columns,
			@ForAll long seed) {
		check(rows, columns, seed, (device, out, x, up) -> {
			device.activate(out, x, Activation.RELU);
			device.scale(out, 0f);
			device.addScaled(out, x, 1f);
			device.softcap(out, 2f);
		}, (x, up) -> 2 * Math.tanh(x / 2), 5e-7);
	}

	@Test
	void splitsColumns() {
		Operands operands = new Operands(1);
		Tensor x = operands.activations(5, 26);
		Tensor even = operands.empty(DType.F32, 5, 13);
		Tensor odd = operands.empty(DType.F32, 5, 13);
		try (Device device = new CpuDevice(new VectorKernels(), 2)) {
			device.elementwise().split(even, odd, x);
			assertThatIllegalArgumentException()
				.isThrownBy(() -> device.elementwise().split(even, odd, x.columns(0, 25)))
				.withMessageContaining("of shape [5, 12]");
		}
		for (int r = 0; r < 5; r++) {
			for (int i = 0; i < 13; i++) {
				assertThat(Operands.get(even, r, i)).isEqualTo(Operands.get(x, r, 2 * i));
				assertThat(Operands.get(odd, r, i)).isEqualTo(Operands.get(x, r, 2 * i + 1));
			}
		}
	}

	@Test
	void complementOfTheErrorFunctionIsAccurate() {
		for (int i = 0; i < 260_000; i++) {
			double x = i * 1e-4;
			double expected = complementOfError(x);
			assertThat(ErrorFunction.complement(x)).as("of %s", x)
				.isCloseTo(expected, within(expected * 5e-13 + Double.MIN_NORMAL));
			assertThat(ErrorFunction.complement(-x)).isCloseTo(2 - expected, within(2e-15));
		}
		assertThat(ErrorFunction.complement(Double.NaN)).isNaN();
		assertThat(ErrorFunction.complement(Double.POSITIVE_INFINITY)).isZero();
		assertThat(ErrorFunction.complement(Double.NEGATIVE_INFINITY)).isEqualTo(2);
	}

	@Test
	void tangentIsWithinTwoUnits() {
		for (int i = 1; i < 2_000_000; i++) {
			float x = i * 5e-6f;
			double expected = Math.tanh(x);
			assertThat(Math.abs(HyperbolicTangent.tanh(x) - expected)).isLessThan(2 * Math.ulp((float) expected));
			assertThat(HyperbolicTangent.tanh(-x)).isEqualTo(-HyperbolicTangent.tanh(x));
		}
		assertThat(HyperbolicTangent.tanh(Float.NaN)).isNaN();
		assertThat(HyperbolicTangent.tanh(Float.POSITIVE_INFINITY)).isEqualTo(1f);
		assertThat(HyperbolicTangent.tanh(0f)).isZero();
	}

	private static void check(int rows, int columns, long seed, Operation operation, DoubleBinaryOperator formula,
			double tolerance) {
		check(rows, columns, seed, operation, formula, tolerance, 1e-35);
	}

	private static void check(int rows, int columns, long seed, Operation operation, DoubleBinaryOperator formula,
			double tolerance, double absolute) {
		Operands operands = new Operands(seed);
		Tensor x = operands.activations(rows, columns);
		Tensor up = operands.activations(rows, columns);
		for (int i = 0; i < Math.min(columns, SPECIAL.length); i++) {
			Operands.set(x, 0, (i * 31) % columns, SPECIAL[i]);
		}
		Tensor portable = operands.empty(DType.F32, rows, columns);
		Tensor vector = operands.empty(DType.F32, rows, columns);
		try (Device first = new CpuDevice(new PortableKernels(), 1);
				Device second = new CpuDevice(new VectorKernels(), 2)) {
			operation.run(first.elementwise(), portable, x, up);
			operation.run(second.elementwise(), vector, x, up);
		}
		KernelsAgreeTests.assertThatBitsAreEqual(vector, portable);
		for (int r = 0; r < rows; r++) {
			for (int c = 0; c < columns; c++) {
				double expected = formula.applyAsDouble(Operands.get(x, r, c), Operands.get(up, r, c));
				assertThat((double) Operands.get(vector, r, c))
					.as("of %s and %s", Operands.get(x, r, c), Operands.get(up, r, c))
					.isCloseTo(expected, within(Math.abs(expected) * tolerance + absolute));
			}
		}
	}

	/** An operation on two inputs. */
	private interface Operation {

		void run(Elementwise device, Tensor out, Tensor x, Tensor up);

	}

}
