package io.github.flashspring.engine.device.cpu;

import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import org.junit.jupiter.api.Test;

import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.Tensor;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Sessions of a {@link CpuDevice}.
 */
class CpuSessionTests {

	private static final int COLUMNS = 300;

	private static final int OUTPUTS = 500;

	@Test
	void concurrentSessionsComputeTheSameBitsAsOneAlone() throws Exception {
		try (Device device = new CpuDevice(new PortableKernels(), 3);
				ExecutorService threads = Executors.newFixedThreadPool(2)) {
			float[][] expected = { product(device, 1, 1), product(device, 2, 1) };
			try (Device first = device.session(); Device second = device.session()) {
				Future<float[]> one = threads.submit((Callable<float[]>) () -> product(first, 1, 200));
				Future<float[]> two = threads.submit((Callable<float[]>) () -> product(second, 2, 200));
				assertThat(one.get()).isEqualTo(expected[0]);
				assertThat(two.get()).isEqualTo(expected[1]);
			}
			assertThat(product(device, 1, 1)).isEqualTo(expected[0]);
		}
	}

	/** Multiplies random numbers again and again; all results must be equal. */
	private static float[] product(Device device, long seed, int times) {
		Random random = new Random(seed);
		try (Buffer memory = device.allocate((long) (COLUMNS + OUTPUTS + OUTPUTS * COLUMNS) * Float.BYTES)) {
			Tensor x = Tensor.floats(memory, 0, 1, COLUMNS);
			Tensor out = Tensor.floats(memory, (long) COLUMNS * Float.BYTES, 1, OUTPUTS);
			Tensor weight = Tensor.floats(memory, (long) (COLUMNS + OUTPUTS) * Float.BYTES, OUTPUTS, COLUMNS);
			device.write(x, floats(random, COLUMNS));
			device.write(weight, floats(random, OUTPUTS * COLUMNS));
			float[] first = new float[OUTPUTS];
			float[] again = new float[OUTPUTS];
			for (int i = 0; i < times; i++) {
				device.matmul(out, x, new Matrix.Dense(weight), null);
				device.read(out, (i == 0) ? first : again);
				if (i > 0) {
					assertThat(again).isEqualTo(first);
				}
			}
			return first;
		}
	}

	private static float[] floats(Random random, int count) {
		float[] values = new float[count];
		for (int i = 0; i < count; i++) {
			values[i] = random.nextFloat() - 0.5f;
		}
		return values;
	}

}
