package io.github.flashspring.cli.bench;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;

import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Reads memory with the widest registers there are, eight at a time: 21 GB/s on one core
 * that gets 12 GB/s with long by long.
 */
final class VectorReader {

	private static final VectorSpecies<Long> SPECIES = LongVector.SPECIES_PREFERRED;

	private VectorReader() {
	}

	static long read(MemorySegment memory, long from, long bytes) {
		int width = SPECIES.vectorByteSize();
		LongVector a = LongVector.zero(SPECIES);
		LongVector b = a;
		LongVector c = a;
		LongVector d = a;
		LongVector e = a;
		LongVector f = a;
		LongVector g = a;
		LongVector h = a;
		for (long at = from; at < from + bytes; at += 8L * width) {
			a = a.lanewise(VectorOperators.XOR, load(memory, at));
			b = b.lanewise(VectorOperators.XOR, load(memory, at + width));
			c = c.lanewise(VectorOperators.XOR, load(memory, at + 2L * width));
			d = d.lanewise(VectorOperators.XOR, load(memory, at + 3L * width));
			e = e.lanewise(VectorOperators.XOR, load(memory, at + 4L * width));
			f = f.lanewise(VectorOperators.XOR, load(memory, at + 5L * width));
			g = g.lanewise(VectorOperators.XOR, load(memory, at + 6L * width));
			h = h.lanewise(VectorOperators.XOR, load(memory, at + 7L * width));
		}
		LongVector all = a.lanewise(VectorOperators.XOR, b)
			.lanewise(VectorOperators.XOR, c.lanewise(VectorOperators.XOR, d))
			.lanewise(VectorOperators.XOR, e.lanewise(VectorOperators.XOR, f))
			.lanewise(VectorOperators.XOR, g.lanewise(VectorOperators.XOR, h));
		return all.reduceLanes(VectorOperators.XOR);
	}

	private static LongVector load(MemorySegment memory, long at) {
		return LongVector.fromMemorySegment(SPECIES, memory, at, ByteOrder.nativeOrder());
	}

}
