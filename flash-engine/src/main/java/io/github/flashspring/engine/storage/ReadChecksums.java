package io.github.flashspring.engine.storage;

import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.CRC32C;

import io.github.flashspring.engine.memory.NativeMemory;

/**
 * Checksums of ranges of a file when they were first read. Safe for use by several
 * threads.
 */
final class ReadChecksums {

	private final Map<Range, Integer> checksums = new ConcurrentHashMap<>();

	/**
	 * Remembers a range, unless it is known.
	 * @param offset where in the file
	 * @param bytes what was read there
	 */
	void add(long offset, MemorySegment bytes) {
		this.checksums.computeIfAbsent(new Range(offset, bytes.byteSize()), (range) -> checksum(bytes));
	}

	/**
	 * Reads all ranges from another file.
	 * @return whether they are the same there
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if it cannot be
	 * read
	 */
	boolean match(DirectFile file) {
		long alignment = file.alignment();
		long most = this.checksums.keySet().stream().mapToLong(Range::length).max().orElse(0);
		try (NativeMemory memory = NativeMemory.allocate(Math.ceilDiv(most, alignment) * alignment)) {
			return this.checksums.entrySet().stream().allMatch((entry) -> {
				Range range = entry.getKey();
				file.read(range.offset(),
						memory.segment().asSlice(0, Math.ceilDiv(range.length(), alignment) * alignment));
				return checksum(memory.segment().asSlice(0, range.length())) == entry.getValue();
			});
		}
	}

	private static int checksum(MemorySegment bytes) {
		CRC32C sum = new CRC32C();
		sum.update(bytes.asByteBuffer());
		return (int) sum.getValue();
	}

	/**
	 * Bytes of the file.
	 *
	 * @param offset the first
	 * @param length how many
	 */
	private record Range(long offset, long length) {

	}

}
