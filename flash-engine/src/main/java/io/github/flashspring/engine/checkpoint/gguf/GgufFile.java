package io.github.flashspring.engine.checkpoint.gguf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

import io.github.flashspring.engine.checkpoint.CheckpointException;

/**
 * An open GGUF file of version 2 or 3: its key-value pairs, its tensors, and their data,
 * which is read when it is asked for.
 */
final class GgufFile implements AutoCloseable {

	private final Path file;

	private final GgufBytes bytes;

	private final GgufMetadata metadata;

	private final Map<String, GgufTensor> tensors;

	private GgufFile(Path file, GgufBytes bytes, GgufReader reader) {
		this.file = file;
		this.bytes = bytes;
		this.metadata = reader.metadata();
		this.tensors = Collections.unmodifiableMap(new LinkedHashMap<>(reader.tensors()));
	}

	/**
	 * Opens a file and checks everything but the data itself.
	 * @param file a GGUF file
	 * @return the file, to be closed
	 * @throws CheckpointException if it cannot be read or is damaged
	 */
	@SuppressWarnings("MustBeClosedChecker") // close() does, or the end of a failed call
	static GgufFile open(Path file) {
		GgufBytes bytes = null;
		GgufFile opened = null;
		try {
			bytes = GgufBytes.open(file);
			GgufReader reader = new GgufReader(file, bytes);
			reader.read();
			opened = new GgufFile(file, bytes, reader);
			return opened;
		}
		catch (IOException ex) {
			throw GgufBytes.unreadable(file, ex);
		}
		finally {
			if (bytes != null && opened == null) {
				close(file, bytes);
			}
		}
	}

	Path file() {
		return this.file;
	}

	GgufMetadata metadata() {
		return this.metadata;
	}

	/** All tensors by name, in the order of the file. */
	Map<String, GgufTensor> tensors() {
		return this.tensors;
	}

	/**
	 * Reads bytes of a tensor.
	 * @param tensor of this file
	 * @param from the first one, counted from the tensor's
	 * @param into filled from its position to its limit
	 * @throws CheckpointException if the file was truncated or cannot be read
	 */
	void read(GgufTensor tensor, long from, ByteBuffer into) {
		if (from < 0 || into.remaining() > tensor.byteSize() - from) {
			throw new IndexOutOfBoundsException(into.remaining() + " bytes at byte " + from + " of " + tensor);
		}
		this.bytes.read(tensor.offset() + from, into);
	}

	/**
	 * Refuses a file whose content changed since it was opened.
	 * @throws CheckpointException if it did
	 */
	void requireUnchanged() {
		this.bytes.requireUnchanged("importing it");
	}

	@Override
	public void close() {
		close(this.file, this.bytes);
	}

	private static void close(Path file, GgufBytes bytes) {
		try {
			bytes.close();
		}
		catch (IOException ex) {
			throw GgufBytes.unreadable(file, ex);
		}
	}

}
