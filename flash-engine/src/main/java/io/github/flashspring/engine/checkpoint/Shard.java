package io.github.flashspring.engine.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

import static io.github.flashspring.engine.checkpoint.CheckpointException.quote;

/** One open safetensors file, with its header as it was when it was opened. */
final class Shard {

	private final FileChannel channel;

	private final SafetensorsHeader header;

	private final FileVersion version;

	private Shard(FileChannel channel, SafetensorsHeader header, FileVersion version) {
		this.channel = channel;
		this.header = header;
		this.version = version;
	}

	static Shard open(Path file) {
		FileVersion version;
		FileChannel channel;
		try {
			version = FileVersion.of(file);
			if (version == null) {
				throw new NoSuchFileException(file.toString());
			}
			channel = FileChannel.open(file, StandardOpenOption.READ);
		}
		catch (IOException ex) {
			throw Safetensors.unreadable(file, ex);
		}
		SafetensorsHeader header = null;
		try {
			header = Safetensors.readHeader(file, channel);
			return new Shard(channel, header, version);
		}
		finally {
			if (header == null) {
				close(channel);
			}
		}
	}

	FileChannel channel() {
		return this.channel;
	}

	SafetensorsHeader header() {
		return this.header;
	}

	FileVersion version() {
		return this.version;
	}

	void requireUnchanged(String purpose) {
		Path file = this.header.file();
		try {
			this.version.requireSame(file, this.channel.size(), FileVersion.of(file), purpose);
		}
		catch (IOException ex) {
			throw Safetensors.unreadable(file, ex);
		}
	}

	void read(TensorInfo tensor, long position, ByteBuffer into) {
		try {
			while (into.hasRemaining()) {
				int count = this.channel.read(into, position);
				if (count < 0) {
					throw new CheckpointException(
							"The file " + this.header.file() + " ends at byte " + position + ", inside of tensor "
									+ quote(tensor.name()) + "; it had " + this.header.fileSize()
									+ " bytes when the checkpoint was opened.",
							"Let no other process write it while the model runs, and load the model again.");
				}
				position += count;
			}
		}
		catch (IOException ex) {
			throw new CheckpointException("Cannot read tensor " + quote(tensor.name()) + " at byte " + position + " of "
					+ this.header.file() + " (" + ex + ").", "Check the disk and load the model again.", ex);
		}
	}

	void close() {
		close(this.channel);
	}

	private static void close(FileChannel channel) {
		try {
			channel.close();
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

}
