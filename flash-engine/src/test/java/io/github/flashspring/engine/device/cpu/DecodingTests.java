package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.Quantization;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.Tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/**
 * Every code of every small float against the formula, and matrices that are none.
 */
class DecodingTests {

	@Test
	void fourBitsHaveTheValuesOfTheStandard() {
		for (int code = 0; code < 16; code++) {
			assertThat(Decoding.e2m1(code)).isEqualTo((float) Operands.minifloat(code, 2, 1));
		}
		assertThat(Decoding.e2m1(7)).isEqualTo(6f);
		assertThat(Decoding.e2m1(9)).isEqualTo(-0.5f);
	}

	@Test
	void eightBitsHaveTheValuesOfTheStandard() {
		for (int code = 0; code < 256; code++) {
			if ((code & 0x7f) == 0x7f) {
				assertThat(Decoding.e4m3(code)).isNaN();
			}
			else {
				assertThat(Decoding.e4m3(code)).isEqualTo((float) Operands.minifloat(code, 4, 3));
			}
		}
		assertThat(Decoding.e4m3(0x7e)).isEqualTo(448f);
		assertThat(Decoding.e4m3(0x81)).isEqualTo(-0x1p-9f);
	}

	@Test
	void exponentsHaveTheValuesOfTheStandard() {
		for (int code = 0; code < 255; code++) {
			assertThat(Decoding.e8m0(code)).isEqualTo((float) Math.pow(2, code - 127));
		}
		assertThat(Decoding.e8m0(255)).isNaN();
	}

	@ParameterizedTest
	@ValueSource(booleans = { false, true })
	void allCodesAndScalesOfEightBits(boolean vector) {
		Operands operands = new Operands(1);
		Matrix.Quantized matrix = operands.quantized(new Quantization(Quantization.Mode.MXFP8, 8, 32), 256, 256,
				DType.U8);
		for (int row = 0; row < 256; row++) {
			for (int i = 0; i < 256; i++) {
				set(matrix.codes(), row, i, i);
			}
			for (int group = 0; group < 8; group++) {
				set(matrix.scales(), row, group, row);
			}
		}
		float[][] values = lookUp(operands, matrix, vector);
		for (int row = 0; row < 256; row++) {
			for (int i = 0; i < 256; i++) {
				float expected = Decoding.e4m3(i) * Decoding.e8m0(row);
				assertThat(values[row][i]).as("code %d, scale %d", i, row).isEqualTo(Float.valueOf(expected));
			}
		}
	}

	@ParameterizedTest
	@ValueSource(booleans = { false, true })
	void nanStaysNan(boolean vector) {
		for (Quantization.Mode mode : List.of(Quantization.Mode.MXFP4, Quantization.Mode.NVFP4)) {
			Operands operands = new Operands(1);
			Matrix.Quantized matrix = operands
				.quantized(new Quantization(mode, 4, (mode == Quantization.Mode.MXFP4) ? 32 : 16), 3, 256, DType.U8);
			set(matrix.scales(), 1, 2, 0xff);
			int groupSize = matrix.quantization().groupSize();
			float[][] values = lookUp(operands, matrix, vector);
			for (int i = 0; i < 256; i++) {
				assertThat(Float.isNaN(values[1][i])).isEqualTo(i / groupSize == 2);
			}
			Tensor x = operands.activations(1, 256);
			Tensor out = operands.empty(DType.F32, 1, 3);
			try (Device device = device(vector)) {
				device.matmul(out, x, matrix, null);
			}
			assertThat(Operands.get(out, 0, 0)).isFinite();
			assertThat(Operands.get(out, 0, 1)).isNaN();
			assertThat(Operands.get(out, 0, 2)).isFinite();
		}
	}

	@Test
	void quantizedMatricesNeedScalesAndBiases() {
		Operands operands = new Operands(1);
		Matrix.Quantized affine = operands.affine(3, 32, 4, 64, DType.F16);
		refuses(operands, new Matrix.Quantized(affine.codes(), affine.scales(), null, affine.quantization()),
				"AFFINE3 needs biases");
		refuses(operands, new Matrix.Quantized(affine.codes(), affine.scales().columns(0, 1), affine.biases(),
				affine.quantization()), "Expected scales of shape [4, 2], found [4, 1]");
		Matrix.Quantized floats = operands.quantized(new Quantization(Quantization.Mode.MXFP4, 4, 32), 4, 64, DType.U8);
		refuses(operands, new Matrix.Quantized(floats.codes(), floats.scales(), affine.biases(), floats.quantization()),
				"MXFP4 has no biases");
		refuses(operands, new Matrix.Quantized(floats.codes(), affine.scales(), null, floats.quantization()),
				"Expected scales of type U8, found F16");
		Matrix.Quantized rectangles = operands.quantized(new Quantization(Quantization.Mode.FP8, 8, 32, 3), 4, 64,
				DType.F32);
		refuses(operands,
				new Matrix.Quantized(rectangles.codes(), rectangles.scales(), null, rectangles.quantization(), 3),
				"Cannot begin at row 3 of 3");
		refuses(operands, new Matrix.Quantized(rectangles.codes(), rectangles.scales().rows(0, 1), null,
				rectangles.quantization(), 1), "Expected scales of shape [2, 2], found [1, 2]");
	}

	private static void refuses(Operands operands, Matrix matrix, String message) {
		Tensor x = operands.activations(1, 64);
		Tensor out = operands.empty(DType.F32, 1, 4);
		try (Device device = device(false)) {
			assertThatIllegalArgumentException().isThrownBy(() -> device.matmul(out, x, matrix, null))
				.withMessageContaining(message);
		}
	}

	private static float[][] lookUp(Operands operands, Matrix matrix, boolean vector) {
		Tensor out = operands.empty(DType.F32, matrix.rows(), matrix.columns());
		int[] rows = new int[matrix.rows()];
		Arrays.setAll(rows, (i) -> i);
		try (Device device = device(vector)) {
			device.embed(out, matrix, rows);
		}
		return Operands.values(out);
	}

	private static void set(Tensor tensor, int row, int octet, int value) {
		Operands.memory(tensor)
			.set(ValueLayout.JAVA_BYTE,
					tensor.byteOffset() + (long) row * tensor.rowStride() * tensor.dtype().bytes() + octet,
					(byte) value);
	}

	private static Device device(boolean vector) {
		return new CpuDevice(vector ? new VectorKernels() : new PortableKernels(), 1);
	}

}
