package io.github.flashspring.engine.device.cpu;

import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.device.AttentionSpec;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceProvider;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.RaggedBatch;
import io.github.flashspring.engine.device.StateSpace;
import io.github.flashspring.engine.device.Tensor;

/**
 * Runs every operation with the device that this JVM has and writes all results into a
 * file, for {@link VectorWidthTests} to compare between JVMs. The first line on standard
 * output says which device it was.
 */
final class KernelResults {

	private static final int[] ROWS = { 1, 2, 7, 70 };

	private KernelResults() {
	}

	/**
	 * Writes the results.
	 * @param args the file
	 * @throws IOException if it cannot be written
	 */
	public static void main(String[] args) throws IOException {
		try (Device device = new CpuDeviceProvider().create(new DeviceProvider.Options(2));
				OutputStream file = Files.newOutputStream(Path.of(args[0]));
				DataOutputStream out = new DataOutputStream(file)) {
			System.out.println(device.info().name());
			for (int rows : ROWS) {
				for (Format format : Formats.ALL) {
					for (int inputs : new int[] { 128, 1408 }) {
						product(device, out, format, 64, rows, inputs);
					}
					// not all registers have columns of the last block
					product(device, out, format, 32, rows, 160);
				}
				for (DType type : new DType[] { DType.F32, DType.F16, DType.BF16 }) {
					oddProduct(device, out, type, rows, 77);
					oddProduct(device, out, type, rows, 129);
				}
				elementwise(device, out, rows);
				recurrence(device, out, rows);
				attention(device, out, rows, 64, 64, 0);
				attention(device, out, rows, 21, 21, 13);
				attention(device, out, rows, 70, 0, 0);
			}
		}
	}

	private static void product(Device device, DataOutputStream out, Format format, int group, int rows, int inputs)
			throws IOException {
		Operands operands = new Operands(rows + inputs);
		Matrix matrix = new CpuDeviceTests.Linear(format, group, DType.F16, rows, inputs, 37, 1, 0).matrix(operands);
		Tensor result = operands.empty(DType.F32, rows, 37);
		device.matmul(result, operands.activations(rows, inputs), matrix, operands.numbers(DType.BF16, 1, 37));
		write(out, result);
	}

	private static void oddProduct(Device device, DataOutputStream out, DType type, int rows, int inputs)
			throws IOException {
		Operands operands = new Operands(rows);
		Tensor result = operands.empty(DType.F32, rows, 19);
		device.matmul(result, operands.activations(rows, inputs), operands.dense(type, 19, inputs), null);
		write(out, result);
	}

	private static void elementwise(Device device, DataOutputStream out, int rows) throws IOException {
		Operands operands = new Operands(rows);
		Tensor x = operands.activations(rows, 3 * 50);
		device.rmsNorm(x, x, operands.numbers(DType.F16, 1, 3 * 50), 1e-5f);
		device.rope(x, 50, operands.activations(rows, 23), operands.activations(rows, 23));
		device.elementwise().gate(x, x, operands.activations(rows, 3 * 50), Activation.SILU);
		device.add(x, operands.activations(rows, 3 * 50));
		write(out, x);
		Tensor y = operands.activations(rows, 3 * 50);
		device.layerNorm(y, y, operands.numbers(DType.BF16, 1, 3 * 50), operands.numbers(DType.BF16, 1, 3 * 50), 1f,
				1e-5f);
		for (Activation activation : Activation.values()) {
			device.elementwise().gate(y, y, x, activation);
			device.add(y, x);
		}
		device.elementwise().softcap(y, 3f);
		device.elementwise().clampedSwiGlu(y, y, x, 1.702f, 7f);
		device.elementwise().addScaled(y, x, 0.22f);
		device.elementwise().scale(y, 1.1f);
		write(out, y);
		Tensor z = operands.empty(DType.F32, rows, 160);
		device.matmulTransposed(z, operands.activations(rows, 20), operands.affine(4, 32, 20, 160, DType.F16), false);
		write(out, z);
	}

	private static void recurrence(Device device, DataOutputStream out, int rows) throws IOException {
		Operands operands = new Operands(rows);
		Tensor x = operands.activations(rows, 150);
		Tensor y = operands.empty(DType.F32, rows, 150);
		device.stateSpace()
			.convolution(y, x, operands.numbers(DType.BF16, 150, 4), operands.numbers(DType.BF16, 1, 150),
					operands.empty(DType.F32, 3, 150), true, Activation.SILU);
		StateSpace.ScanInput in = new StateSpace.ScanInput(y, operands.activations(rows, 2 * 37),
				operands.activations(rows, 2 * 37), operands.activations(rows, 6));
		StateSpace.ScanParameters parameters = new StateSpace.ScanParameters(operands.numbers(DType.BF16, 1, 6),
				operands.numbers(DType.BF16, 1, 6), operands.numbers(DType.BF16, 1, 6), 0f, Float.POSITIVE_INFINITY);
		device.stateSpace().selectiveScan(x, in, parameters, operands.empty(DType.F32, 150, 37), true);
		write(out, x);
	}

	private static void attention(Device device, DataOutputStream out, int rows, int headDim, int valueDim, int window)
			throws IOException {
		Operands operands = new Operands(rows + headDim);
		AttentionSpec spec = new AttentionSpec(6, 2, headDim, headDim, 0.4f, window, window);
		KvPages kv = operands.pages(5, new KvPages.Layout(16, 2, headDim, valueDim));
		RaggedBatch batch = CpuDeviceTests.batch(new RaggedBatch.Span(0, rows, 0, new int[] { 3, 0, 4, 1, 2 }));
		Tensor result = operands.empty(DType.F32, rows, 6 * headDim);
		device.storeKv(kv, 0, batch, operands.activations(rows, 2 * headDim),
				(valueDim > 0) ? operands.activations(rows, 2 * valueDim) : null);
		device.attention(result, operands.activations(rows, 6 * headDim), kv, 0, batch, spec,
				operands.numbers(DType.BF16, 1, 6));
		write(out, result);
	}

	private static void write(DataOutputStream out, Tensor tensor) throws IOException {
		for (float[] row : Operands.values(tensor)) {
			for (float value : row) {
				out.writeInt(Float.floatToRawIntBits(value));
			}
		}
	}

}
