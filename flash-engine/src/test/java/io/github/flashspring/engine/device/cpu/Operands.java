package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import java.util.Random;
import java.util.function.IntUnaryOperator;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.Quantization;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.Tensor;

/**
 * Makes random operands at odd addresses with gaps between rows, and reads them back one
 * value at a time.
 */
final class Operands {

	private final Random random;

	private final Arena arena = Arena.ofAuto();

	Operands(long seed) {
		this.random = new Random(seed);
	}

	Random random() {
		return this.random;
	}

	Tensor activations(int rows, int columns) {
		return numbers(DType.F32, rows, columns);
	}

	Tensor numbers(DType type, int rows, int columns) {
		Tensor tensor = empty(type, rows, columns);
		for (int r = 0; r < rows; r++) {
			for (int c = 0; c < columns; c++) {
				set(tensor, r, c, (float) this.random.nextGaussian());
			}
		}
		return tensor;
	}

	/** A tensor of NaNs. */
	Tensor empty(DType type, int rows, int columns) {
		int stride = columns + this.random.nextInt(20);
		int misaligned = this.random.nextInt(64);
		MemorySegment memory = this.arena.allocate(misaligned + (long) rows * stride * type.bytes() + 1);
		memory.fill((byte) 0xff);
		return new Tensor(buffer(memory), misaligned, type, rows, columns, stride);
	}

	Tensor contiguous(int rows, int columns) {
		return Tensor.of(buffer(this.arena.allocate(Math.max(1, (long) rows * columns * Float.BYTES))), 0, DType.F32,
				rows, columns);
	}

	Matrix.Dense dense(DType type, int rows, int columns) {
		return new Matrix.Dense(numbers(type, rows, columns));
	}

	Matrix.Quantized affine(int bits, int groupSize, int rows, int columns, DType scaleType) {
		return quantized(new Quantization(Quantization.Mode.AFFINE, bits, groupSize), rows, columns, scaleType);
	}

	/** Random codes; those of eight-bit floats are numbers. */
	Matrix.Quantized quantized(Quantization quantization, int rows, int columns, DType scaleType) {
		boolean floats = quantization.mode() == Quantization.Mode.MXFP8 || quantization.mode() == Quantization.Mode.FP8;
		boolean rectangles = quantization.mode() == Quantization.Mode.FP8;
		int bits = rectangles ? Byte.SIZE : Integer.SIZE;
		Tensor codes = empty(rectangles ? DType.F8_E4M3 : DType.U32, rows,
				Math.toIntExact((long) columns * quantization.bits() / bits));
		bytes(codes, (code) -> floats && (code & 0x7f) == 0x7f ? code ^ 1 : code);
		int scaleRows = Math.ceilDiv(rows, quantization.groupRows());
		int groups = Math.toIntExact(quantization.groups(columns));
		return switch (quantization.mode()) {
			case AFFINE -> new Matrix.Quantized(codes, numbers(scaleType, rows, groups),
					numbers(scaleType, rows, groups), quantization);
			case FP8 -> new Matrix.Quantized(codes, numbers(scaleType, scaleRows, groups), null, quantization);
			case NVFP4 -> {
				Tensor scales = empty(DType.U8, rows, groups);
				bytes(scales, (code) -> code % 0x7f);
				yield new Matrix.Quantized(codes, scales, null, quantization);
			}
			default -> {
				Tensor scales = empty(DType.U8, rows, groups);
				bytes(scales, (code) -> 118 + code % 14);
				yield new Matrix.Quantized(codes, scales, null, quantization);
			}
		};
	}

	private void bytes(Tensor tensor, IntUnaryOperator allowed) {
		MemorySegment memory = memory(tensor);
		for (int r = 0; r < tensor.rows(); r++) {
			for (int i = 0; i < tensor.columns() * tensor.dtype().bytes(); i++) {
				memory.set(ValueLayout.JAVA_BYTE, offset(tensor, r, 0) + i,
						(byte) allowed.applyAsInt(this.random.nextInt(256)));
			}
		}
	}

	/**
	 * A cache of one layer whose pages lie in reverse order in one buffer. If its format
	 * is that of codes, pages from {@code count} on are those of the newest tokens.
	 */
	KvPages pages(int count, KvPages.Layout layout) {
		long gap = 64 + 4L * this.random.nextInt(8);
		boolean codes = layout.format() == KvPages.Format.Q8;
		int all = codes ? 2 * count : count;
		long layerBytes = codes ? layout.in(KvPages.Format.F32).layerBytes() : layout.layerBytes();
		MemorySegment memory = this.arena.allocate(all * (2 * layerBytes + gap) + gap);
		memory.fill((byte) 0xff);
		Buffer buffer = buffer(memory);
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
				return codes ? 1 : NONE;
			}

			@Override
			public int recentWindow() {
				return TILE;
			}

			@Override
			public Buffer buffer(int page) {
				return buffer;
			}

