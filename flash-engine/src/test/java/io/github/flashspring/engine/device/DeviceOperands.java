package io.github.flashspring.engine.device;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.Quantization;
import io.github.flashspring.engine.checkpoint.Quantization.Mode;

/**
 * Makes random operands of any device at odd addresses with gaps between rows, and knows
 * their values.
 */
public final class DeviceOperands implements AutoCloseable {

	private final Device device;

	private final Random random;

	private final Arena arena = Arena.ofAuto();

	private final List<Buffer> buffers = new ArrayList<>();

	DeviceOperands(Device device, long seed) {
		this.device = device;
		this.random = new Random(seed);
	}

	Random random() {
		return this.random;
	}

	/** F32 values in shared memory. */
	Values activations(int rows, int columns) {
		return new Values(DType.F32, rows, columns, true);
	}

	/** Values of a type in wrapped memory. */
	Values numbers(DType type, int rows, int columns) {
		return new Values(type, rows, columns, false);
	}

	/** A tensor of values that nobody knows. */
	Tensor empty(int rows, int columns) {
		return empty(DType.F32, rows, columns);
	}

	Tensor empty(DType type, int rows, int columns) {
		int stride = columns + this.random.nextInt(9);
		int offset = type.bytes() * this.random.nextInt(5);
		return new Tensor(allocate(offset + (long) rows * stride * type.bytes()), offset, type, rows, columns, stride);
	}

	Tensor contiguous(int rows, int columns) {
		return Tensor.floats(allocate(4L * rows * columns), 0, rows, columns);
	}

	Buffer allocate(long bytes) {
		Buffer buffer = this.device.allocate(bytes);
		this.buffers.add(buffer);
		return buffer;
	}

	/** What a tensor holds, F32. */
	float[][] read(Tensor tensor) {
		Tensor copy = contiguous(tensor.rows(), tensor.columns());
		this.device.copy(copy, tensor);
		float[] all = new float[tensor.rows() * tensor.columns()];
		this.device.read(copy, all);
		float[][] values = new float[tensor.rows()][tensor.columns()];
		for (int r = 0; r < values.length; r++) {
			System.arraycopy(all, r * tensor.columns(), values[r], 0, tensor.columns());
		}
		return values;
	}

	/** A matrix whose codes are random; those of eight-bit floats are numbers. */
	Weight quantized(Quantization quantization, int rows, int columns, DType scaleType) {
		boolean fp8 = (quantization.mode() == Mode.FP8);
		int bits = fp8 ? Byte.SIZE : Integer.SIZE;
		int width = Math.toIntExact((long) columns * quantization.bits() / bits);
		boolean floats = fp8 || (quantization.mode() == Mode.MXFP8);
		Bytes codes = new Bytes(fp8 ? DType.F8_E4M3 : DType.U32, rows, width, 0, floats ? 0x7e : 0xff);
		int groups = Math.toIntExact(quantization.groups(columns));
		int scaleRows = Math.ceilDiv(rows, quantization.groupRows());
		boolean numbers = (quantization.mode() == Mode.AFFINE) || fp8;
		Values scales = numbers(scaleType, scaleRows, groups);
		Values biases = numbers(scaleType, rows, groups);
		Bytes exponents = new Bytes(DType.U8, rows, groups, (quantization.mode() == Mode.NVFP4) ? 0 : 118, 14);
		Matrix.Quantized matrix = new Matrix.Quantized(codes.tensor, numbers ? scales.tensor : exponents.tensor,
				(quantization.mode() == Mode.AFFINE) ? biases.tensor : null, quantization);
		float[][] values = new float[rows][columns];
		for (int r = 0; r < rows; r++) {
			for (int c = 0; c < columns; c++) {
				int code = codes.bits(r, c, quantization.bits());
				int group = c / quantization.groupSize();
				int scaleRow = r / quantization.groupRows();
				values[r][c] = switch (quantization.mode()) {
					case AFFINE -> Math.fma((float) code, scales.values[r][group], biases.values[r][group]);
					case MXFP4 -> (float) (minifloat(code, 2, 1) * Math.pow(2, exponents.at(r, group) - 127));
					case MXFP8 -> (float) (minifloat(code, 4, 3) * Math.pow(2, exponents.at(r, group) - 127));
					case NVFP4 -> (float) (minifloat(code, 2, 1) * minifloat(exponents.at(r, group), 4, 3));
					case FP8 -> (float) minifloat(code, 4, 3) * scales.values[scaleRow][group];
				};
			}
		}
		return new Weight(matrix, values);
	}

	Weight dense(DType type, int rows, int columns) {
		Values numbers = numbers(type, rows, columns);
		return new Weight(new Matrix.Dense(numbers.tensor), numbers.values);
	}

	/** A float of a few bits without infinities, by the formula of IEEE 754. */
	private static double minifloat(int code, int exponentBits, int fractionBits) {
		int exponent = (code >> fractionBits) & ((1 << exponentBits) - 1);
		double fraction = (code & ((1 << fractionBits) - 1)) / Math.pow(2, fractionBits);
		int bias = (1 << (exponentBits - 1)) - 1;
		double magnitude = (exponent == 0) ? fraction * Math.pow(2, 1 - bias)
				: (1 + fraction) * Math.pow(2, exponent - bias);
		return (code >> (exponentBits + fractionBits) == 0) ? magnitude : -magnitude;
	}

