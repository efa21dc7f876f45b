package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * How far each part of an unfinished blob has come, in a small file next to it, so that a
 * download goes on where it was, also after the process was killed. What the map says is
 * believed until the hash of the whole is checked.
 * <p>
 * Format: eight bytes {@code FLSHPART}, then the size of the blob, the size of a part,
 * and for each part how many of its bytes have arrived, from its start on; all numbers
 * have eight bytes, the highest first.
 */
final class PartMap implements AutoCloseable {

	private static final long MAGIC = 0x464c_5348_5041_5254L;

	private static final int HEADER = 24;

	private static final int MAX_PARTS = 1 << 20;

	private final FileChannel channel;

	private final long size;

	private final long partBytes;

	private final long[] done;

	private PartMap(FileChannel channel, long size, long partBytes, long[] done) {
		this.channel = channel;
		this.size = size;
		this.partBytes = partBytes;
		this.done = done;
	}

	/**
	 * Reads the map of a blob, or begins one.
	 * @param file where the map is
	 * @param blob the unfinished blob
	 * @param size bytes that the blob will have
	 * @param partBytes size of the parts of a new map
	 */
	static PartMap open(Path file, Path blob, long size, long partBytes) throws IOException {
		long present = Files.isRegularFile(blob) ? Files.size(blob) : 0;
		FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ,
				StandardOpenOption.WRITE);
		boolean opened = false;
		try {
			long foundPart = partBytes(channel, size);
			long part = (foundPart > 0) ? foundPart : Math.max(partBytes, (size + MAX_PARTS - 1) / MAX_PARTS);
			long[] done = new long[(int) Math.max(1, (size + part - 1) / part)];
			PartMap map = new PartMap(channel, size, part, done);
			if (!(foundPart > 0 && map.read(present))) {
				// Without a map, what is there is the beginning of the blob: so earlier
				// versions of Python's client left it.
				boolean prefix = channel.size() == 0;
				for (int i = 0; i < done.length; i++) {
					done[i] = prefix ? Math.clamp(present - map.begin(i), 0, map.length(i)) : 0;
				}
				map.write();
			}
			opened = true;
			return map;
		}
		finally {
			if (!opened) {
				channel.close();
			}
		}
	}

	/** Begins a map of one part, for hosts that send all or nothing. */
	static PartMap single(Path file, long size) throws IOException {
		FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING,
				StandardOpenOption.READ, StandardOpenOption.WRITE);
		PartMap map = new PartMap(channel, size, Math.max(1, size), new long[1]);
		boolean written = false;
		try {
			map.write();
			written = true;
			return map;
		}
		finally {
			if (!written) {
				channel.close();
			}
		}
	}

	int parts() {
		return this.done.length;
	}

	long begin(int part) {
		return part * this.partBytes;
	}

	long length(int part) {
		return Math.min(this.partBytes, this.size - begin(part));
	}

	synchronized long done(int part) {
		return this.done[part];
	}

	/**
	 * {@return bytes that have arrived}
	 */
	synchronized long total() {
		long total = 0;
		for (long bytes : this.done) {
			total += bytes;
		}
		return total;
	}

	/** Notes that a part has come further; its bytes are in the blob. */
	synchronized void done(int part, long bytes) throws IOException {
		this.done[part] = bytes;
		write(ByteBuffer.allocate(Long.BYTES).putLong(bytes).flip(), HEADER + (long) part * Long.BYTES);
	}

	private static long partBytes(FileChannel channel, long size) throws IOException {
		ByteBuffer header = ByteBuffer.allocate(HEADER);
		read(channel, header, 0);
		if (header.hasRemaining() || header.getLong(0) != MAGIC || header.getLong(8) != size) {
			return 0;
		}
		long part = header.getLong(16);
		return (part > 0 && (size + part - 1) / part <= MAX_PARTS) ? part : 0;
	}

	/**
	 * {@return whether the map can be believed}
	 */
	private boolean read(long present) throws IOException {
		ByteBuffer numbers = ByteBuffer.allocate(this.done.length * Long.BYTES);
		read(this.channel, numbers, HEADER);
		if (numbers.hasRemaining()) {
			return false;
		}
		for (int i = 0; i < this.done.length; i++) {
			long bytes = numbers.getLong(i * Long.BYTES);
			if (bytes < 0 || bytes > length(i) || (bytes > 0 && begin(i) + bytes > present)) {
				return false;
			}
			this.done[i] = bytes;
		}
		return true;
	}

	private void write() throws IOException {
		ByteBuffer all = ByteBuffer.allocate(HEADER + this.done.length * Long.BYTES);
		all.putLong(MAGIC).putLong(this.size).putLong(this.partBytes);
		for (long bytes : this.done) {
			all.putLong(bytes);
		}
		write(all.flip(), 0);
	}

	private void write(ByteBuffer bytes, long position) throws IOException {
		while (bytes.hasRemaining()) {
			position += this.channel.write(bytes, position);
		}
	}

	private static void read(FileChannel channel, ByteBuffer into, long position) throws IOException {
		while (into.hasRemaining()) {
			int count = channel.read(into, position);
			if (count < 0) {
				return;
			}
			position += count;
		}
	}

	@Override
	public void close() throws IOException {
		this.channel.close();
	}

}
