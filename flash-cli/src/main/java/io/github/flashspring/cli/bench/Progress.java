package io.github.flashspring.cli.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import io.github.flashspring.engine.metrics.ByteSize;

/**
 * Is told how far something that takes long has come.
 */
@FunctionalInterface
public interface Progress {

	/**
	 * Something was done.
	 * @param what is human-readable
	 * @param done bytes so far
	 * @param total bytes in all
	 */
	void at(String what, long done, long total);

	/**
	 * Fails before anything is written if a file system has too little space.
	 * @param folder where to write
	 * @param bytes how much
	 * @throws IOException if there is less space, or the file system does not answer
	 */
	static void requireSpace(Path folder, long bytes) throws IOException {
		long free = Files.getFileStore(folder).getUsableSpace();
		if (free < bytes) {
			throw new IOException(
					"The model needs %s, but the file system of %s has %s left. Write fewer --layers, or elsewhere."
						.formatted(ByteSize.readable(bytes), folder, ByteSize.readable(free)));
		}
	}

}
