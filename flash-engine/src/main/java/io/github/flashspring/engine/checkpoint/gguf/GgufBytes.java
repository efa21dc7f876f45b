package io.github.flashspring.engine.checkpoint.gguf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.FileVersion;

/**
 * The bytes of a GGUF file, by plain reads: those of a file that is truncated meanwhile
 * fail, while touching a mapping of it would end the JVM.
 */
final class GgufBytes implements AutoCloseable {

	private final Path file;

	private final FileChannel channel;

	private final FileVersion version;

	private GgufBytes(Path file, FileChannel channel, FileVersion version) {
		this.file = file;
		this.channel = channel;
		this.version = version;
	}

	/**
	 * Opens a file.
	 * @param file its path
	 * @return its bytes, to be closed
	 * @throws IOException if it cannot be opened
	 */
	static GgufBytes open(Path file) throws IOException {
		FileVersion version = FileVersion.of(file);
		if (version == null) {
			throw new NoSuchFileException(file.toString());
		}
		return new GgufBytes(file, FileChannel.open(file, StandardOpenOption.READ), version);
	}

	/** Bytes that the file had when it was opened. */
	long size() {
		return this.version.size();
	}

	/**
	 * Fills a buffer.
	 * @param position of the first byte in the file
	 * @param into filled from its position to its limit
	 * @throws CheckpointException if the file does not have these bytes any more, or
	 * cannot be read
	 */
	void read(long position, ByteBuffer into) {
		String purpose = "reading " + into.remaining() + " bytes at byte " + position;
		try {
			for (long at = position; into.hasRemaining();) {
				int count = this.channel.read(into, at);
				if (count < 0) {
					requireUnchanged(purpose);
					throw new IOException("ends at byte " + at);
				}
				at += count;
			}
		}
		catch (IOException ex) {
			throw unreadable(this.file, ex);
		}
	}

	/**
	 * Refuses a file whose content changed since it was opened.
	 * @param purpose what it is needed for
	 * @throws CheckpointException if it changed, or the system does not answer
	 */
	void requireUnchanged(String purpose) {
		try {
			this.version.requireSame(this.file, this.channel.size(), FileVersion.of(this.file), purpose);
		}
		catch (IOException ex) {
			throw unreadable(this.file, ex);
		}
	}

	static CheckpointException unreadable(Path file, IOException cause) {
		return new CheckpointException("Cannot read " + file + " (" + cause + ").",
				"Check that the file exists and that this process may read it.", cause);
	}

	@Override
	public void close() throws IOException {
		this.channel.close();
	}

}
