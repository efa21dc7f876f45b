package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The product of one weight row with one input: what decoding spends its time in. A
 * register holds as many 32-bit words of codes as it has lanes, and masks cut out the
 * codes where they are: see {@link BlockOrder}.
 *
 * <p>
 * Measured on one core of a Zen 3 at 3 GHz with 4 bits in groups of 64, in billions of
 * weights per second: 10.5, of which centring the codes costs 3 (13.8 without, but then
 * sums and biases cancel and lose three times as much precision). Two chains of four
 * additions for each scale instead of one of eight give a fifth; making every code a
 * weight before it is multiplied gets no more than 10 even without centring. Both halves
 * of the lanes in one loop are too much for the JIT compiler's inlining (0.9), two rows
 * at once make it spill.
 */
final class RowKernels {

	private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

	private static final VectorSpecies<Float> FLOATS = Lanes.NARROW;

	private static final VectorSpecies<Integer> INTS = Lanes.NARROW_INTS;

	private static final VectorSpecies<Short> SHORTS = ShortVector.SPECIES_64
		.withShape(VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));

	private static final int STEP = FLOATS.length();

	/** Values of a block in one register's lanes. */
	private static final int PART = STEP * BlockOrder.STEPS;

	private static final long LOW = 0xffffffffL;

	private RowKernels() {
	}

	/**
	 * Multiplies a row, without its biases.
	 * @param weights the matrix
	 * @param row row of the matrix
	 * @param groups scales of the row, if it has any
	 * @param x the packed input
	 * @param from index of its first value
	 * @param block room for a block
	 * @param lanes receives 16 sums
	 * @param at index of the first sum
	 */
	static void multiply(Weights weights, int row, float[] groups, float[] x, int from, float[] block, float[] lanes,
			int at) {
		MemorySegment memory = weights.values().memory();
		long offset = weights.values().row(row);
		int columns = weights.columns();
		int whole = columns / BlockOrder.COLUMNS;
		int blocks = BlockOrder.blocks(columns);
		int done = whole;
		switch (weights.format()) {
			case F32 -> single(memory, offset, x, from, 2 * whole, lanes, at);
			case BF16 -> bfloat(memory, offset, x, from, 2 * whole, lanes, at);
			case F16 -> {
				Arrays.fill(lanes, at, at + Kernels.LANES, 0f);
				done = 0;
			}
			case AFFINE4 -> {
				if (weights.groupSize() == 32) {
					affine4by32(memory, offset, groups, x, from, whole, blocks, lanes, at);
				}
				else {
					affine4(memory, offset, groups, weights.groupSize() / 128, x, from, whole, blocks, lanes, at);
				}
			}
			case AFFINE8 -> affine8(memory, offset, groups, weights.groupSize(), x, from, whole, blocks, lanes, at);
			default -> {
				VectorDecoding.multiply(weights, row, x, from, block, lanes, at);
				done = blocks;
			}
		}
		for (int b = done; b < blocks; b++) {
			for (int lane = 0; lane < Kernels.LANES; lane += STEP) {
				VectorNumbers.unpackBlock(weights, row, b, lane, STEP, block);
				if (weights.format().coded()) {
					PortableKernels.blockScales(weights, row, b, lane, STEP, block, PART);
					coded(block, x, from + (lane * blocks + b * STEP) * BlockOrder.STEPS, lanes, at + lane);
				}
				else {
					plain(block, x, from + b * BlockOrder.COLUMNS + lane, lanes, at + lane);
				}
			}
		}
	}

	/**
	 * Adds the biases, each times the sum of its group's inputs.
	 * @param groups has the biases
	 * @param first index of the first bias
	 * @param sums of the input over groups
	 * @param from index of the first sum
	 * @param count number of groups, a multiple of 16
	 * @param lanes 16 sums to add to
	 * @param at index of the first
	 */
	static void biases(float[] groups, int first, float[] sums, int from, int count, float[] lanes, int at) {
		for (int lane = 0; lane < Kernels.LANES; lane += STEP) {
			FloatVector sum = FloatVector.fromArray(FLOATS, lanes, at + lane);
			for (int g = lane; g < count; g += Kernels.LANES) {
				sum = FloatVector.fromArray(FLOATS, groups, first + g)
					.fma(FloatVector.fromArray(FLOATS, sums, from + g), sum);
			}
			sum.intoArray(lanes, at + lane);
		}
	}

	/** Half blocks of single precision. */
	private static void single(MemorySegment memory, long offset, float[] x, int from, int halves, float[] lanes,
			int at) {
		for (int lane = 0; lane < Kernels.LANES; lane += 2 * STEP) {
			FloatVector a = FloatVector.zero(FLOATS);
			FloatVector b = FloatVector.zero(FLOATS);
			for (int t = 0; t < halves; t++) {
				int i = from + 64 * t + lane;
				long w = offset + 256L * t + 4L * lane;
				FloatVector c = load(memory, w).mul(load(x, i));
				FloatVector d = load(memory, w + 4L * STEP).mul(load(x, i + STEP));
				c = load(memory, w + 64).fma(load(x, i + 16), c);
				d = load(memory, w + 64 + 4L * STEP).fma(load(x, i + 16 + STEP), d);
				c = load(memory, w + 128).fma(load(x, i + 32), c);
				d = load(memory, w + 128 + 4L * STEP).fma(load(x, i + 32 + STEP), d);
				c = load(memory, w + 192).fma(load(x, i + 48), c);
				d = load(memory, w + 192 + 4L * STEP).fma(load(x, i + 48 + STEP), d);
				a = a.add(c);
				b = b.add(d);
			}
			a.intoArray(lanes, at + lane);
			b.intoArray(lanes, at + lane + STEP);
		}
	}

	/** Half blocks of upper halves of singles. */
	private static void bfloat(MemorySegment memory, long offset, float[] x, int from, int halves, float[] lanes,
			int at) {
		for (int lane = 0; lane < Kernels.LANES; lane += 2 * STEP) {
			FloatVector a = FloatVector.zero(FLOATS);
			FloatVector b = FloatVector.zero(FLOATS);
			for (int t = 0; t < halves; t++) {
				int i = from + 64 * t + lane;
				long w = offset + 128L * t + 2L * lane;
				FloatVector c = upper(memory, w).mul(load(x, i));
				FloatVector d = upper(memory, w + 2L * STEP).mul(load(x, i + STEP));
				c = upper(memory, w + 32).fma(load(x, i + 16), c);
				d = upper(memory, w + 32 + 2L * STEP).fma(load(x, i + 16 + STEP), d);
				c = upper(memory, w + 64).fma(load(x, i + 32), c);
				d = upper(memory, w + 64 + 2L * STEP).fma(load(x, i + 32 + STEP), d);
				c = upper(memory, w + 96).fma(load(x, i + 48), c);
				d = upper(memory, w + 96 + 2L * STEP).fma(load(x, i + 48 + STEP), d);
				a = a.add(c);
				b = b.add(d);
			}
			a.intoArray(lanes, at + lane);
			b.intoArray(lanes, at + lane + STEP);
		}
	}

	/** Codes of 4 bits in groups of 64 (shift 0) or 128 (shift 1). */
	private static void affine4(MemorySegment memory, long offset, float[] groups, int shift, float[] x, int from,
			int whole, int blocks, float[] lanes, int at) {
		for (int lane = 0; lane < Kernels.LANES; lane += STEP) {
			FloatVector sum = FloatVector.zero(FLOATS);
			int half = lane / 8;
			for (int t = 0; t < whole; t++) {
				FloatVector scale = FloatVector.broadcast(FLOATS, groups[(2 * t + half) >>> shift]);
				sum = words4(load4(memory, offset + 64L * t + 4L * lane), x, from + lane * blocks * 8 + t * PART)
					.fma(scale, sum);
			}
			sum.intoArray(lanes, at + lane);
		}
	}

	/** Codes of 4 bits in groups of 32. */
	private static void affine4by32(MemorySegment memory, long offset, float[] groups, float[] x, int from, int whole,
			int blocks, float[] lanes, int at) {
		for (int lane = 0; lane < Kernels.LANES; lane += STEP) {
			FloatVector sum = FloatVector.zero(FLOATS);
			VectorMask<Float> second = FloatVector.broadcast(FLOATS, lane)
				.addIndex(1)
				.compare(VectorOperators.GE, lane / 8 * 8 + 4);
			int half = lane / 8 * 2;
			for (int t = 0; t < whole; t++) {
				FloatVector scale = FloatVector.broadcast(FLOATS, groups[4 * t + half])
					.blend(FloatVector.broadcast(FLOATS, groups[4 * t + half + 1]), second);
				sum = words4(load4(memory, offset + 64L * t + 4L * lane), x, from + lane * blocks * 8 + t * PART)
					.fma(scale, sum);
			}
			sum.intoArray(lanes, at + lane);
		}
	}

	/**
	 * The two halves are a loop, which the JIT compiler unrolls: written out, it is too
	 * much for its inlining, and a tenth as fast.
	 */
	private static FloatVector words4(IntVector words, float[] x, int from) {
		FloatVector sum = FloatVector.zero(FLOATS);
		IntVector codes = words;
		for (int k = 0; k < 2; k++) {
			int i = from + 4 * STEP * k;
			FloatVector a = VectorNumbers.code(codes, 0xf, 0x8).mul(load(x, i));
			a = VectorNumbers.code(codes, 0xf0, 0x80).fma(load(x, i + STEP), a);
			a = VectorNumbers.code(codes, 0xf00, 0x800).fma(load(x, i + 2 * STEP), a);
			a = VectorNumbers.code(codes, 0xf000, 0x8000).fma(load(x, i + 3 * STEP), a);
			sum = sum.add(a);
			codes = codes.lanewise(VectorOperators.LSHR, 16);
		}
		return sum;
	}

	/** Codes of 8 bits: two words to a lane. */
	private static void affine8(MemorySegment memory, long offset, float[] groups, int groupSize, float[] x, int from,
			int whole, int blocks, float[] lanes, int at) {
		VectorMask<Float> odd = IntVector.zero(INTS).addIndex(1).and(1).eq(1).cast(FLOATS);
		for (int lane = 0; lane < Kernels.LANES; lane += STEP) {
			FloatVector sum = FloatVector.zero(FLOATS);
			int first = 64 * (lane / 8);
			for (int t = 0; t < whole; t++) {
				int column = 128 * t + first;
				FloatVector scale = FloatVector.broadcast(FLOATS, groups[column / groupSize])
					.blend(FloatVector.broadcast(FLOATS, groups[(column + 32) / groupSize]), odd);
				long w = offset + column + 4L * (lane % 8);
				LongVector near = load4(memory, w).reinterpretAsLongs();
				LongVector far = load4(memory, w + 32).reinterpretAsLongs();
				IntVector even = near.and(LOW).or(far.lanewise(VectorOperators.LSHL, 32)).reinterpretAsInts();
				IntVector next = near.lanewise(VectorOperators.LSHR, 32).or(far.and(~LOW)).reinterpretAsInts();
				int i = from + lane * blocks * 8 + t * PART;
				sum = words8(even, next, x, i).fma(scale, sum);
			}
			sum.intoArray(lanes, at + lane);
		}
	}

	private static FloatVector words8(IntVector even, IntVector next, float[] x, int from) {
		FloatVector sum = FloatVector.zero(FLOATS);
		IntVector codes = even;
		for (int k = 0; k < 2; k++) {
			int i = from + 4 * STEP * k;
			IntVector high = codes.lanewise(VectorOperators.LSHR, 16);
			FloatVector a = VectorNumbers.code(codes, 0xff, 0x80).mul(load(x, i));
			a = VectorNumbers.code(codes, 0xff00, 0x8000).fma(load(x, i + STEP), a);
			a = VectorNumbers.code(high, 0xff, 0x80).fma(load(x, i + 2 * STEP), a);
			a = VectorNumbers.code(high, 0xff00, 0x8000).fma(load(x, i + 3 * STEP), a);
			sum = sum.add(a);
			codes = next;
		}
		return sum;
	}

	/** A part of a block that was unpacked before, with its scales behind it. */
	private static void coded(float[] block, float[] x, int from, float[] lanes, int at) {
		FloatVector a = load(block, 0).mul(load(x, from));
		FloatVector b = load(block, 4 * STEP).mul(load(x, from + 4 * STEP));
		for (int step = 1; step < 4; step++) {
			a = load(block, step * STEP).fma(load(x, from + step * STEP), a);
			b = load(block, (4 + step) * STEP).fma(load(x, from + (4 + step) * STEP), b);
		}
		a.add(b).fma(load(block, PART), load(lanes, at)).intoArray(lanes, at);
	}

	/** A part of a block that was unpacked before. */
	private static void plain(float[] block, float[] x, int from, float[] lanes, int at) {
		FloatVector sum = load(lanes, at);
		for (int half = 0; half < BlockOrder.STEPS; half += 4) {
			FloatVector a = load(block, half * STEP).mul(load(x, from + half * Kernels.LANES));
			for (int step = half + 1; step < half + 4; step++) {
				a = load(block, step * STEP).fma(load(x, from + step * Kernels.LANES), a);
			}
			sum = sum.add(a);
		}
		sum.intoArray(lanes, at);
	}

	private static FloatVector load(float[] array, int index) {
		return FloatVector.fromArray(FLOATS, array, index);
	}

	private static FloatVector load(MemorySegment memory, long offset) {
		return FloatVector.fromMemorySegment(FLOATS, memory, offset, ORDER);
	}

	private static FloatVector upper(MemorySegment memory, long offset) {
		return ((IntVector) ShortVector.fromMemorySegment(SHORTS, memory, offset, ORDER)
			.convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0)).lanewise(VectorOperators.LSHL, 16)
			.reinterpretAsFloats();
	}

	private static IntVector load4(MemorySegment memory, long offset) {
		return IntVector.fromMemorySegment(INTS, memory, offset, ORDER);
	}

}
