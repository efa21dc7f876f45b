package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The product of one weight row with one input: what decoding spends its time in. A
 * register holds as many 32-bit words of codes as it has lanes, see {@link BlockOrder}.
 *
 * <p>
 * What makes them fast, measured on a Zen 3 with 4 bits in groups of 64: all lanes in one
 * loop, so that indices are linear; a code whose upper bit is flipped and that is shifted
 * to the top of its word, where it is less the middle of all codes without a subtraction,
 * and two registers of codes in an iteration (together 1.2 times as fast); two chains of
 * four additions for each scale instead of one of eight (a fifth); input and scales in
 * native memory, whose bounds are checked before the loop ({@link Addresses}), and which
 * is aligned (7 %). Addresses move by additions, because an index of type {@code long}
 * makes the JIT compiler split the loop and spill registers.
 *
 * <p>
 * Loops call the Vector API themselves, without helpers of our own: behind some 40 vector
 * operations the JIT compiler's inlining refuses all methods but the API's, and a single
 * one that it refuses makes the loop ten times slower.
 */
final class RowKernels {

	private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

	private static final VectorSpecies<Float> FLOATS = Lanes.NARROW;

	private static final VectorSpecies<Integer> INTS = Lanes.NARROW_INTS;

	private static final int STEP = FLOATS.length();

	/** Bytes of a register. */
	private static final long BYTES = 4L * STEP;

	/** Values of a block in one register's lanes. */
	private static final int PART = STEP * BlockOrder.STEPS;

	/** Registers that 16 lanes take. */
	private static final int PARTS = Kernels.LANES / STEP;

	/** Pairs of registers that 16 lanes take. */
	private static final int PAIRS = PARTS / 2;

	/** The second four of eight lanes. */
	private static final VectorMask<Float> UPPER = FloatVector.zero(FLOATS).addIndex(1).compare(VectorOperators.GE, 4);

	private static final VectorMask<Float> ODD = IntVector.zero(INTS).addIndex(1).and(1).eq(1).cast(FLOATS);

	private static final long LOW = 0xffffffffL;

	private RowKernels() {
	}

