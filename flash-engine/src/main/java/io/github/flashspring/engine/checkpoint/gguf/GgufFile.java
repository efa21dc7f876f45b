package io.github.flashspring.engine.checkpoint.gguf;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

import io.github.flashspring.engine.checkpoint.CheckpointException;

/**
 * An open GGUF file of version 2 or 3: its key-value pairs, its tensors, and their data
 * as a mapping that lasts until {@link #close()}.
 */
final class GgufFile implements AutoCloseable {

	private final Path file;

	private final Arena arena;

	private final MemorySegment bytes;

	private final GgufMetadata metadata;

	private final Map<String, GgufTensor> tensors;

	private GgufFile(Path file, Arena arena, MemorySegment bytes, GgufReader reader) {
		this.file = file;
		this.arena = arena;
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
		Arena arena = Arena.ofShared();
		boolean complete = false;
		try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
			MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
			GgufReader reader = new GgufReader(file, bytes);
			reader.read();
			GgufFile opened = new GgufFile(file, arena, bytes, reader);
			complete = true;
			return opened;
		}
		catch (IOException ex) {
			throw new CheckpointException("Cannot read " + file + " (" + ex + ").",
					"Check that the file exists and that this process may read it.", ex);
		}
		finally {
			if (!complete) {
				arena.close();
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

	/** A tensor's bytes, read-only. */
	MemorySegment data(GgufTensor tensor) {
		return this.bytes.asSlice(tensor.offset(), tensor.byteSize());
	}

	@Override
	public void close() {
		this.arena.close();
	}

}
