package io.github.flashspring.engine.device.cpu;

import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.device.AttentionSpec;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceProvider;
import io.github.flashspring.engine.device.KvBlocks;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.RaggedBatch;
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
				for (Format format : Format.values()) {
					for (int inputs : new int[] { 128, 1408 }) {
						product(device, out, format, rows, inputs);
					}
				}
				for (DType type : new DType[] { DType.F32, DType.F16, DType.BF16 }) {
					oddProduct(device, out, type, rows);
				}
				elementwise(device, out, rows);
				attention(device, out, rows, 64, 0);
				attention(device, out, rows, 21, 13);
			}
		}
	}

	private static void product(Device device, DataOutputStream out, Format format, int rows, int inputs)
			throws IOException {
		Operands operands = new Operands(rows + inputs);
		Matrix matrix = new CpuDeviceTests.Linear(format, 64, DType.F16, rows, inputs, 37, 1, 0).matrix(operands);
		Tensor result = operands.empty(DType.F32, rows, 37);
		device.matmul(result, operands.activations(rows, inputs), matrix, operands.numbers(DType.BF16, 1, 37));
		write(out, result);
	}

	private static void oddProduct(Device device, DataOutputStream out, DType type, int rows) throws IOException {
		Operands operands = new Operands(rows);
		Tensor result = operands.empty(DType.F32, rows, 19);
		device.matmul(result, operands.activations(rows, 77), operands.dense(type, 19, 77), null);
		write(out, result);
	}

	private static void elementwise(Device device, DataOutputStream out, int rows) throws IOException {
		Operands operands = new Operands(rows);
		Tensor x = operands.activations(rows, 3 * 50);
		device.rmsNorm(x, x, operands.numbers(DType.F16, 1, 3 * 50), 1e-5f);
		device.rope(x, 50, operands.activations(rows, 23), operands.activations(rows, 23));
		device.swiGlu(x, x, operands.activations(rows, 3 * 50));
		device.add(x, operands.activations(rows, 3 * 50));
		write(out, x);
	}

	private static void attention(Device device, DataOutputStream out, int rows, int headDim, int window)
			throws IOException {
		Operands operands = new Operands(rows + headDim);
		AttentionSpec spec = new AttentionSpec(6, 2, headDim, headDim, 0.4f, window);
		KvBlocks kv = operands.blocks(5, new KvBlocks.Layout(16, 2, headDim, headDim));
		RaggedBatch batch = CpuDeviceTests.batch(new RaggedBatch.Span(0, rows, 0, new int[] { 3, 0, 4, 1, 2 }));
		Tensor result = operands.empty(DType.F32, rows, 6 * headDim);
		device.storeKv(kv, 0, batch, operands.activations(rows, 2 * headDim), operands.activations(rows, 2 * headDim));
		device.attention(result, operands.activations(rows, 6 * headDim), kv, 0, batch, spec);
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
