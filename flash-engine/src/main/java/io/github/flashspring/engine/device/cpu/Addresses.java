package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Native memory by address, for loops whose bounds are checked once, before they begin.
 * The check of each access would cost more than the access: the JIT compiler drops it
 * from the middle of a loop only, and the iterations at both ends, which keep it, take a
 * third of the time of a loop of 64 rows.
 */
final class Addresses {

	/** All memory. */
	static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

	/**
	 * Addresses are less than this, which tells the JIT compiler that the access lies
	 * within {@link #MEMORY}.
	 */
	private static final long MASK = (1L << 56) - 1;

	private Addresses() {
	}

	/**
	 * Checks that a range lies within a segment. Who uses the address keeps the segment
	 * alive meanwhile.
	 * @param memory native memory
	 * @param offset of the range, in bytes
	 * @param bytes of the range
	 * @return its address; {@link #known} has to be applied where it is used
	 * @throws IndexOutOfBoundsException if it does not lie within
	 */
	static long of(MemorySegment memory, long offset, long bytes) {
		Objects.checkFromIndexSize(offset, bytes, memory.byteSize());
		return memory.address() + offset;
	}

	/** The same address, in a way that shows its range to the JIT compiler. */
	static long known(long address) {
		return address & MASK;
	}

	/**
	 * The number at an address that was checked.
	 */
	static float value(long address) {
		return MEMORY.get(PortableKernels.FLOAT, known(address));
	}

	/**
	 * Whether the JVM lets this module use addresses.
	 */
	static boolean allowed() {
		try {
			return MemorySegment.NULL.reinterpret(1).byteSize() == 1;
		}
		catch (IllegalCallerException ex) {
			return false;
		}
	}

}
