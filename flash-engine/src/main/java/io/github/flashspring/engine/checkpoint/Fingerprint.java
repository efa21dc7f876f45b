package io.github.flashspring.engine.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * Tells whether files hold the same model as at another time: config.json, and of each
 * file of weights its size, its header and samples of its data. Reading all of a large
 * model would take as long as loading it.
 *
 * @param files checksum by file
 */
public record Fingerprint(Map<Path, Long> files) {

	/** Samples of all files together; smaller models are read whole. */
	private static final int SAMPLES = 64;

	private static final int SAMPLE_BYTES = 4096;

	public Fingerprint {
		files = Map.copyOf(files);
	}

	/**
	 * Reads a fingerprint.
	 * @param checkpoint the files, which did not change since it was opened
	 * @return the fingerprint
	 * @throws CheckpointException if a file cannot be read or has changed
	 */
	public static Fingerprint of(Checkpoint checkpoint) {
		Map<Path, Long> found = new LinkedHashMap<>();
		Path config = checkpoint.folder().resolve("config.json");
		try {
			CRC32C sum = new CRC32C();
			sum.update(Files.readAllBytes(config));
			found.put(config, sum.getValue());
		}
		catch (IOException ex) {
			throw Safetensors.unreadable(config, ex);
		}
		int samples = Math.max(4, SAMPLES / checkpoint.headers().size());
		for (SafetensorsHeader header : checkpoint.headers()) {
			try {
				found.put(header.file(), checksum(checkpoint.channel(header.file()), header, samples));
			}
			catch (IOException ex) {
				throw Safetensors.unreadable(header.file(), ex);
			}
		}
		checkpoint.requireUnchanged("loading it");
		return new Fingerprint(found);
	}

	private static long checksum(FileChannel channel, SafetensorsHeader header, int samples) throws IOException {
		CRC32C sum = new CRC32C();
		ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
		for (long at = 0; at < header.dataOffset(); at += buffer.capacity()) {
			add(sum, channel, at, (int) Math.min(buffer.capacity(), header.dataOffset() - at), buffer);
		}
		long data = header.fileSize() - header.dataOffset();
		long distance = Math.max(SAMPLE_BYTES, (data - SAMPLE_BYTES) / (samples - 1));
		for (long at = 0; at < data; at += distance) {
			add(sum, channel, header.dataOffset() + at, (int) Math.min(SAMPLE_BYTES, data - at), buffer);
		}
		sum.update(buffer.clear().putLong(0, header.fileSize()).limit(Long.BYTES));
		return sum.getValue();
	}

	private static void add(CRC32C sum, FileChannel channel, long offset, int length, ByteBuffer buffer)
			throws IOException {
		buffer.clear().limit(length);
		while (buffer.hasRemaining() && channel.read(buffer, offset + buffer.position()) >= 0) {
			continue;
		}
		sum.update(buffer.flip());
	}

	/**
	 * Compares two fingerprints.
	 * @param earlier what was expected
	 * @return the first file that is missing, new or different; empty if none is
	 */
	public Optional<Path> differenceFrom(Fingerprint earlier) {
		return earlier.files.keySet()
			.stream()
			.filter((file) -> !Objects.equals(this.files.get(file), earlier.files.get(file)))
			.findFirst()
			.or(() -> this.files.keySet().stream().filter((file) -> !earlier.files.containsKey(file)).findFirst());
	}

}
