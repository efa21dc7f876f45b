package io.github.flashspring.engine.device.cpu;

import java.nio.ByteOrder;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Products of two small FP32 matrices at addresses that were checked: {@code C[i][j]}
 * gets {@code Σ A[i][k] · B[k][j]} as one chain of fused multiply-adds in the order of
 * {@code k}, whatever else is computed with it. A number of {@code A} serves a whole
 * strip of {@code B}, a register of {@code B} four rows of {@code A}.
 *
 * <p>
 * Sums of four rows by two registers are what 16 registers hold without spilling; where
 * registers have 512 bits, there are 32 of them and four rows by four registers fit.
 * Measured on one core of a Zen 5 at a depth of 64: 137 of the 138 billion fused
 * multiply-adds a second that it can do with 512 bits, 61 of 69 with 256. Loops are those
 * of {@link RowKernels}: two steps in an iteration and an end that is an address, so that
 * the JIT compiler leaves the loop as it is; a counted loop is unrolled, spills, and
 * reaches 40 with 256 bits.
 */
final class VectorProducts {

	/** Rows of {@code A} that are computed together. */
	static final int ROWS = 4;

	static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

	private static final VectorSpecies<Float> FLOATS = Lanes.WIDE;

	private static final int STEP = FLOATS.length();

	private static final long BYTES = 4L * STEP;

	/** Columns of the widest strip of {@code B}. */
	private static final int STRIP = ((STEP == 16) ? 4 : 2) * STEP;

	private VectorProducts() {
	}

	/**
	 * Multiplies. Strides are distances of rows in bytes; rows of {@code A}, {@code B}
	 * and {@code C} are contiguous.
	 * @param a address of {@code A}
	 * @param aStride of {@code A}; 0: all rows are the same
	 * @param b address of {@code B}
	 * @param bStride of {@code B}
	 * @param c address of {@code C}
	 * @param cStride of {@code C}; 0: all rows are the same
	 * @param rows of {@code A} and {@code C}, a multiple of {@link #ROWS}
	 * @param columns of {@code B} and {@code C}, a multiple of {@link Kernels#LANES}
	 * @param depth columns of {@code A} and rows of {@code B}
	 * @param further whether chains begin with what {@code C} holds, otherwise with zero
	 */
	static void multiply(long a, long aStride, long b, long bStride, long c, long cStride, int rows, int columns,
			int depth, boolean further) {
		int even = depth / 2 * 2;
		for (int column = 0; even > 0 && column < columns;) {
			int width = Math.min(STRIP, Integer.highestOneBit((columns - column) / STEP) * STEP);
			for (int row = 0; row < rows; row += ROWS) {
				long from = a + row * aStride;
				long to = c + row * cStride + 4L * column;
				switch (width / STEP) {
					case 4 -> four(from, aStride, b + 4L * column, bStride, to, cStride, even, further);
					case 2 -> two(from, aStride, b + 4L * column, bStride, to, cStride, even, further);
					default -> one(from, aStride, b + 4L * column, bStride, to, cStride, even, further);
				}
			}
			column += width;
		}
		int distinct = (cStride == 0) ? 1 : rows;
		for (int row = 0; even < depth && row < distinct; row++) {
			last(a + row * aStride + 4L * even, b + even * bStride, c + row * cStride, columns, further || even > 0);
		}
	}

	/**
	 * Calls of vector code that compute nothing, see {@link Exercise}.
	 * @param calls number of calls
	 */
	static void callEmpty(int calls) {
		for (int i = 0; i < calls; i++) {
			if (STRIP == 4 * STEP) {
				four(0, 0, 0, 0, 0, 0, 0, true);
			}
			two(0, 0, 0, 0, 0, 0, 0, true);
			one(0, 0, 0, 0, 0, 0, 0, true);
			last(0, 0, 0, 0, true);
		}
	}

