package io.github.flashspring.engine.checkpoint.gguf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import org.jspecify.annotations.Nullable;

/**
 * Finds the settings of Llama 3's frequency scaling behind the divisors that GGUF stores
 * instead ({@code rope_freqs.weight}, one per pair of rows).
 * <p>
 * The divisor of a frequency f with wavelength w = 2π/f is 1 for w below L/high, F for w
 * above L/low, and 1/((1 − s)/F + s) with s = (L/w − low)/(high − low) between. F is the
 * largest divisor; s is a straight line over 1/w, which gives L/low and L/high. What is
 * found counts only if it gives back every divisor.
 */
final class RopeFactors {

	private static final double TOLERANCE = 1e-5;

	private RopeFactors() {
	}

	/**
	 * Llama 3's frequency scaling.
	 *
	 * @param factor F
	 * @param lowFreqFactor low
	 * @param highFreqFactor high
	 * @param originalMaxPositionEmbeddings L
	 */
	record Llama3(double factor, double lowFreqFactor, double highFreqFactor, int originalMaxPositionEmbeddings) {

		double divisor(double frequency) {
			double wavelength = 2 * Math.PI / frequency;
			if (wavelength < this.originalMaxPositionEmbeddings / this.highFreqFactor) {
				return 1;
			}
			if (wavelength > this.originalMaxPositionEmbeddings / this.lowFreqFactor) {
				return this.factor;
			}
			double smooth = (this.originalMaxPositionEmbeddings / wavelength - this.lowFreqFactor)
					/ (this.highFreqFactor - this.lowFreqFactor);
			return 1 / ((1 - smooth) / this.factor + smooth);
		}

	}

	static @Nullable Llama3 recover(GgufFile file, int headDim, double theta) {
		GgufTensor tensor = file.tensors().get("rope_freqs.weight");
		if (tensor == null) {
			return null;
		}
		if (tensor.type() != GgufType.F32 || tensor.shape().size() != 1 || tensor.columns() != headDim / 2) {
			throw new CheckpointException("Tensor 'rope_freqs.weight' of " + file.file() + " is " + tensor.type()
					+ tensor.shape() + "; expected F32[" + headDim / 2 + "].", "Use another version of the model.");
		}
		ByteBuffer data = ByteBuffer.allocate((int) tensor.byteSize()).order(ByteOrder.LITTLE_ENDIAN);
		file.read(tensor, 0, data);
		double[] divisors = new double[headDim / 2];
		for (int i = 0; i < divisors.length; i++) {
			divisors[i] = data.getFloat(i * Float.BYTES);
		}
		return recover(file, divisors, theta);
	}

	private static @Nullable Llama3 recover(GgufFile file, double[] divisors, double theta) {
		double factor = 1;
		for (double divisor : divisors) {
			factor = Math.max(factor, divisor);
		}
		if (matches(new Llama3(1, 1, 4, 8192), divisors, theta)) {
			return null;
		}
		Llama3 fitted = fit(factor, divisors, theta);
		if (fitted != null && matches(fitted, divisors, theta)) {
			return fitted;
		}
		// Too few divisors lie between the limits: try what models use.
		for (int positions = 1 << 6; positions <= 1 << 20; positions *= 2) {
			Llama3 usual = new Llama3(factor, 1, 4, positions);
			if (matches(usual, divisors, theta)) {
				return usual;
			}
		}
		throw new CheckpointException(
				"Tensor 'rope_freqs.weight' of " + file.file()
						+ " holds frequency factors that are not those of Llama 3 for any settings.",
				"Use the original safetensors of the model.");
	}

	private static @Nullable Llama3 fit(double factor, double[] divisors, double theta) {
		double[] x = new double[divisors.length];
		double[] smooth = new double[divisors.length];
		int count = 0;
		for (int i = 0; i < divisors.length; i++) {
			if (divisors[i] > 1 && divisors[i] < factor) {
				x[count] = frequency(i, divisors.length, theta) / (2 * Math.PI);
				smooth[count++] = (1 / divisors[i] - 1 / factor) / (1 - 1 / factor);
			}
		}
		if (count < 2) {
			return null;
		}
		double slope = (smooth[count - 1] - smooth[0]) / (x[count - 1] - x[0]);
		double intercept = smooth[0] - slope * x[0];
		// Only ratios are determined: low is taken as 1, as in all models known.
		double high = Math.rint(1000 * (1 - 1 / intercept)) / 1000;
		double positions = Math.rint(slope * (high - 1));
		return (high > 1 && positions >= 1 && positions <= Integer.MAX_VALUE)
				? new Llama3(factor, 1, high, (int) positions) : null;
	}

	private static boolean matches(Llama3 scaling, double[] divisors, double theta) {
		for (int i = 0; i < divisors.length; i++) {
			double expected = scaling.divisor(frequency(i, divisors.length, theta));
			if (!(Math.abs(divisors[i] / expected - 1) <= TOLERANCE)) {
				return false;
			}
		}
		return true;
	}

	private static double frequency(int pair, int pairs, double theta) {
		return Math.pow(theta, -(double) pair / pairs);
	}

}
