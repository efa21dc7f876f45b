package io.github.flashspring.engine.device;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.Quantization;
import io.github.flashspring.engine.checkpoint.Quantization.Mode;
import io.github.flashspring.engine.device.DeviceOperands.Values;
import io.github.flashspring.engine.device.DeviceOperands.Weight;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

/**
 * What every {@link Device} keeps: copies, read backs, memory, fences, and linear layers
 * of all formats. {@link DeviceLayerContract} has the other operations. A device's tests
 * extend both.
 */
@SuppressWarnings("NullAway.Init") // each test opens its device
public abstract class DeviceContract {

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
		this.operands = new DeviceOperands(this.device, 7);
	}

	@AfterEach
	void closeDevice() {
		this.operands.close();
		this.device.close();
	}

	@ParameterizedTest
	@CsvSource({ "1, 1", "3, 17", "5, 128", "2, 1000" })
	void copiesFillsAndBroadcasts(int rows, int columns) {
		Values x = this.operands.activations(rows, columns);
		Tensor out = this.operands.empty(rows, columns);
		this.device.copy(out, x.tensor);
		assertThat(this.operands.read(out)).isDeepEqualTo(x.values);
		this.device.fill(out, -2.5f);
		for (float[] row : this.operands.read(out)) {
			assertThat(row).containsOnly(-2.5f);
		}
		for (DType type : List.of(DType.F32, DType.F16, DType.BF16)) {
			Values vector = this.operands.numbers(type, 1, columns);
			this.device.broadcast(out, vector.tensor);
			for (float[] row : this.operands.read(out)) {
				assertThat(row).isEqualTo(vector.values[0]);
			}
		}
	}

	@Test
	void fillAndCopyLeaveWhatLiesBetweenRows() {
		Tensor wide = this.operands.contiguous(3, 10);
		this.device.fill(wide, 1f);
		this.device.fill(wide.columns(2, 5), 2f);
		for (float[] row : this.operands.read(wide)) {
			assertThat(row).containsExactly(1, 1, 2, 2, 2, 2, 2, 1, 1, 1);
		}
	}

	@Test
	void convertsToTheNearestNumber() {
		float[] special = { 0f, -0f, 1f, 1.00390625f, 1.01171875f, 1.00390637f, 65504f, 65519f, 65520f, 1e-8f, 5.97e-8f,
				3.4e38f, -3.4e38f, Float.POSITIVE_INFINITY, 1e-40f };
		Tensor x = this.operands.contiguous(1, special.length);
		this.device.write(x, special);
		Tensor half = this.operands.empty(DType.F16, 1, special.length);
		Tensor brain = this.operands.empty(DType.BF16, 1, special.length);
		Tensor fromHalf = this.operands.contiguous(1, special.length);
		Tensor fromBrain = this.operands.contiguous(1, special.length);
		this.device.convert(half, x);
		this.device.convert(brain, x);
		this.device.convert(fromHalf, half);
		this.device.convert(fromBrain, brain);
		float[] halves = new float[special.length];
		float[] brains = new float[special.length];
		this.device.read(List.of(new Device.Readback(fromHalf, halves), new Device.Readback(fromBrain, brains)));
		for (int i = 0; i < special.length; i++) {
			assertThat(halves[i]).isEqualTo(Float.float16ToFloat(Float.floatToFloat16(special[i])));
			int bits = Float.floatToRawIntBits(special[i]);
			int below = bits & 0xffff0000;
			int rest = bits & 0xffff;
			boolean up = rest > 0x8000 || (rest == 0x8000 && (below & 0x10000) != 0);
			assertThat(brains[i]).as("%s", special[i]).isEqualTo(Float.intBitsToFloat(up ? below + 0x10000 : below));
		}
	}

	@Test
	void gathersAndScattersRows() {
		Values x = this.operands.activations(5, 33);
		Tensor out = this.operands.empty(7, 33);
		int[] rows = { 4, 0, 0, 3, 2, 1, 4 };
		this.device.gather(out, x.tensor, rows);
		float[][] found = this.operands.read(out);
		for (int r = 0; r < rows.length; r++) {
			assertThat(found[r]).isEqualTo(x.values[rows[r]]);
		}
		this.device.scatter(out, x.tensor, new int[] { 6, 5, 1, 0, 2 });
		found = this.operands.read(out);
		assertThat(found[5]).isEqualTo(x.values[1]);
		assertThat(found[3]).isEqualTo(x.values[3]);
		assertThat(found[2]).isEqualTo(x.values[4]);
	}

	@Test
	void combinesNeighbouringRows() {
		Values x = this.operands.activations(12, 21);
		float[] weights = new float[12];
		for (int i = 0; i < 12; i++) {
			weights[i] = i - 4.5f;
		}
		Tensor out = this.operands.empty(4, 21);
		this.device.combine(out, x.tensor, weights);
		float[][] found = this.operands.read(out);
		for (int r = 0; r < 4; r++) {
			for (int c = 0; c < 21; c++) {
				double sum = 0;
				for (int k = 0; k < 3; k++) {
					sum += (double) weights[r * 3 + k] * x.values[r * 3 + k][c];
				}
				assertThat((double) found[r][c]).isCloseTo(sum, within(1e-5));
			}
		}
	}

	private Weight weight(Format format, int rows, int columns) {
		int groups = format.group;
		int whole = Math.ceilDiv(columns, groups) * groups;
		DType scales = List.of(DType.F32, DType.F16, DType.BF16).get(rows % 3);
		if (format.mode == null) {
			return this.operands.dense(DType.valueOf(format.name()), rows, whole);
		}
		return this.operands.quantized(new Quantization(format.mode, format.bits, groups, format.groupRows), rows,
				whole, scales);
	}

	@ParameterizedTest
	@EnumSource
	void linearLayersOfAllFormats(Format format) {
		for (int[] shape : new int[][] { { 1, 1, 1 }, { 1, 37, 200 }, { 5, 16, 333 }, { 33, 50, 64 } }) {
			Weight weight = weight(format, shape[1], shape[2]);
			int columns = weight.matrix().columns();
			Values x = this.operands.activations(shape[0], columns);
			Values bias = (shape[0] == 5) ? this.operands.numbers(DType.BF16, 1, shape[1]) : null;
			Tensor biasTensor = (bias != null) ? bias.tensor : null;
			Tensor out = this.operands.empty(shape[0], shape[1]);
			this.device.matmul(out, x.tensor, weight.matrix(), biasTensor);
			float[][] found = this.operands.read(out);
			for (int r = 0; r < shape[0]; r++) {
				for (int o = 0; o < shape[1]; o++) {
					double sum = DeviceOperands.valueOf(bias, 0, o);
					double magnitude = Math.abs(sum);
					for (int i = 0; i < columns; i++) {
						double product = (double) x.values[r][i] * weight.values()[o][i];
						sum += product;
						magnitude += Math.abs(product);
					}
					assertThat((double) found[r][o]).as("row %d, output %d", r, o)
						.isCloseTo(sum, within(magnitude * 0x1p-20));
				}
			}
			requireRowsAlone(found, (row, alone) -> this.device.matmul(alone, x.row(row), weight.matrix(), biasTensor));
			Tensor parts = this.operands.empty(shape[0], shape[1]);
			int half = shape[1] / 2;
			List<Device.Matmul> layers = new ArrayList<>();
			layers.add(new Device.Matmul(parts.columns(half, shape[1] - half), x.tensor,
					weight.matrix().rows(half, shape[1] - half),
					(biasTensor != null) ? biasTensor.columns(half, shape[1] - half) : null));
			layers.add(new Device.Matmul(parts.columns(0, half), x.tensor, weight.matrix().rows(0, half),
					(biasTensor != null) ? biasTensor.columns(0, half) : null));
			this.device.matmul(layers);
			layers.clear(); // the caller's list is his own again
			assertThat(this.operands.read(parts)).isDeepEqualTo(found);
		}
	}

	/** Each row computed alone has the bits that it has among others. */
	private void requireRowsAlone(float[][] found, RowOperation operation) {
		for (int row = 0; row < found.length; row += 4) {
			Tensor alone = this.operands.empty(1, found[row].length);
			operation.run(row, alone);
			assertThat(this.operands.read(alone)[0]).isEqualTo(found[row]);
		}
	}

	@ParameterizedTest
	@EnumSource
	void looksUpRowsAndMultipliesWithColumnsOfAllFormats(Format format) {
		Weight weight = weight(format, 29, 150);
		int columns = weight.matrix().columns();
		int[] rows = { 28, 0, 3, 3 };
		Tensor out = this.operands.empty(4, columns);
		this.device.embed(out, weight.matrix(), rows);
		float[][] found = this.operands.read(out);
		for (int r = 0; r < rows.length; r++) {
			assertThat(found[r]).isEqualTo(weight.values()[rows[r]]);
		}
		Values x = this.operands.activations(6, 29);
		Tensor whole = this.operands.empty(6, columns);
		Tensor parts = this.operands.empty(6, columns);
		this.device.matmulTransposed(whole, x.tensor, weight.matrix(), false);
		this.device.matmulTransposed(parts, x.tensor.columns(0, 16), weight.matrix().rows(0, 16), false);
		this.device.matmulTransposed(parts, x.tensor.columns(16, 13), weight.matrix().rows(16, 13), true);
		found = this.operands.read(whole);
		assertThat(this.operands.read(parts)).isDeepEqualTo(found);
		for (int r = 0; r < 6; r++) {
			for (int i = 0; i < columns; i++) {
				double sum = 0;
				double magnitude = 0;
				for (int o = 0; o < 29; o++) {
					sum += (double) x.values[r][o] * weight.values()[o][i];
					magnitude += Math.abs((double) x.values[r][o] * weight.values()[o][i]);
				}
				assertThat((double) found[r][i]).isCloseTo(sum, within(magnitude * 1e-6 + 1e-30));
			}
		}
		requireRowsAlone(found,
				(row, alone) -> this.device.matmulTransposed(alone, x.row(row), weight.matrix(), false));
	}

	@Test
	void argumentsMayBeReusedAtOnce() {
		Values x = this.operands.activations(4, 8);
		Tensor gathered = this.operands.empty(2, 8);
		Tensor scattered = this.operands.empty(4, 8);
		Tensor looked = this.operands.empty(2, 8);
		Tensor combined = this.operands.empty(2, 8);
		Tensor written = this.operands.contiguous(1, 3);
		Weight table = this.operands.dense(DType.BF16, 4, 8);
		int[] rows = { 3, 1 };
		this.device.gather(gathered, x.tensor, rows);
		this.device.embed(looked, table.matrix(), rows);
		Arrays.fill(rows, 0);
		int[] places = { 2, 3, 0, 1 };
		this.device.scatter(scattered, x.tensor, places);
		Arrays.fill(places, 0);
		float[] weights = { 1, 0, 0, 1 };
		this.device.combine(combined, x.tensor, weights);
		Arrays.fill(weights, Float.NaN);
		float[] values = { 1, 2, 3 };
		this.device.write(written, values);
		Arrays.fill(values, Float.NaN);
		assertThat(this.operands.read(gathered)).isDeepEqualTo(new float[][] { x.values[3], x.values[1] });
		assertThat(this.operands.read(looked)).isDeepEqualTo(new float[][] { table.values()[3], table.values()[1] });
		assertThat(this.operands.read(scattered))
			.isDeepEqualTo(new float[][] { x.values[2], x.values[3], x.values[0], x.values[1] });
		assertThat(this.operands.read(combined)).isDeepEqualTo(new float[][] { x.values[0], x.values[3] });
		assertThat(this.operands.read(written)[0]).containsExactly(1, 2, 3);
	}

	@Test
	void sharedMemoryIsRewrittenBehindItsFence() {
		SharedBuffer shared = this.device.allocateShared(4096);
		assertThat(shared.byteSize()).isEqualTo(4096);
		assertThat(shared.memory().byteSize()).isEqualTo(4096);
		Tensor view = Tensor.floats(shared, 64, 2, 5);
		List<Tensor> copies = new ArrayList<>();
		for (int round = 0; round < 3; round++) {
			for (int i = 0; i < 10; i++) {
				shared.memory().set(ValueLayout.JAVA_FLOAT, 64 + 4L * i, 100 * round + i);
			}
			this.device.written(shared, 64, 40);
			Tensor copy = this.operands.empty(2, 5);
			this.device.copy(copy, view);
			copies.add(copy);
			this.device.commit().await();
		}
		for (int round = 0; round < 3; round++) {
			assertThat(this.operands.read(copies.get(round))[1]).containsExactly(100 * round + 5, 100 * round + 6,
					100 * round + 7, 100 * round + 8, 100 * round + 9);
		}
		shared.close();
		shared.close();
	}

	@Test
	void partsOfARegionAreClosedInAnyOrder() {
		SharedRegion region = this.device.reserveShared(3 << 16);
		SharedBuffer first = region.allocate(1000);
		SharedBuffer second = region.allocate(70_000);
		region.close();
		first.close();
		second.memory().fill((byte) 0);
		this.device.written(second, 0, 70_000);
		Tensor out = this.operands.empty(1, 7);
		this.device.copy(out, Tensor.floats(second, 69_000, 1, 7));
		assertThat(this.operands.read(out)[0]).containsOnly(0f);
		second.close();
	}

	@Test
	void wrappedMemoryIsNeverWritten() {
		try (Arena arena = Arena.ofShared()) {
			MemorySegment memory = arena.allocate(64, 64);
			Buffer wrapped = this.device.wrap(memory);
			assertThatIllegalArgumentException()
				.isThrownBy(() -> this.device.fill(Tensor.floats(wrapped, 0, 1, 16), 1f));
			wrapped.close();
		}
		assertThatIllegalArgumentException()
			.isThrownBy(() -> this.device.wrap(MemorySegment.ofArray(new float[] { 1f })));
		assertThatIllegalArgumentException().isThrownBy(() -> this.device.allocate(-1));
		assertThatIllegalArgumentException().isThrownBy(() -> this.device.allocateShared(-1));
	}

	@Test
	void wrongOperandsAreRefusedBeforeAnythingIsRecorded() {
		Values x = this.operands.activations(3, 8);
		Tensor out = this.operands.contiguous(3, 8);
		this.device.fill(out, 4f);
		Weight weight = this.operands.dense(DType.F32, 8, 9);
		List<Runnable> wrong = List.of(() -> this.device.copy(out, x.tensor.rows(0, 2)),
				() -> this.device.copy(this.operands.empty(DType.F16, 3, 8), x.tensor),
				() -> this.device.fill(this.operands.empty(DType.BF16, 3, 8), 1f),
				() -> this.device.broadcast(out, x.tensor), () -> this.device.convert(out, x.tensor.columns(0, 7)),
				() -> this.device.gather(out, x.tensor, new int[] { 0, 1 }),
				() -> this.device.gather(out, x.tensor, new int[] { 0, 1, 3 }),
				() -> this.device.scatter(out, x.tensor, new int[] { 0, 1, -1 }),
				() -> this.device.combine(out, x.tensor, new float[4]),
				() -> this.device.matmul(out, x.tensor, weight.matrix(), null),
				() -> this.device.matmulTransposed(out, x.tensor, weight.matrix(), false),
				() -> this.device.embed(out, weight.matrix(), new int[] { 0, 1, 2 }),
				() -> this.device.add(out, x.tensor.rows(0, 2)), () -> this.device.elementwise().softcap(out, 0f),
				() -> this.device.write(out, new float[23]), () -> this.device.read(out, new float[23]),
				() -> this.device.rmsNorm(out, x.tensor, x.tensor.columns(0, 7), 1e-5f),
				() -> this.device.rope(out, 5, x.tensor, x.tensor));
		for (Runnable operation : wrong) {
			assertThatIllegalArgumentException().isThrownBy(operation::run);
		}
		for (float[] row : this.operands.read(out)) {
			assertThat(row).containsOnly(4f);
		}
	}

	@Test
	void severalTensorsAreReadAtOnce() {
		Tensor first = this.operands.contiguous(2, 3);
		Tensor second = this.operands.contiguous(1, 4);
		this.device.fill(first, 1f);
		this.device.fill(second, 2f);
		float[] ones = new float[8];
		float[] twos = new float[4];
		this.device.read(List.of(new Device.Readback(first, ones), new Device.Readback(second, twos)));
		assertThat(ones).containsExactly(1, 1, 1, 1, 1, 1, 0, 0);
		assertThat(twos).containsOnly(2f);
	}

	@Test
	void fencesAreDoneAndTheirTimeNeverGoesBack() {
		Values x = this.operands.activations(64, 256);
		Weight weight = this.operands.dense(DType.F32, 256, 256);
		Tensor out = this.operands.empty(64, 256);
		long last = 0;
		for (int i = 0; i < 3; i++) {
			Fence before = this.device.commit();
			this.device.matmul(out, x.tensor, weight.matrix(), null);
			Fence after = this.device.commit();
			after.await();
			assertThat(after.isDone()).isTrue();
			assertThat(before.isDone()).as("earlier fences").isTrue();
			assertThat(before.elapsedNanos()).isBetween(last, after.elapsedNanos());
			assertThat(after.elapsedNanos()).isGreaterThan(before.elapsedNanos());
			assertThat(this.device.commit().elapsedNanos()).as("nothing was recorded").isEqualTo(after.elapsedNanos());
			last = after.elapsedNanos();
		}
	}

	@ParameterizedTest
	@ValueSource(ints = { 0, 1, 63, 1 << 20 })
	void buffersHaveTheirLengthAndCloseTwice(int bytes) {
		for (Buffer buffer : List.of(this.device.allocate(bytes), this.device.allocateShared(bytes))) {
			assertThat(buffer.byteSize()).isEqualTo(bytes);
			buffer.close();
			buffer.close();
		}
	}

	/** Computes one row of something. */
	private interface RowOperation {

		void run(int row, Tensor out);

	}

	/** How matrices are stored. */
	enum Format {

		F32(null, 0, 1), F16(null, 0, 1), BF16(null, 0, 1), AFFINE2(Mode.AFFINE, 2, 64), AFFINE3(Mode.AFFINE, 3, 32),
		AFFINE4(Mode.AFFINE, 4, 32), AFFINE5(Mode.AFFINE, 5, 64), AFFINE6(Mode.AFFINE, 6, 32),
		AFFINE8(Mode.AFFINE, 8, 64), MXFP4(Mode.MXFP4, 4, 32), MXFP8(Mode.MXFP8, 8, 32), NVFP4(Mode.NVFP4, 4, 16),
		FP8(Mode.FP8, 8, 32);

		private final @Nullable Mode mode;

		private final int bits;

		private final int group;

		private final int groupRows;

		Format(@Nullable Mode mode, int bits, int group) {
			this.mode = mode;
			this.bits = bits;
			this.group = group;
			this.groupRows = (mode == Mode.FP8) ? 4 : 1;
		}

	}

}
