package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * How the 16 lanes of a sum lie in vector registers. Wide registers hold up to all 16
 * lanes. Narrow ones hold at most 8: they serve where neighbouring values of a row are
 * looked up.
 */
final class Lanes {

	/**
	 * Overrides the processor's vector width in bits, for tests and diagnosis. Widths
	 * that the processor lacks are computed in plain Java and very slow.
	 */
	static final String WIDTH_PROPERTY = "io.github.flashspring.vector-bits";

	private static final int BITS = Math.min(512,
			Integer.getInteger(WIDTH_PROPERTY, FloatVector.SPECIES_PREFERRED.vectorBitSize()));

	private static final VectorShape WIDE_SHAPE = VectorShape.forBitSize(BITS);

	private static final VectorShape NARROW_SHAPE = VectorShape.forBitSize(Math.min(BITS, 256));

	static final VectorSpecies<Float> WIDE = FloatVector.SPECIES_128.withShape(WIDE_SHAPE);

	static final VectorSpecies<Integer> WIDE_INTS = IntVector.SPECIES_128.withShape(WIDE_SHAPE);

	static final VectorSpecies<Short> WIDE_SHORTS = ShortVector.SPECIES_64.withShape(VectorShape.forBitSize(BITS / 2));

	static final VectorSpecies<Float> NARROW = FloatVector.SPECIES_128.withShape(NARROW_SHAPE);

	static final VectorSpecies<Integer> NARROW_INTS = IntVector.SPECIES_128.withShape(NARROW_SHAPE);

	static final VectorSpecies<Long> WIDE_LONGS = LongVector.SPECIES_128.withShape(WIDE_SHAPE);

	/** Bytes of a block of numbers: the longest mask. */
	private static final int MASK_BYTES = BlockOrder.COLUMNS * Float.BYTES;

	private static final MemorySegment MASKS = Arena.global().allocate(2L * MASK_BYTES, 64);

	private static final long CONSTANT_BYTES = 4L * Kernels.LANES;

	private static final MemorySegment EVEN_CODES = Arena.global().allocate(CONSTANT_BYTES, 64);

	private static final MemorySegment ODD_CODES = Arena.global().allocate(CONSTANT_BYTES, 64);

	/**
	 * Addresses of masks for the low and the high code of each word's first byte. Loops
	 * load them from memory, because the JIT compiler broadcasts a constant again before
	 * each use instead of keeping it in a register: on a Zen 3, codes of 4 bits are
	 * multiplied at 16.4 billion weights/s and thread that way, with constants at 15.
	 */
	static final long EVEN = EVEN_CODES.address();

	static final long ODD = ODD_CODES.address();

	static {
		for (int lane = 0; lane < Kernels.LANES; lane++) {
			EVEN_CODES.setAtIndex(ValueLayout.JAVA_INT, lane, 0xf);
			ODD_CODES.setAtIndex(ValueLayout.JAVA_INT, lane, 0xf0);
		}
		MASKS.asSlice(0, MASK_BYTES).fill((byte) -1);
	}

	/** Address of a {@link #mask} of a whole block. */
	static final long ALL = MASKS.address();

	private Lanes() {
	}

	/**
	 * Whether the processor's registers hold at least four floats.
	 * @return false if vectors do not pay
	 */
	static boolean suffice() {
		return FloatVector.SPECIES_PREFERRED.vectorBitSize() >= 128;
	}

	/**
	 * A mask of the bytes of a block that belong to a row.
	 * @param bytes their number
	 * @return address of as many bytes of ones, then zeros up to the end of the block
	 */
	static long mask(int bytes) {
		return ALL + MASK_BYTES - bytes;
	}

	static String describe() {
		return "vector (" + BITS + " bits)";
	}

}
