package io.github.flashspring.engine.reading;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

import io.github.flashspring.engine.weights.Block;

/**
 * A range of a block that is to be read.
 *
 * @param read the block
 * @param extent the range
 * @param urgency when
 * @param alone whether it is read by itself, whatever its neighbours are
 */
public record ReadRange(BlockRead read, Block.Extent extent, Urgency urgency, boolean alone) {

	public ReadRange(BlockRead read, Block.Extent extent, Urgency urgency) {
		this(read, extent, urgency, false);
	}

	Path file() {
		return this.extent.file();
	}

	/**
	 * {@return first byte in the file}
	 */
	long from() {
		return this.extent.offset();
	}

	/**
	 * {@return end in the file}
	 */
	long to() {
		return this.extent.offset() + this.extent.length();
	}

	/**
	 * {@return where it goes in the memory that holds the block}
	 */
	long position() {
		return this.read.offset() + this.extent.position();
	}

	/**
	 * Where some of its bytes go.
	 * @param begin the first of them in the file
	 * @param end behind the last
	 */
	MemorySegment memory(long begin, long end) {
		return this.read.base().asSlice(position() + begin - from(), end - begin);
	}

	/**
	 * {@return whether it is the neighbour behind another, in the file and in memory}
	 */
	boolean follows(ReadRange other) {
		return from() == other.to() && position() == other.position() + other.extent.length()
				&& this.read.base().equals(other.read.base()) && file().equals(other.file());
	}

	/**
	 * {@return the same range, to be read now}
	 */
	ReadRange promoted() {
		return new ReadRange(this.read, this.extent, Urgency.NOW, this.alone);
	}

	/**
	 * {@return the same range, to be read now and by itself}
	 */
	ReadRange retried() {
		return new ReadRange(this.read, this.extent, Urgency.NOW, true);
	}

	/** When something is read. */
	public enum Urgency {

		/** Compute needs it; never paced. */
		NOW,

		/** Compute will need it. */
		AHEAD,

		/** Compute may need it. */
		LIKELY

	}

}
