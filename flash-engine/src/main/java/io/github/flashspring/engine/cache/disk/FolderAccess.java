package io.github.flashspring.engine.cache.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * How files are written, so that tests can fail it.
 */
interface FolderAccess {

	/** The system's files. */
	FolderAccess SYSTEM = new FolderAccess() {
	};

	/**
	 * Begins a file that does not exist.
	 * @param file the file
	 * @return open for writing
	 * @throws IOException if the system refuses
	 */
	default FileChannel create(Path file) throws IOException {
		return FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
	}

	/**
	 * Writes all of some bytes.
	 * @param file where to
	 * @param bytes what
	 * @throws IOException if the system refuses, for instance because the disk is full
	 */
	default void write(FileChannel file, ByteBuffer bytes) throws IOException {
		while (bytes.hasRemaining()) {
			file.write(bytes);
		}
	}

	/**
	 * Gives a file that is complete and on disk its name.
	 * @param file the file
	 * @param name its name, whose file is replaced
	 * @throws IOException if the system refuses
	 */
	default void rename(Path file, Path name) throws IOException {
		try {
			Files.move(file, name, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
		}
		catch (AtomicMoveNotSupportedException ex) {
			Files.move(file, name, StandardCopyOption.REPLACE_EXISTING);
		}
	}

	/**
	 * Brings names of a folder to the disk, where the system can.
	 * @param folder the folder
	 * @throws IOException if the system refuses
	 */
	default void sync(Path folder) throws IOException {
		if (System.getProperty("os.name", "").startsWith("Windows")) {
			return; // folders cannot be opened there
		}
		try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
			channel.force(true);
		}
	}

}
