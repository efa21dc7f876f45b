package io.github.flashspring.engine.storage;

import java.util.List;

/**
 * How files can be read.
 *
 * @param patterns what was measured; empty if nothing was
 * @param alignment what offsets and lengths of reads must be multiples of
 * @param mapped whether matrices stay in the page cache where there is no budget
 */
public record Disk(List<ReadPattern> patterns, int alignment, boolean mapped) {

	/** All matrices stay in the page cache where there is no budget. */
	public static final Disk MAPPED = new Disk(List.of(), 4096, true);

	/** A disk that nobody measured. */
	public static final Disk UNKNOWN = new Disk(List.of(), 4096);

	/**
	 * A disk that is read as somebody says, not as was measured.
	 * @param readBytes size of a read; 0: the usual one
	 * @param readsInFlight reads at once; 0: as many as usual
	 * @return the disk, with that pattern alone; with all patterns if nothing is said
	 */
	public Disk read(int readBytes, int readsInFlight) {
		if (readBytes == 0 && readsInFlight == 0) {
			return this;
		}
		ReadPattern usual = ReadPattern.DEFAULT;
		ReadPattern wanted = new ReadPattern((readBytes > 0) ? readBytes : usual.readBytes(),
				(readsInFlight > 0) ? readsInFlight : usual.readsInFlight(), 0, usual.direct());
		return new Disk(
				List.of(this.patterns.stream().filter((pattern) -> pattern.isLike(wanted)).findFirst().orElse(wanted)),
				this.alignment, this.mapped);
	}

	public Disk {
		patterns = List.copyOf(patterns);
	}

	public Disk(List<ReadPattern> patterns, int alignment) {
		this(patterns, alignment, false);
	}

}
