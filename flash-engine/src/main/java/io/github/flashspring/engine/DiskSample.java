package io.github.flashspring.engine;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Random;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.flashspring.engine.storage.DirectFile;
import io.github.flashspring.engine.storage.DirectFiles;
import io.github.flashspring.engine.storage.DiskProbe;

/**
 * Measures a disk that is not known and that no model is on yet, with a file of its own.
 */
final class DiskSample {

	private static final Logger logger = LoggerFactory.getLogger(FlashEngine.class);

	/** A quarter of it is the largest window that a probe tries. */
	private static final int BYTES = 256 << 20;

	private static final int CHUNK = 4 << 20;

	private DiskSample() {
	}

	/**
	 * Measures, unless the disk is known. Where that is impossible, it stays unknown.
	 * @param folder on the disk
	 * @param direct whether reads go around the page cache
	 */
	static void measure(Path folder, boolean direct) {
		Path file = folder.resolve("disk-sample");
		try {
			Files.write(file, new byte[CHUNK]);
			DiskProbe probe = DiskProbe.ofSystem();
			if (!known(probe, file, direct) && Files.getFileStore(folder).getUsableSpace() > 4L * BYTES) {
				write(file);
				List<DirectFile> files = DirectFiles.openAll(List.of(file), direct);
				try {
					probe.profile(files.getFirst(), Long.MAX_VALUE);
				}
				finally {
					files.forEach(DirectFile::close);
				}
			}
		}
		catch (IOException ex) {
			logger.info("The disk of {} cannot be measured ({})", folder, ex.toString());
		}
		finally {
			delete(file);
		}
	}

	private static boolean known(DiskProbe probe, Path file, boolean direct) {
		List<DirectFile> files = DirectFiles.openAll(List.of(file), direct);
		try {
			return !probe.remembered(files.getFirst()).patterns().isEmpty();
		}
		finally {
			files.forEach(DirectFile::close);
		}
	}

	/** Random bytes, which no file system can compress. */
	private static void write(Path file) throws IOException {
		byte[] bytes = new byte[CHUNK];
		Random random = new Random(1);
		try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
			for (long position = 0; position < BYTES;) {
				random.nextBytes(bytes);
				ByteBuffer chunk = ByteBuffer.wrap(bytes);
				while (chunk.hasRemaining()) {
					position += channel.write(chunk, position);
				}
			}
			channel.force(true);
		}
	}

	private static void delete(Path file) {
		try {
			Files.deleteIfExists(file);
		}
		catch (IOException ex) {
			logger.debug("{} cannot be deleted", file, ex);
		}
	}

}
