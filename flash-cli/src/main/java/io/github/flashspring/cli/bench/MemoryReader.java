package io.github.flashspring.cli.bench;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Reads memory as fast as a thread can.
 */
@FunctionalInterface
interface MemoryReader {

	/** Reads go over as many bytes, with as little state as possible between them. */
	int STEP = 512;

	/**
	 * Reads a range.
	 * @param memory native memory
	 * @param from first byte
	 * @param bytes how many, a multiple of {@link #STEP}
	 * @return something that depends on every byte, so that no read can be left out
	 */
	long read(MemorySegment memory, long from, long bytes);

	/**
	 * The fastest reader of this JVM.
	 * @return with the Vector API, if it is there
	 */
	static MemoryReader best() {
		return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent() ? VectorReader::read
				: MemoryReader::readLongs;
	}

	/**
	 * Reads without the Vector API, which leaves a good third of the rate unused.
	 * @param memory native memory
	 * @param from first byte
	 * @param bytes how many
	 * @return all numbers, one over the other
	 */
	static long readLongs(MemorySegment memory, long from, long bytes) {
		long a = 0;
		long b = 0;
		long c = 0;
		long d = 0;
		for (long at = from; at < from + bytes; at += 4 * Long.BYTES) {
			a ^= memory.get(ValueLayout.JAVA_LONG, at);
			b ^= memory.get(ValueLayout.JAVA_LONG, at + Long.BYTES);
			c ^= memory.get(ValueLayout.JAVA_LONG, at + 2 * Long.BYTES);
			d ^= memory.get(ValueLayout.JAVA_LONG, at + 3 * Long.BYTES);
		}
		return a ^ b ^ c ^ d;
	}

}