			@Override
			public long byteOffset(int page, int layer) {
				return gap + (all - 1 - page) * (2 * layerBytes + gap) + layer * layerBytes;
			}

		};
	}

	static Buffer buffer(MemorySegment memory) {
		return new CpuBuffer(memory, null);
	}

	static MemorySegment memory(Tensor tensor) {
		return ((CpuBuffer) tensor.buffer()).segment();
	}

	static float[][] values(Tensor tensor) {
		float[][] values = new float[tensor.rows()][tensor.columns()];
		for (int r = 0; r < tensor.rows(); r++) {
			for (int c = 0; c < tensor.columns(); c++) {
				values[r][c] = get(tensor, r, c);
			}
		}
		return values;
	}

	static float[][] values(Matrix matrix) {
		return switch (matrix) {
			case Matrix.Dense dense -> values(dense.values());
			case Matrix.Quantized quantized -> {
				float[][] values = new float[matrix.rows()][matrix.columns()];
				for (int r = 0; r < matrix.rows(); r++) {
					for (int c = 0; c < matrix.columns(); c++) {
						values[r][c] = value(quantized, r, c);
					}
				}
				yield values;
			}
		};
	}

	/** What the format's definition says. */
	private static float value(Matrix.Quantized matrix, int row, int column) {
		Quantization quantization = matrix.quantization();
		int scaleRow = (matrix.skippedRows() + row) / quantization.groupRows();
		int group = column / quantization.groupSize();
		int code = code(matrix, row, column);
		return switch (quantization.mode()) {
			case AFFINE -> Math.fma((float) code, get(matrix.scales(), scaleRow, group),
					get(Objects.requireNonNull(matrix.biases()), row, group));
			case MXFP4 -> (float) (minifloat(code, 2, 1) * power(matrix, scaleRow, group));
			case MXFP8 -> (float) (minifloat(code, 4, 3) * power(matrix, scaleRow, group));
			case NVFP4 -> (float) (minifloat(code, 2, 1) * minifloat(scaleCode(matrix, scaleRow, group), 4, 3));
			case FP8 -> (float) minifloat(code, 4, 3) * get(matrix.scales(), scaleRow, group);
			default -> throw new IllegalArgumentException(quantization.toString());
		};
	}

	private static double power(Matrix.Quantized matrix, int row, int group) {
		return Math.pow(2, scaleCode(matrix, row, group) - 127);
	}

	private static int scaleCode(Matrix.Quantized matrix, int row, int group) {
		return memory(matrix.scales()).get(ValueLayout.JAVA_BYTE, offset(matrix.scales(), row, group)) & 0xff;
	}

	/** A float of a few bits without infinities, by the formula of IEEE 754. */
	static double minifloat(int code, int exponentBits, int fractionBits) {
		int sign = code >> (exponentBits + fractionBits);
		int exponent = (code >> fractionBits) & ((1 << exponentBits) - 1);
		double fraction = (code & ((1 << fractionBits) - 1)) / Math.pow(2, fractionBits);
		int bias = (1 << (exponentBits - 1)) - 1;
		double magnitude = (exponent == 0) ? fraction * Math.pow(2, 1 - bias)
				: (1 + fraction) * Math.pow(2, exponent - bias);
		return (sign == 0) ? magnitude : -magnitude;
	}

	private static int code(Matrix.Quantized matrix, int row, int column) {
		int code = 0;
		int bits = matrix.quantization().bits();
		for (int i = 0; i < bits; i++) {
			long bit = (long) column * bits + i;
			int octet = memory(matrix.codes()).get(ValueLayout.JAVA_BYTE, offset(matrix.codes(), row, 0) + bit / 8);
			code |= ((octet >>> (bit % 8)) & 1) << i;
		}
		return code;
	}

	static float get(Tensor tensor, int row, int column) {
		MemorySegment memory = memory(tensor);
		long offset = offset(tensor, row, column);
		return switch (tensor.dtype()) {
			case F32 -> memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, offset);
			case F16 -> Float.float16ToFloat(memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, offset));
			case BF16 -> Float.intBitsToFloat(memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, offset) << 16);
			default -> throw new IllegalArgumentException(tensor.dtype().toString());
		};
	}

	static void set(Tensor tensor, int row, int column, float value) {
		MemorySegment memory = memory(tensor);
		long offset = offset(tensor, row, column);
		switch (tensor.dtype()) {
			case F32 -> memory.set(ValueLayout.JAVA_FLOAT_UNALIGNED, offset, value);
			case F16 -> memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, offset, Float.floatToFloat16(value));
			case BF16 ->
				memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, offset, (short) (Float.floatToRawIntBits(value) >>> 16));
			default -> throw new IllegalArgumentException(tensor.dtype().toString());
		}
	}

	private static long offset(Tensor tensor, int row, int column) {
		return tensor.byteOffset() + ((long) row * tensor.rowStride() + column) * tensor.dtype().bytes();
	}

}
