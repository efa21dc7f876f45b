package io.github.flashspring.engine.checkpoint;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;

/**
 * Reads and writes single files of the
 * <a href="https://github.com/huggingface/safetensors#format">safetensors format</a>:
 * eight bytes of header length, a JSON header, then the data of all tensors without gaps.
 */
public final class Safetensors {

	private Safetensors() {
	}

	/**
	 * Reads and checks a file's header: limits, JSON, types, shapes, offsets, and that
	 * the tensors cover the data section exactly. Data is not read.
	 * @param file a safetensors file
	 * @return the header
	 * @throws CheckpointException if the file cannot be read or breaks a rule of the
	 * format
	 */
	public static SafetensorsHeader readHeader(Path file) {
		try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
			return readHeader(file, channel);
		}
		catch (IOException ex) {
			throw unreadable(file, ex);
		}
	}

	static SafetensorsHeader readHeader(Path file, FileChannel channel) {
		try {
			return new SafetensorsHeaderReader(file, channel).read();
		}
		catch (IOException ex) {
			throw unreadable(file, ex);
		}
	}

	/**
	 * Writes a file under a temporary name next to the target, forces it to disk and
	 * renames it, so that a failure leaves no half file. Every tensor is aligned to its
	 * elements: the order of the map is kept if that gives it, else larger element types
	 * come first.
	 * @param file the target, replaced if it exists
	 * @param tensors the tensors by name
	 * @param metadata for {@code __metadata__}; left out when empty
	 * @throws CheckpointException if the target is no regular file, or its disk has not
	 * enough free space
	 * @throws IOException if writing fails or a body delivers more or fewer bytes than
	 * its shape needs
	 */
	public static void write(Path file, Map<String, TensorSource> tensors, Map<String, String> metadata)
			throws IOException {
		write(file, tensors, metadata, 8);
	}

	/**
	 * Writes a file like {@link #write(Path, Map, Map)}, whose data begin at a certain
	 * boundary.
	 * @param file the target, replaced if it exists
	 * @param tensors the tensors by name
	 * @param metadata for {@code __metadata__}; left out when empty
	 * @param alignment the data begin at a multiple of it, in bytes: a multiple of 8
	 * @throws CheckpointException if the target is no regular file, or its disk has not
	 * enough free space
	 * @throws IOException if writing fails or a body delivers more or fewer bytes than
	 * its shape needs
	 */
	public static void write(Path file, Map<String, TensorSource> tensors, Map<String, String> metadata, int alignment)
			throws IOException {
		new SafetensorsWriter(tensors, metadata, alignment).write(file);
	}

	static CheckpointException unreadable(Path file, IOException cause) {
		return new CheckpointException("Cannot read " + file + " (" + cause + ").",
				"Check that the file exists and that this process may read it.", cause);
	}

}