	/** Continues the chains of a row with a last step. */
	private static void last(long a, long b, long c, int columns, boolean further) {
		if (columns == 0) {
			return;
		}
		long from = Addresses.known(b);
		long to = Addresses.known(c);
		FloatVector factor = FloatVector.broadcast(FLOATS, Addresses.value(a));
		for (int i = 0; i < columns; i += STEP) {
			FloatVector sum = further ? FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, to + 4L * i, ORDER)
					: FloatVector.zero(FLOATS);
			factor.fma(FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, from + 4L * i, ORDER), sum)
				.intoMemorySegment(Addresses.MEMORY, to + 4L * i, ORDER);
		}
	}

	/** A strip of four registers. */
	private static void four(long a, long aStride, long b, long bStride, long c, long cStride, int depth,
			boolean further) {
		if (depth == 0) {
			return;
		}
		long c0 = Addresses.known(c);
		long c1 = Addresses.known(c + cStride);
		long c2 = Addresses.known(c + 2 * cStride);
		long c3 = Addresses.known(c + 3 * cStride);
		FloatVector s00 = FloatVector.zero(FLOATS);
		FloatVector s01 = s00;
		FloatVector s02 = s00;
		FloatVector s03 = s00;
		FloatVector s10 = s00;
		FloatVector s11 = s00;
		FloatVector s12 = s00;
		FloatVector s13 = s00;
		FloatVector s20 = s00;
		FloatVector s21 = s00;
		FloatVector s22 = s00;
		FloatVector s23 = s00;
		FloatVector s30 = s00;
		FloatVector s31 = s00;
		FloatVector s32 = s00;
		FloatVector s33 = s00;
		if (further) {
			s00 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c0, ORDER);
			s01 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c0 + BYTES, ORDER);
			s02 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c0 + 2 * BYTES, ORDER);
			s03 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c0 + 3 * BYTES, ORDER);
			s10 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c1, ORDER);
			s11 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c1 + BYTES, ORDER);
			s12 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c1 + 2 * BYTES, ORDER);
			s13 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c1 + 3 * BYTES, ORDER);
			s20 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c2, ORDER);
			s21 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c2 + BYTES, ORDER);
			s22 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c2 + 2 * BYTES, ORDER);
			s23 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c2 + 3 * BYTES, ORDER);
			s30 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c3, ORDER);
			s31 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c3 + BYTES, ORDER);
			s32 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c3 + 2 * BYTES, ORDER);
			s33 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c3 + 3 * BYTES, ORDER);
		}
		long a0 = Addresses.known(a);
		long a1 = Addresses.known(a + aStride);
		long a2 = Addresses.known(a + 2 * aStride);
		long a3 = Addresses.known(a + 3 * aStride);
		long at = Addresses.known(b);
		long end = a0 + depth / 2 * 8L;
		while (a0 < end) {
			a0 = Addresses.known(a0);
			a1 = Addresses.known(a1);
			a2 = Addresses.known(a2);
			a3 = Addresses.known(a3);
			at = Addresses.known(at);
			FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, at, ORDER);
			FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, at + BYTES, ORDER);
			FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, at + 2 * BYTES, ORDER);
			FloatVector b3 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, at + 3 * BYTES, ORDER);
			FloatVector w = FloatVector.broadcast(FLOATS, Addresses.MEMORY.get(PortableKernels.FLOAT, a0));
			s00 = w.fma(b0, s00);
			s01 = w.fma(b1, s01);
			s02 = w.fma(b2, s02);
			s03 = w.fma(b3, s03);
			w = FloatVector.broadcast(FLOATS, Addresses.MEMORY.get(PortableKernels.FLOAT, a1));
			s10 = w.fma(b0, s10);
			s11 = w.fma(b1, s11);
			s12 = w.fma(b2, s12);
			s13 = w.fma(b3, s13);
			w = FloatVector.broadcast(FLOATS, Addresses.MEMORY.get(PortableKernels.FLOAT, a2));
			s20 = w.fma(b0, s20);
			s21 = w.fma(b1, s21);
			s22 = w.fma(b2, s22);
			s23 = w.fma(b3, s23);
			w = FloatVector.broadcast(FLOATS, Addresses.MEMORY.get(PortableKernels.FLOAT, a3));
			s30 = w.fma(b0, s30);
			s31 = w.fma(b1, s31);
			s32 = w.fma(b2, s32);
			s33 = w.fma(b3, s33);
			at = Addresses.known(at + bStride);
			b0 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, at, ORDER);
			b1 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, at + BYTES, ORDER);
			b2 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, at + 2 * BYTES, ORDER);
			b3 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, at + 3 * BYTES, ORDER);
			w = FloatVector.broadcast(FLOATS, Addresses.MEMORY.get(PortableKernels.FLOAT, a0 + 4));
			s00 = w.fma(b0, s00);
			s01 = w.fma(b1, s01);
			s02 = w.fma(b2, s02);
			s03 = w.fma(b3, s03);
			w = FloatVector.broadcast(FLOATS, Addresses.MEMORY.get(PortableKernels.FLOAT, a1 + 4));
			s10 = w.fma(b0, s10);
			s11 = w.fma(b1, s11);
			s12 = w.fma(b2, s12);
			s13 = w.fma(b3, s13);
			w = FloatVector.broadcast(FLOATS, Addresses.MEMORY.get(PortableKernels.FLOAT, a2 + 4));
			s20 = w.fma(b0, s20);
			s21 = w.fma(b1, s21);
			s22 = w.fma(b2, s22);
			s23 = w.fma(b3, s23);
			w = FloatVector.broadcast(FLOATS, Addresses.MEMORY.get(PortableKernels.FLOAT, a3 + 4));
			s30 = w.fma(b0, s30);
			s31 = w.fma(b1, s31);
			s32 = w.fma(b2, s32);
			s33 = w.fma(b3, s33);
			a0 += 8;
			a1 += 8;
			a2 += 8;
			a3 += 8;
			at += bStride;
		}
		s00.intoMemorySegment(Addresses.MEMORY, c0, ORDER);
		s01.intoMemorySegment(Addresses.MEMORY, c0 + BYTES, ORDER);
		s02.intoMemorySegment(Addresses.MEMORY, c0 + 2 * BYTES, ORDER);
		s03.intoMemorySegment(Addresses.MEMORY, c0 + 3 * BYTES, ORDER);
		s10.intoMemorySegment(Addresses.MEMORY, c1, ORDER);
		s11.intoMemorySegment(Addresses.MEMORY, c1 + BYTES, ORDER);
		s12.intoMemorySegment(Addresses.MEMORY, c1 + 2 * BYTES, ORDER);
		s13.intoMemorySegment(Addresses.MEMORY, c1 + 3 * BYTES, ORDER);
		s20.intoMemorySegment(Addresses.MEMORY, c2, ORDER);
		s21.intoMemorySegment(Addresses.MEMORY, c2 + BYTES, ORDER);
		s22.intoMemorySegment(Addresses.MEMORY, c2 + 2 * BYTES, ORDER);
		s23.intoMemorySegment(Addresses.MEMORY, c2 + 3 * BYTES, ORDER);
		s30.intoMemorySegment(Addresses.MEMORY, c3, ORDER);
		s31.intoMemorySegment(Addresses.MEMORY, c3 + BYTES, ORDER);
		s32.intoMemorySegment(Addresses.MEMORY, c3 + 2 * BYTES, ORDER);
		s33.intoMemorySegment(Addresses.MEMORY, c3 + 3 * BYTES, ORDER);
	}

	/** A strip of two registers. */
	private static void two(long a, long aStride, long b, long bStride, long c, long cStride, int depth,
			boolean further) {
		if (depth == 0) {
			return;
		}
		long c0 = Addresses.known(c);
		long c1 = Addresses.known(c + cStride);
		long c2 = Addresses.known(c + 2 * cStride);
		long c3 = Addresses.known(c + 3 * cStride);
		FloatVector s00 = FloatVector.zero(FLOATS);
		FloatVector s01 = s00;
		FloatVector s10 = s00;
		FloatVector s11 = s00;
		FloatVector s20 = s00;
		FloatVector s21 = s00;
		FloatVector s30 = s00;
		FloatVector s31 = s00;
		if (further) {
			s00 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c0, ORDER);
			s01 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c0 + BYTES, ORDER);
			s10 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c1, ORDER);
			s11 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c1 + BYTES, ORDER);
			s20 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c2, ORDER);
			s21 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c2 + BYTES, ORDER);
			s30 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c3, ORDER);
			s31 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c3 + BYTES, ORDER);
		}
		long a0 = Addresses.known(a);
		long a1 = Addresses.known(a + aStride);
		long a2 = Addresses.known(a + 2 * aStride);
		long a3 = Addresses.known(a + 3 * aStride);
		long at = Addresses.known(b);
		long end = a0 + depth / 2 * 8L;
		while (a0 < end) {
			a0 = Addresses.known(a0);
			a1 = Addresses.known(a1);
			a2 = Addresses.known(a2);
			a3 = Addresses.known(a3);
			at = Addresses.known(at);
			FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, at, ORDER);
			FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, at + BYTES, ORDER);
			FloatVector w = FloatVector.broadcast(FLOATS, Addresses.MEMORY.get(PortableKernels.FLOAT, a0));
			s00 = w.fma(b0, s00);
			s01 = w.fma(b1, s01);
			w = FloatVector.broadcast(FLOATS, Addresses.MEMORY.get(PortableKernels.FLOAT, a1));
			s10 = w.fma(b0, s10);
			s11 = w.fma(b1, s11);
			w = FloatVector.broadcast(FLOATS, Addresses.MEMORY.get(PortableKernels.FLOAT, a2));
			s20 = w.fma(b0, s20);
			s21 = w.fma(b1, s21);
			w = FloatVector.broadcast(FLOATS, Addresses.MEMORY.get(PortableKernels.FLOAT, a3));
			s30 = w.fma(b0, s30);
			s31 = w.fma(b1, s31);
			at = Addresses.known(at + bStride);
			b0 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, at, ORDER);
			b1 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, at + BYTES, ORDER);
			w = FloatVector.broadcast(FLOATS, Addresses.MEMORY.get(PortableKernels.FLOAT, a0 + 4));
			s00 = w.fma(b0, s00);
			s01 = w.fma(b1, s01);
			w = FloatVector.broadcast(FLOATS, Addresses.MEMORY.get(PortableKernels.FLOAT, a1 + 4));
			s10 = w.fma(b0, s10);
			s11 = w.fma(b1, s11);
			w = FloatVector.broadcast(FLOATS, Addresses.MEMORY.get(PortableKernels.FLOAT, a2 + 4));
			s20 = w.fma(b0, s20);
			s21 = w.fma(b1, s21);
			w = FloatVector.broadcast(FLOATS, Addresses.MEMORY.get(PortableKernels.FLOAT, a3 + 4));
			s30 = w.fma(b0, s30);
			s31 = w.fma(b1, s31);
			a0 += 8;
			a1 += 8;
			a2 += 8;
			a3 += 8;
			at += bStride;
		}
		s00.intoMemorySegment(Addresses.MEMORY, c0, ORDER);
		s01.intoMemorySegment(Addresses.MEMORY, c0 + BYTES, ORDER);
		s10.intoMemorySegment(Addresses.MEMORY, c1, ORDER);
		s11.intoMemorySegment(Addresses.MEMORY, c1 + BYTES, ORDER);
		s20.intoMemorySegment(Addresses.MEMORY, c2, ORDER);
		s21.intoMemorySegment(Addresses.MEMORY, c2 + BYTES, ORDER);
		s30.intoMemorySegment(Addresses.MEMORY, c3, ORDER);
		s31.intoMemorySegment(Addresses.MEMORY, c3 + BYTES, ORDER);
	}

	/** A strip of one register. */
	private static void one(long a, long aStride, long b, long bStride, long c, long cStride, int depth,
			boolean further) {
		if (depth == 0) {
			return;
		}
		long c0 = Addresses.known(c);
		long c1 = Addresses.known(c + cStride);
		long c2 = Addresses.known(c + 2 * cStride);
		long c3 = Addresses.known(c + 3 * cStride);
		FloatVector s00 = FloatVector.zero(FLOATS);
		FloatVector s10 = s00;
		FloatVector s20 = s00;
		FloatVector s30 = s00;
		if (further) {
			s00 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c0, ORDER);
			s10 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c1, ORDER);
			s20 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c2, ORDER);
			s30 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, c3, ORDER);
		}
		long a0 = Addresses.known(a);
		long a1 = Addresses.known(a + aStride);
		long a2 = Addresses.known(a + 2 * aStride);
		long a3 = Addresses.known(a + 3 * aStride);
		long at = Addresses.known(b);
		long end = a0 + depth / 2 * 8L;
		while (a0 < end) {
			a0 = Addresses.known(a0);
			a1 = Addresses.known(a1);
			a2 = Addresses.known(a2);
			a3 = Addresses.known(a3);
			at = Addresses.known(at);
			FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, at, ORDER);
			FloatVector w = FloatVector.broadcast(FLOATS, Addresses.MEMORY.get(PortableKernels.FLOAT, a0));
			s00 = w.fma(b0, s00);
			w = FloatVector.broadcast(FLOATS, Addresses.MEMORY.get(PortableKernels.FLOAT, a1));
			s10 = w.fma(b0, s10);
			w = FloatVector.broadcast(FLOATS, Addresses.MEMORY.get(PortableKernels.FLOAT, a2));
			s20 = w.fma(b0, s20);
			w = FloatVector.broadcast(FLOATS, Addresses.MEMORY.get(PortableKernels.FLOAT, a3));
			s30 = w.fma(b0, s30);
			at = Addresses.known(at + bStride);
			b0 = FloatVector.fromMemorySegment(FLOATS, Addresses.MEMORY, at, ORDER);
			w = FloatVector.broadcast(FLOATS, Addresses.MEMORY.get(PortableKernels.FLOAT, a0 + 4));
			s00 = w.fma(b0, s00);
			w = FloatVector.broadcast(FLOATS, Addresses.MEMORY.get(PortableKernels.FLOAT, a1 + 4));
			s10 = w.fma(b0, s10);
			w = FloatVector.broadcast(FLOATS, Addresses.MEMORY.get(PortableKernels.FLOAT, a2 + 4));
			s20 = w.fma(b0, s20);
			w = FloatVector.broadcast(FLOATS, Addresses.MEMORY.get(PortableKernels.FLOAT, a3 + 4));
			s30 = w.fma(b0, s30);
			a0 += 8;
			a1 += 8;
			a2 += 8;
			a3 += 8;
			at += bStride;
		}
		s00.intoMemorySegment(Addresses.MEMORY, c0, ORDER);
		s10.intoMemorySegment(Addresses.MEMORY, c1, ORDER);
		s20.intoMemorySegment(Addresses.MEMORY, c2, ORDER);
		s30.intoMemorySegment(Addresses.MEMORY, c3, ORDER);
	}

}
