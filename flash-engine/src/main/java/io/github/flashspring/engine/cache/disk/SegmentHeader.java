package io.github.flashspring.engine.cache.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * The beginning of a file: magic, version, checksum, what it belongs to, tokens, and
 * where its parts lie, each with a checksum. It and every part begin at a multiple of
 * 4,096 bytes, for direct reads. Numbers are little-endian.
 */
record SegmentHeader(byte[] fingerprint, byte[] parent, int firstPage, int pageTokens, int[] tokens,
		List<Entry> entries) {

	static final int ALIGNMENT = 4096;

	/** Longest header: of 2^20 tokens, and 2^16 parts. */
	static final int MAX_LENGTH = 8 << 20;

	private static final long MAGIC = 0x5845_5250_4853_4C46L; // "FLSHPREX"

	private static final int VERSION = 1;

	private static final int FIXED = 8 + 4 + 4 + 4 + 2 * PageHash.BYTES + 4 * Integer.BYTES;

	private static final int ENTRY = 4 + 4 + 8 + 8 + 4;

	private static final int CHECKSUM_AT = 12;

	private static final int MAX_TOKENS = 1 << 20;

	private static final int MAX_PARTS = 1 << 16;

	static long aligned(long bytes) {
		return (bytes + ALIGNMENT - 1) & -ALIGNMENT;
	}

	static int length(int tokens, int parts) {
		return (int) aligned(FIXED + (long) tokens * Integer.BYTES + (long) parts * ENTRY);
	}

	/** The header of a segment, with its parts laid out behind it. */
	static SegmentHeader of(Segment segment) {
		long offset = length(segment.tokens().length, segment.parts().size());
		List<Entry> entries = new ArrayList<>();
		for (Segment.Part part : segment.parts()) {
			long bytes = part.floats().length * (long) Float.BYTES;
			entries.add(new Entry(part.page(), part.group(), offset, bytes, checksum(part.floats())));
			offset += aligned(bytes);
		}
		return new SegmentHeader(segment.fingerprint(), segment.parent(), segment.firstPage(), segment.pageTokens(),
				segment.tokens(), entries);
	}

	static int checksum(float[] floats) {
		CRC32C sum = new CRC32C();
		ByteBuffer chunk = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
		for (int from = 0; from < floats.length; from += chunk.capacity() / Float.BYTES) {
			int count = Math.min(chunk.capacity() / Float.BYTES, floats.length - from);
			chunk.clear().asFloatBuffer().put(floats, from, count);
			sum.update(chunk.limit(count * Float.BYTES));
		}
		return (int) sum.getValue();
	}

	ByteBuffer encode() {
		ByteBuffer bytes = ByteBuffer.allocate(length(this.tokens.length, this.entries.size()))
			.order(ByteOrder.LITTLE_ENDIAN);
		bytes.putLong(MAGIC).putInt(VERSION).putInt(0).putInt(bytes.capacity());
		bytes.put(this.fingerprint).put(this.parent);
		bytes.putInt(this.firstPage).putInt(this.pageTokens).putInt(this.tokens.length).putInt(this.entries.size());
		for (int token : this.tokens) {
			bytes.putInt(token);
		}
		for (Entry entry : this.entries) {
			bytes.putInt(entry.page()).putInt(entry.group()).putLong(entry.offset()).putLong(entry.bytes());
			bytes.putInt(entry.checksum());
		}
		bytes.putInt(CHECKSUM_AT, sum(bytes.array()));
		return bytes.clear();
	}

	/** Checksum of a header, without that of the checksum itself. */
	private static int sum(byte[] header) {
		CRC32C sum = new CRC32C();
		sum.update(header, 0, CHECKSUM_AT);
		sum.update(header, CHECKSUM_AT + Integer.BYTES, header.length - CHECKSUM_AT - Integer.BYTES);
		return (int) sum.getValue();
	}

	/**
	 * Length of a header.
	 * @param start the first {@link #ALIGNMENT} bytes
	 * @return bytes
	 * @throws IOException if the file is none of ours
	 */
	static int length(ByteBuffer start) throws IOException {
		start.order(ByteOrder.LITTLE_ENDIAN);
		require(start.getLong(0) == MAGIC, "the magic number");
		require(start.getInt(8) == VERSION, "version " + VERSION);
		int length = start.getInt(16);
		require(length >= ALIGNMENT && length <= MAX_LENGTH && length % ALIGNMENT == 0, "a length of the header");
		return length;
	}

	/**
	 * Reads a header.
	 * @param header all of it
	 * @param fileSize bytes of the file
	 * @return the header, whose lengths and offsets are within the file
	 * @throws IOException if it is damaged
	 */
	static SegmentHeader decode(ByteBuffer header, long fileSize) throws IOException {
		header.order(ByteOrder.LITTLE_ENDIAN);
		require(header.getInt(CHECKSUM_AT) == sum(header.array()), "the checksum of the header");
		header.position(20);
		byte[] fingerprint = new byte[PageHash.BYTES];
		byte[] parent = new byte[PageHash.BYTES];
		header.get(fingerprint).get(parent);
		int firstPage = header.getInt();
		int pageTokens = header.getInt();
		int count = header.getInt();
		int parts = header.getInt();
		require(firstPage >= 0 && firstPage < MAX_TOKENS && pageTokens > 0 && count > 0 && count <= MAX_TOKENS
				&& count % pageTokens == 0 && parts >= 0 && parts <= MAX_PARTS
				&& length(count, parts) == header.capacity(), "numbers of tokens and parts");
		int[] tokens = new int[count];
		Arrays.setAll(tokens, (i) -> header.getInt());
		List<Entry> entries = new ArrayList<>();
		long end = header.capacity();
		for (int i = 0; i < parts; i++) {
			Entry entry = new Entry(header.getInt(), header.getInt(), header.getLong(), header.getLong(),
					header.getInt());
			require(entry.offset() == end && entry.bytes() >= 0 && entry.bytes() <= Integer.MAX_VALUE
					&& entry.bytes() % Float.BYTES == 0 && entry.page() >= 0, "a part behind the one before");
			entries.add(entry);
			end += aligned(entry.bytes());
		}
		require(end == fileSize, "a size of " + end + " bytes");
		return new SegmentHeader(fingerprint, parent, firstPage, pageTokens, tokens, entries);
	}

	static void require(boolean right, String expected) throws IOException {
		if (!right) {
			throw new DamagedSegmentException("Expected " + expected);
		}
	}

	/**
	 * Where a part lies.
	 *
	 * @param page index of the page
	 * @param group index of the group
	 * @param offset in the file
	 * @param bytes length
	 * @param checksum CRC-32C
	 */
	record Entry(int page, int group, long offset, long bytes, int checksum) {

	}

}
