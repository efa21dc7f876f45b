package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import java.util.Random;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.Quantization;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.KvBlocks;
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
		Tensor codes = empty(DType.U32, rows, columns * bits / 32);
		MemorySegment memory = memory(codes);
		for (int r = 0; r < rows; r++) {
			for (int c = 0; c < codes.columns(); c++) {
				memory.set(ValueLayout.JAVA_INT_UNALIGNED, offset(codes, r, c), this.random.nextInt());
			}
		}
		return new Matrix.Quantized(codes, numbers(scaleType, rows, columns / groupSize),
				numbers(scaleType, rows, columns / groupSize), new Quantization(Quantization.AFFINE, bits, groupSize));
	}

	/** A cache of one layer whose blocks lie in reverse order in one buffer. */
	KvBlocks blocks(int count, KvBlocks.Layout layout) {
		long gap = 64 + 4L * this.random.nextInt(8);
		MemorySegment memory = this.arena.allocate(count * (2 * layout.layerBytes() + gap) + gap);
		memory.fill((byte) 0xff);
		Buffer buffer = buffer(memory);
		return new KvBlocks() {

			@Override
			public Layout layout() {
				return layout;
			}

			@Override
			public Buffer buffer(int block) {
				return buffer;
			}

			@Override
			public long byteOffset(int block, int layer) {
				return gap + (count - 1 - block) * (2 * layout.layerBytes() + gap) + layer * layout.layerBytes();
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
						int group = c / quantized.quantization().groupSize();
						values[r][c] = Math.fma((float) code(quantized, r, c), get(quantized.scales(), r, group),
								get(Objects.requireNonNull(quantized.biases()), r, group));
					}
				}
				yield values;
			}
		};
	}

	private static int code(Matrix.Quantized matrix, int row, int column) {
		int code = 0;
		int bits = matrix.quantization().bits();
		for (int i = 0; i < bits; i++) {
			long bit = (long) column * bits + i;
			int word = memory(matrix.codes()).get(ValueLayout.JAVA_INT_UNALIGNED,
					offset(matrix.codes(), row, (int) (bit / 32)));
			code |= ((word >>> (bit % 32)) & 1) << i;
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