	/**
	 * A cache of two layers whose pages lie in reverse order in one buffer. If its format
	 * is that of codes, pages from {@code count} on are those of the newest tokens.
	 */
	KvPages pages(int count, KvPages.Layout layout) {
		long layerBytes = layout.in(KvPages.Format.F32).layerBytes();
		Buffer buffer = allocate(2L * count * 2 * layerBytes);
		return new KvPages() {

			@Override
			public Layout layout() {
				return layout;
			}

			@Override
			public Layout layout(int group) {
				return (group == 0) ? layout : layout.in(Format.F16);
			}

			@Override
			public int recentGroup(int layer) {
				return (layout.format() == Format.Q8) ? 1 : NONE;
			}

			@Override
			public Buffer buffer(int page) {
				return buffer;
			}

			@Override
			public long byteOffset(int page, int layer) {
				return ((2L * count - 1L - page) * 2 + layer) * layerBytes;
			}

		};
	}

	/** Numbers as they are read again: what a format keeps of them. */
	static float[][] kept(float[][] numbers, int heads, int[] bounds, KvPages.Format format) {
		float[][] kept = new float[numbers.length][];
		for (int r = 0; r < numbers.length; r++) {
			kept[r] = numbers[r].clone();
			int dim = bounds[bounds.length - 1];
			for (int g = 0; g < heads * (bounds.length - 1); g++) {
				int head = g / (bounds.length - 1) * dim;
				int from = head + bounds[g % (bounds.length - 1)];
				keep(kept[r], from, head + bounds[g % (bounds.length - 1) + 1], format);
			}
		}
		return kept;
	}

	private static void keep(float[] numbers, int from, int to, KvPages.Format format) {
		float least = Float.POSITIVE_INFINITY;
		float most = Float.NEGATIVE_INFINITY;
		for (int i = from; i < to; i++) {
			least = Math.min(least, numbers[i]);
			most = Math.max(most, numbers[i]);
		}
		float bias = half(least);
		float scale = half((most - least) / 255);
		for (int i = from; i < to; i++) {
			numbers[i] = switch (format) {
				case F32 -> numbers[i];
				case F16 -> half(numbers[i]);
				case Q8 -> (scale == 0) ? bias
						: Math.fma((float) Math.clamp(Math.rint((numbers[i] - bias) / scale), 0, 255), scale, bias);
			};
		}
	}

	private static float half(float number) {
		return Float.float16ToFloat(Float.floatToFloat16(number));
	}

	@Override
	public void close() {
		this.device.commit().await();
		this.buffers.forEach(Buffer::close);
	}

	private Buffer hand(MemorySegment memory, boolean shared) {
		if (!shared) {
			Buffer buffer = this.device.wrap(memory);
			this.buffers.add(buffer);
			return buffer;
		}
		SharedBuffer buffer = this.device.allocateShared(memory.byteSize());
		buffer.memory().copyFrom(memory);
		this.device.written(buffer, 0, memory.byteSize());
		this.buffers.add(buffer);
		return buffer;
	}

	/**
	 * A matrix and its values.
	 *
	 * @param matrix for the device
	 * @param values [rows, columns]
	 */
	@SuppressWarnings("ArrayRecordComponent") // Made for one test.
	record Weight(Matrix matrix, float[][] values) {

	}

	/** Numbers that the host knows. */
	final class Values {

		final Tensor tensor;

		final float[][] values;

		Values(DType type, int rows, int columns, boolean shared) {
			int stride = columns + DeviceOperands.this.random.nextInt(9);
			int offset = type.bytes() * DeviceOperands.this.random.nextInt(5);
			MemorySegment memory = DeviceOperands.this.arena
				.allocate(Math.max(1, offset + (long) rows * stride * type.bytes()), 64);
			memory.fill((byte) 0xff);
			this.values = new float[rows][columns];
			for (int r = 0; r < rows; r++) {
				for (int c = 0; c < columns; c++) {
					float value = (float) DeviceOperands.this.random.nextGaussian();
					long at = offset + ((long) r * stride + c) * type.bytes();
					switch (type) {
						case F16 -> {
							short half = Float.floatToFloat16(value);
							memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, half);
							value = Float.float16ToFloat(half);
						}
						case BF16 -> {
							value = Float.intBitsToFloat(Float.floatToRawIntBits(value) & 0xffff0000);
							memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, at,
									(short) (Float.floatToRawIntBits(value) >>> 16));
						}
						default -> memory.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at, value);
					}
					this.values[r][c] = value;
				}
			}
			this.tensor = new Tensor(hand(memory, shared), offset, type, rows, columns, stride);
		}

		/** The values of a row alone, for a test of the first law. */
		Tensor row(int row) {
			return this.tensor.rows(row, 1);
		}

	}

	/** Codes that the host knows. */
	private final class Bytes {

		private final Tensor tensor;

		private final MemorySegment memory;

		private final long rowBytes;

		Bytes(DType type, int rows, int columns, int least, int most) {
			this.rowBytes = (long) columns * type.bytes();
			this.memory = DeviceOperands.this.arena.allocate(Math.max(1, rows * this.rowBytes), 64);
			for (long i = 0; i < rows * this.rowBytes; i++) {
				int code = DeviceOperands.this.random.nextInt(most + 1);
				this.memory.set(ValueLayout.JAVA_BYTE, i, (byte) (least + code));
			}
			this.tensor = Tensor.of(hand(this.memory, false), 0, type, rows, columns);
		}

		int at(int row, int column) {
			return this.memory.get(ValueLayout.JAVA_BYTE, row * this.rowBytes + column) & 0xff;
		}

		int bits(int row, int column, int bits) {
			int code = 0;
			for (int i = 0; i < bits; i++) {
				long bit = (long) column * bits + i;
				code |= ((at(row, (int) (bit / 8)) >>> (bit % 8)) & 1) << i;
			}
			return code;
		}

	}

	/**
	 * {@return values of an optional operand, zero without it}
	 */
	static float valueOf(@Nullable Values operand, int row, int column) {
		return (operand != null) ? operand.values[row][column] : 0f;
	}

}
