package io.github.flashspring.engine.cache.disk;

import java.util.Arrays;
import java.util.List;

/**
 * What a file holds: some pages of tokens that follow others, and parts of what was
 * computed of them.
 *
 * @param fingerprint of everything besides tokens that decides the bits
 * @param parent hash of the pages before the first one, or the fingerprint
 * @param firstPage index of the first page
 * @param pageTokens tokens of a page
 * @param tokens of all pages
 * @param parts what was computed
 */
public record Segment(byte[] fingerprint, byte[] parent, int firstPage, int pageTokens, int[] tokens,
		List<Part> parts) {

	public Segment {
		parts = List.copyOf(parts);
	}

	/**
	 * {@return number of pages}
	 */
	public int pages() {
		return this.tokens.length / this.pageTokens;
	}

	/**
	 * {@return hash of all pages up to the last one}
	 */
	public byte[] hash() {
		byte[] hash = this.parent;
		for (int page = 0; page < pages(); page++) {
			hash = PageHash.next(hash,
					Arrays.copyOfRange(this.tokens, page * this.pageTokens, (page + 1) * this.pageTokens));
		}
		return hash;
	}

	long bytes() {
		long bytes = SegmentHeader.length(this.tokens.length, this.parts.size());
		for (Part part : this.parts) {
			bytes += SegmentHeader.aligned(part.floats().length * (long) Float.BYTES);
		}
		return bytes;
	}

	/**
	 * A page of a group of layers, or a state.
	 *
	 * @param page index of the page, counted from the beginning of the sequence; of a
	 * state, the page behind which it is
	 * @param group index of the group; {@link #STATE} for a state
	 * @param floats its bytes, four at a time
	 */
	@SuppressWarnings("ArrayRecordComponent") // The array is what is written.
	public record Part(int page, int group, float[] floats) {

		/** The group of states. */
		public static final int STATE = -1;

	}

}
