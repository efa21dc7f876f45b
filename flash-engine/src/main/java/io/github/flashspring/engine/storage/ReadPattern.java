package io.github.flashspring.engine.storage;

/**
 * How a disk is read: how large reads are and how many run at once.
 *
 * @param readBytes size of a read
 * @param readsInFlight reads at once
 * @param bytesPerSecond rate that was measured so; 0 if it was not measured
 * @param direct whether the reads go around the page cache
 */
public record ReadPattern(int readBytes, int readsInFlight, double bytesPerSecond, boolean direct) {

	/**
	 * The pattern of a disk that was not measured: disks gain by up to eight concurrent
	 * reads, and little by reads of more than a megabyte.
	 */
	public static final ReadPattern DEFAULT = new ReadPattern(4 << 20, 8, 0, true);

	/**
	 * Checks the values.
	 * @throws IllegalArgumentException if one is out of range
	 */
	public ReadPattern {
		if (readBytes <= 0 || readsInFlight <= 0 || !(bytesPerSecond >= 0)) {
			throw new IllegalArgumentException("Not a read pattern: " + readsInFlight + " reads of " + readBytes
					+ " bytes at " + bytesPerSecond + " bytes per second.");
		}
	}

	/**
	 * Whether another pattern has reads of the same size and number.
	 * @param other the other
	 * @return true if so, whatever was measured
	 */
	public boolean isLike(ReadPattern other) {
		return this.readBytes == other.readBytes && this.readsInFlight == other.readsInFlight;
	}

	/**
	 * Memory that the reads under way need.
	 * @return bytes
	 */
	public long windowBytes() {
		return (long) this.readBytes * this.readsInFlight;
	}

}
