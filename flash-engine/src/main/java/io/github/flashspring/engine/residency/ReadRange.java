package io.github.flashspring.engine.residency;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.residency.ReadQueue.Urgency;

/**
 * A stretch of a block that is to be read.
 *
 * @param load the block
 * @param extent the stretch
 * @param urgency when
 * @param apart whether it is read by itself, whatever its neighbours are
 */
record ReadRange(BlockRead load, Block.Extent extent, Urgency urgency, boolean apart) {

	ReadRange(BlockRead load, Block.Extent extent, Urgency urgency) {
		this(load, extent, urgency, false);
	}

	Path file() {
		return this.extent.file();
	}

	/** First byte in the file. */
	long from() {
		return this.extent.offset();
	}

	/** Behind its last byte in the file. */
	long to() {
		return this.extent.offset() + this.extent.length();
	}

	/** Where it goes in the memory of the load. */
	long position() {
		return this.load.offset() + this.extent.position();
	}

	/**
	 * Where some of its bytes go.
	 * @param begin the first of them in the file
	 * @param end behind the last
	 */
	MemorySegment memory(long begin, long end) {
		return this.load.base().asSlice(position() + begin - from(), end - begin);
	}

	/** Whether it is the neighbour behind another one, in the file and in memory. */
	boolean follows(ReadRange other) {
		return from() == other.to() && position() == other.position() + other.extent.length()
				&& this.load.base().equals(other.load.base()) && file().equals(other.file());
	}

	/** The same, to be read now and by itself. */
	ReadRange again() {
		return new ReadRange(this.load, this.extent, Urgency.NOW, true);
	}

}
