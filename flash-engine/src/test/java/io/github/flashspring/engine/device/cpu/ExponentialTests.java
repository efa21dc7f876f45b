package io.github.flashspring.engine.device.cpu;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class ExponentialTests {

	@Test
	void isExactWithinTwoUnitsInTheLastPlace() {
		for (float x = -87f; x < 88.7f; x += 0.000_37f) {
			double expected = Math.exp(x);
			assertThat(Math.abs(Exponential.exp(x) - expected)).as("exp(%s)", x)
				.isLessThanOrEqualTo(2 * Math.ulp((float) expected));
		}
	}

	@Test
	void goesToZeroThroughSubnormals() {
		for (float x = -110f; x < -87f; x += 0.01f) {
			double expected = Math.exp(x);
			assertThat(Math.abs(Exponential.exp(x) - expected)).as("exp(%s)", x)
				.isLessThanOrEqualTo(2 * (double) Float.MIN_VALUE + 2e-7 * expected);
		}
		assertThat(Exponential.exp(-1e30f)).isZero();
		assertThat(Exponential.exp(Float.NEGATIVE_INFINITY)).isZero();
	}

	@Test
	void overflowsToInfinity() {
		assertThat(Exponential.exp(88.7f)).isFinite();
		assertThat(Exponential.exp(88.8f)).isInfinite();
		assertThat(Exponential.exp(Float.POSITIVE_INFINITY)).isInfinite();
	}

	@Test
	void keepsNotANumber() {
		assertThat(Exponential.exp(Float.NaN)).isNaN();
	}

	@Test
	void hasTheSameBitsInVectors() {
		float[] values = new float[100_003];
		float[] vector = new float[values.length];
		for (int i = 0; i < values.length; i++) {
			values[i] = -110f + i * (200f / values.length);
			vector[i] = values[i];
		}
		values[5] = Float.NaN;
		vector[5] = Float.NaN;
		VectorMath.exp(vector, 0, vector.length, 0f);
		for (int i = 0; i < values.length; i++) {
			assertThat(Float.compare(vector[i], Exponential.exp(values[i]))).as("exp(%s)", values[i]).isZero();
		}
	}

}