	/**
	 * Multiplies a row, without its biases.
	 * @param weights the matrix
	 * @param row row of the matrix
	 * @param groups room for the scales of a decoded row
	 * @param x the packed input
	 * @param from index of its first value
	 * @param address address of the packed input, if weights are codes
	 * @param scales address of the scales of the row, if they are codes
	 * @param block room for a block
	 * @param lanes receives 16 sums
	 * @param at index of the first sum
	 */
	static void multiply(Weights weights, int row, float[] groups, float[] x, int from, long address, long scales,
			float[] block, float[] lanes, int at) {
		MemorySegment memory = weights.values().memory();
		long offset = weights.values().row(row);
		int columns = weights.columns();
		int whole = columns / BlockOrder.COLUMNS;
		int blocks = BlockOrder.blocks(columns);
		int done = whole;
		switch (weights.format()) {
			case F32 -> single(memory, offset, x, from, 2 * whole, lanes, at);
			case BF16 -> {
				for (int pair = 0; pair < PAIRS; pair++) {
					bfloat(memory, offset, x, from, whole, pair, lanes, at);
				}
			}
			case F16 -> {
				Arrays.fill(lanes, at, at + Kernels.LANES, 0f);
				done = 0;
			}
			case AFFINE4, AFFINE8 -> {
				int shift = Integer.numberOfTrailingZeros(weights.groupSize());
				long codes = Addresses.of(memory, offset, (long) columns * weights.format().bits() / Byte.SIZE);
				for (int pair = 0; pair < PAIRS; pair++) {
					if (weights.format() == Format.AFFINE8) {
						affine8(codes, scales, shift, address, whole, pair, lanes, at);
					}
					else if (shift == 5) {
						affine4by32(codes, scales, address, whole, pair, lanes, at);
					}
					else {
						affine4(codes, scales, shift, address, whole, pair, lanes, at);
					}
				}
			}
			case MXFP4 -> {
				Rows factors = Objects.requireNonNull(weights.scales());
				MicroscalingRows.multiply(memory, offset, factors.memory(), factors.row(row), columns, x, from, lanes,
						at);
				done = blocks;
			}
			default -> {
				VectorDecoding.multiply(weights, row, groups, x, from, block, lanes, at);
				done = blocks;
			}
		}
		for (int b = done; b < blocks; b++) {
			for (int lane = 0; lane < Kernels.LANES; lane += STEP) {
				VectorNumbers.unpackBlock(weights, row, b, lane, STEP, block);
				if (weights.format().coded()) {
					PortableKernels.blockScales(weights, row, b, lane, STEP, block, PART);
					coded(block, x, from + b * BlockOrder.COLUMNS + lane * BlockOrder.STEPS, lanes, at + lane);
				}
				else if (BlockOrder.natural(weights.format())) {
					plain(block, x, from + b * BlockOrder.COLUMNS + lane, Kernels.LANES, lanes, at + lane);
				}
				else {
					plain(block, x, from + b * BlockOrder.COLUMNS + lane * BlockOrder.STEPS, STEP, lanes, at + lane);
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
				FloatVector c = FloatVector.fromMemorySegment(FLOATS, memory, w, ORDER)
					.mul(FloatVector.fromArray(FLOATS, x, i));
				FloatVector d = FloatVector.fromMemorySegment(FLOATS, memory, w + 4L * STEP, ORDER)
					.mul(FloatVector.fromArray(FLOATS, x, i + STEP));
				c = FloatVector.fromMemorySegment(FLOATS, memory, w + 64, ORDER)
					.fma(FloatVector.fromArray(FLOATS, x, i + 16), c);
				d = FloatVector.fromMemorySegment(FLOATS, memory, w + 64 + 4L * STEP, ORDER)
					.fma(FloatVector.fromArray(FLOATS, x, i + 16 + STEP), d);
				c = FloatVector.fromMemorySegment(FLOATS, memory, w + 128, ORDER)
					.fma(FloatVector.fromArray(FLOATS, x, i + 32), c);
				d = FloatVector.fromMemorySegment(FLOATS, memory, w + 128 + 4L * STEP, ORDER)
					.fma(FloatVector.fromArray(FLOATS, x, i + 32 + STEP), d);
				c = FloatVector.fromMemorySegment(FLOATS, memory, w + 192, ORDER)
					.fma(FloatVector.fromArray(FLOATS, x, i + 48), c);
				d = FloatVector.fromMemorySegment(FLOATS, memory, w + 192 + 4L * STEP, ORDER)
					.fma(FloatVector.fromArray(FLOATS, x, i + 48 + STEP), d);
				a = a.add(c);
				b = b.add(d);
			}
			a.intoArray(lanes, at + lane);
			b.intoArray(lanes, at + lane + STEP);
		}
	}

	/** Upper halves of singles, two to a word. */
	private static void bfloat(MemorySegment memory, long offset, float[] x, int from, int blocks, int pair,
			float[] lanes, int at) {
		IntVector high = IntVector.broadcast(INTS, 0xffff0000);
		FloatVector sum = FloatVector.zero(FLOATS);
		FloatVector other = sum;
		for (int n = 0; n < 2 * blocks; n++) {
			int p = part(n, pair);
			long w = offset + p / PARTS * 256L + p % PARTS * 4L * STEP;
			int i = from + p * PART;
			IntVector a0 = IntVector.fromMemorySegment(INTS, memory, w, ORDER);
			IntVector a1 = IntVector.fromMemorySegment(INTS, memory, w + 64, ORDER);
			FloatVector a = a0.lanewise(VectorOperators.LSHL, 16)
				.reinterpretAsFloats()
				.mul(FloatVector.fromArray(FLOATS, x, i));
			a = a0.and(high).reinterpretAsFloats().fma(FloatVector.fromArray(FLOATS, x, i + STEP), a);
			a = a1.lanewise(VectorOperators.LSHL, 16)
				.reinterpretAsFloats()
				.fma(FloatVector.fromArray(FLOATS, x, i + 2 * STEP), a);
			a = a1.and(high).reinterpretAsFloats().fma(FloatVector.fromArray(FLOATS, x, i + 3 * STEP), a);
			IntVector b0 = IntVector.fromMemorySegment(INTS, memory, w + 128, ORDER);
			IntVector b1 = IntVector.fromMemorySegment(INTS, memory, w + 192, ORDER);
			FloatVector b = b0.lanewise(VectorOperators.LSHL, 16)
				.reinterpretAsFloats()
				.mul(FloatVector.fromArray(FLOATS, x, i + 4 * STEP));
			b = b0.and(high).reinterpretAsFloats().fma(FloatVector.fromArray(FLOATS, x, i + 5 * STEP), b);
			b = b1.lanewise(VectorOperators.LSHL, 16)
				.reinterpretAsFloats()
				.fma(FloatVector.fromArray(FLOATS, x, i + 6 * STEP), b);
			b = b1.and(high).reinterpretAsFloats().fma(FloatVector.fromArray(FLOATS, x, i + 7 * STEP), b);
			FloatVector next = sum.add(a).add(b);
			sum = other;
			other = next;
		}
		sum.intoArray(lanes, at + 2 * pair * STEP);
		other.intoArray(lanes, at + (2 * pair + 1) * STEP);
	}

	/** Codes of 4 bits in groups of {@code 1 << shift}, at least 64. */
	private static void affine4(long row, long scales, int shift, long x, int blocks, int pair, float[] lanes, int at) {
		long w = Addresses.known(row + 2 * pair * BYTES);
		long i = Addresses.known(x + 8L * pair * PART);
		long column = 64L * pair;
		IntVector top = IntVector.broadcast(INTS, 0xf0000000);
		IntVector flip = IntVector.broadcast(INTS, 0x88888888);
		FloatVector sum = FloatVector.zero(FLOATS);
		FloatVector other = sum;
		for (int n = 0; n < blocks; n++) {
			FloatVector scale = FloatVector.broadcast(FLOATS, Addresses.value(scales + 4 * (column >>> shift)));
			FloatVector last = FloatVector.broadcast(FLOATS,
					Addresses.value(scales + 4 * (column + 16 * STEP - 64 >>> shift)));
			IntVector codes = IntVector.fromMemorySegment(INTS, Addresses.MEMORY, w, ORDER)
				.lanewise(VectorOperators.XOR, flip);
			IntVector next = IntVector.fromMemorySegment(INTS, Addresses.MEMORY, w + BYTES, ORDER)
				.lanewise(VectorOperators.XOR, flip);
			FloatVector a = ((FloatVector) codes.lanewise(VectorOperators.LSHL, 28)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.mul(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i, ORDER));
			FloatVector b = ((FloatVector) codes.lanewise(VectorOperators.LSHL, 12)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.mul(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 4 * BYTES, ORDER));
			a = ((FloatVector) codes.lanewise(VectorOperators.LSHL, 24)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + BYTES, ORDER), a);
			b = ((FloatVector) codes.lanewise(VectorOperators.LSHL, 8)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 5 * BYTES, ORDER), b);
			a = ((FloatVector) codes.lanewise(VectorOperators.LSHL, 20)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 2 * BYTES, ORDER), a);
			b = ((FloatVector) codes.lanewise(VectorOperators.LSHL, 4)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 6 * BYTES, ORDER), b);
			a = ((FloatVector) codes.lanewise(VectorOperators.LSHL, 16)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 3 * BYTES, ORDER), a);
			b = ((FloatVector) codes.and(top).convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 7 * BYTES, ORDER), b);
			FloatVector c = ((FloatVector) next.lanewise(VectorOperators.LSHL, 28)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.mul(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 8 * BYTES, ORDER));
			FloatVector d = ((FloatVector) next.lanewise(VectorOperators.LSHL, 12)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.mul(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 12 * BYTES, ORDER));
			c = ((FloatVector) next.lanewise(VectorOperators.LSHL, 24)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 9 * BYTES, ORDER), c);
			d = ((FloatVector) next.lanewise(VectorOperators.LSHL, 8)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 13 * BYTES, ORDER), d);
			c = ((FloatVector) next.lanewise(VectorOperators.LSHL, 20)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 10 * BYTES, ORDER), c);
			d = ((FloatVector) next.lanewise(VectorOperators.LSHL, 4)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 14 * BYTES, ORDER), d);
			c = ((FloatVector) next.lanewise(VectorOperators.LSHL, 16)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 11 * BYTES, ORDER), c);
			d = ((FloatVector) next.and(top).convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 15 * BYTES, ORDER), d);
			sum = a.add(b).fma(scale, sum);
			other = c.add(d).fma(last, other);
			w = Addresses.known(w + 64);
			i = Addresses.known(i + 512);
			column += 128;
		}
		sum.intoArray(lanes, at + 2 * pair * STEP);
		other.intoArray(lanes, at + (2 * pair + 1) * STEP);
	}

	/** Codes of 4 bits in groups of 32. */
	private static void affine4by32(long row, long scales, long x, int blocks, int pair, float[] lanes, int at) {
		long w = Addresses.known(row + 2 * pair * BYTES);
		long i = Addresses.known(x + 8L * pair * PART);
		long group = Addresses.known(scales + pair * BYTES / 2);
		IntVector top = IntVector.broadcast(INTS, 0xf0000000);
		IntVector flip = IntVector.broadcast(INTS, 0x88888888);
		FloatVector sum = FloatVector.zero(FLOATS);
		FloatVector other = sum;
		for (int n = 0; n < blocks; n++) {
			FloatVector scale = scale(group);
			FloatVector last = scale(group + BYTES / 4);
			IntVector codes = IntVector.fromMemorySegment(INTS, Addresses.MEMORY, w, ORDER)
				.lanewise(VectorOperators.XOR, flip);
			IntVector next = IntVector.fromMemorySegment(INTS, Addresses.MEMORY, w + BYTES, ORDER)
				.lanewise(VectorOperators.XOR, flip);
			FloatVector a = ((FloatVector) codes.lanewise(VectorOperators.LSHL, 28)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.mul(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i, ORDER));
			FloatVector b = ((FloatVector) codes.lanewise(VectorOperators.LSHL, 12)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.mul(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 4 * BYTES, ORDER));
			a = ((FloatVector) codes.lanewise(VectorOperators.LSHL, 24)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + BYTES, ORDER), a);
			b = ((FloatVector) codes.lanewise(VectorOperators.LSHL, 8)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 5 * BYTES, ORDER), b);
			a = ((FloatVector) codes.lanewise(VectorOperators.LSHL, 20)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 2 * BYTES, ORDER), a);
			b = ((FloatVector) codes.lanewise(VectorOperators.LSHL, 4)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 6 * BYTES, ORDER), b);
			a = ((FloatVector) codes.lanewise(VectorOperators.LSHL, 16)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 3 * BYTES, ORDER), a);
			b = ((FloatVector) codes.and(top).convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 7 * BYTES, ORDER), b);
			FloatVector c = ((FloatVector) next.lanewise(VectorOperators.LSHL, 28)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.mul(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 8 * BYTES, ORDER));
			FloatVector d = ((FloatVector) next.lanewise(VectorOperators.LSHL, 12)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.mul(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 12 * BYTES, ORDER));
			c = ((FloatVector) next.lanewise(VectorOperators.LSHL, 24)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 9 * BYTES, ORDER), c);
			d = ((FloatVector) next.lanewise(VectorOperators.LSHL, 8)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 13 * BYTES, ORDER), d);
			c = ((FloatVector) next.lanewise(VectorOperators.LSHL, 20)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 10 * BYTES, ORDER), c);
			d = ((FloatVector) next.lanewise(VectorOperators.LSHL, 4)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 14 * BYTES, ORDER), d);
			c = ((FloatVector) next.lanewise(VectorOperators.LSHL, 16)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 11 * BYTES, ORDER), c);
			d = ((FloatVector) next.and(top).convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 15 * BYTES, ORDER), d);
			sum = a.add(b).fma(scale, sum);
			other = c.add(d).fma(last, other);
			w = Addresses.known(w + 64);
			i = Addresses.known(i + 512);
			group += 16;
		}
		sum.intoArray(lanes, at + 2 * pair * STEP);
		other.intoArray(lanes, at + (2 * pair + 1) * STEP);
	}

	/**
	 * The register of the lanes of a row that is {@code n}th of a pair: the registers of
	 * a block follow each other.
	 */
	private static int part(int n, int pair) {
		return (PAIRS == 1) ? n : n / 2 * PARTS + 2 * pair + n % 2;
	}

	/** Scales of lanes, four of which share a group. */
	private static FloatVector scale(long address) {
		FloatVector scale = FloatVector.broadcast(FLOATS, Addresses.value(address));
		return (STEP == 4) ? scale : scale.blend(Addresses.value(address + 4), UPPER);
	}

	/** Codes of 8 bits in groups of {@code 1 << shift}: two words to a lane. */
	private static void affine8(long row, long scales, int shift, long x, int blocks, int pair, float[] lanes, int at) {
		long codesAt = Addresses.known(row);
		long scaleAt = Addresses.known(scales);
		long input = Addresses.known(x);
		IntVector top = IntVector.broadcast(INTS, 0xff000000);
		IntVector flip = IntVector.broadcast(INTS, 0x80808080);
		FloatVector sum = FloatVector.zero(FLOATS);
		FloatVector other = sum;
		for (int n = 0; n < 2 * blocks; n++) {
			int p = part(n, pair);
			int column = 64 * (p / PAIRS);
			FloatVector scale = FloatVector.broadcast(FLOATS, Addresses.value(scaleAt + 4L * (column >>> shift)))
				.blend(Addresses.value(scaleAt + 4L * (column + 32 >>> shift)), ODD);
			long w = Addresses.known(codesAt + column + BYTES * (p % PAIRS));
			LongVector near = IntVector.fromMemorySegment(INTS, Addresses.MEMORY, w, ORDER).reinterpretAsLongs();
			LongVector far = IntVector.fromMemorySegment(INTS, Addresses.MEMORY, w + 32, ORDER).reinterpretAsLongs();
			IntVector codes = near.and(LOW)
				.or(far.lanewise(VectorOperators.LSHL, 32))
				.reinterpretAsInts()
				.lanewise(VectorOperators.XOR, flip);
			IntVector odd = near.lanewise(VectorOperators.LSHR, 32)
				.or(far.and(~LOW))
				.reinterpretAsInts()
				.lanewise(VectorOperators.XOR, flip);
			long i = Addresses.known(input + 4L * PART * p);
			FloatVector a = ((FloatVector) codes.lanewise(VectorOperators.LSHL, 24)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.mul(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i, ORDER));
			FloatVector b = ((FloatVector) odd.lanewise(VectorOperators.LSHL, 24)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.mul(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 4 * BYTES, ORDER));
			a = ((FloatVector) codes.lanewise(VectorOperators.LSHL, 16)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + BYTES, ORDER), a);
			b = ((FloatVector) odd.lanewise(VectorOperators.LSHL, 16)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 5 * BYTES, ORDER), b);
			a = ((FloatVector) codes.lanewise(VectorOperators.LSHL, 8)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 2 * BYTES, ORDER), a);
			b = ((FloatVector) odd.lanewise(VectorOperators.LSHL, 8)
				.and(top)
				.convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 6 * BYTES, ORDER), b);
			a = ((FloatVector) codes.and(top).convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 3 * BYTES, ORDER), a);
			b = ((FloatVector) odd.and(top).convertShape(VectorOperators.I2F, FLOATS, 0))
				.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, i + 7 * BYTES, ORDER), b);
			FloatVector next = a.add(b).fma(scale, sum);
			sum = other;
			other = next;
		}
		sum.intoArray(lanes, at + 2 * pair * STEP);
		other.intoArray(lanes, at + (2 * pair + 1) * STEP);
	}

	/** A part of a block that was unpacked before, with its scales behind it. */
	private static void coded(float[] block, float[] x, int from, float[] lanes, int at) {
		FloatVector a = FloatVector.fromArray(FLOATS, block, 0).mul(FloatVector.fromArray(FLOATS, x, from));
		FloatVector b = FloatVector.fromArray(FLOATS, block, 4 * STEP)
			.mul(FloatVector.fromArray(FLOATS, x, from + 4 * STEP));
		for (int step = 1; step < 4; step++) {
			a = FloatVector.fromArray(FLOATS, block, step * STEP)
				.fma(FloatVector.fromArray(FLOATS, x, from + step * STEP), a);
			b = FloatVector.fromArray(FLOATS, block, (4 + step) * STEP)
				.fma(FloatVector.fromArray(FLOATS, x, from + (4 + step) * STEP), b);
		}
		a.add(b)
			.fma(FloatVector.fromArray(FLOATS, block, PART), FloatVector.fromArray(FLOATS, lanes, at))
			.intoArray(lanes, at);
	}

	/** A part of a block that was unpacked before. */
	private static void plain(float[] block, float[] x, int from, int stride, float[] lanes, int at) {
		FloatVector sum = FloatVector.fromArray(FLOATS, lanes, at);
		for (int half = 0; half < BlockOrder.STEPS; half += 4) {
			FloatVector a = FloatVector.fromArray(FLOATS, block, half * STEP)
				.mul(FloatVector.fromArray(FLOATS, x, from + half * stride));
			for (int step = half + 1; step < half + 4; step++) {
				a = FloatVector.fromArray(FLOATS, block, step * STEP)
					.fma(FloatVector.fromArray(FLOATS, x, from + step * stride), a);
			}
			sum = sum.add(a);
		}
		sum.intoArray(lanes, at);
	}

}
