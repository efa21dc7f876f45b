package io.github.flashspring.engine.residency;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Set;

import com.sun.nio.file.ExtendedOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * A file of the operating system, read with O_DIRECT (Linux), F_NOCACHE (macOS), or
 * through the page cache, whose pages are then dropped behind the reads where the system
 * allows it.
 */
final class SystemBlockSource implements BlockSource {

	static final Opener OPENER = new Opener() {

		@Override
		public BlockSource open(Path file, boolean direct) throws IOException {
			return new SystemBlockSource(file, direct);
		}

		@Override
		public long blockSize(Path file) throws IOException {
			return Files.getFileStore(file).getBlockSize();
		}

	};

	private final Path file;

	private final FileChannel channel;

	private final @Nullable PageDropper pages;

	private SystemBlockSource(Path file, boolean direct) throws IOException {
		this.file = file;
		Set<OpenOption> options = direct ? Set.of(StandardOpenOption.READ, ExtendedOpenOption.DIRECT)
				: Set.of(StandardOpenOption.READ);
		this.channel = FileChannel.open(file, options);
		this.pages = direct ? null : PageDropper.open(file);
	}

	@Override
	public int read(ByteBuffer target, long offset) throws IOException {
		return this.channel.read(target, offset);
	}

	@Override
	public long size() throws IOException {
		return this.channel.size();
	}

	@Override
	public @Nullable Version version() throws IOException {
		try {
			BasicFileAttributes attributes = Files.readAttributes(this.file, BasicFileAttributes.class);
			return new Version(attributes.fileKey(), attributes.lastModifiedTime());
		}
		catch (NoSuchFileException ex) {
			return null;
		}
	}

	@Override
	public void forget(long offset, long length) {
		if (this.pages != null) {
			this.pages.drop(offset, length);
		}
	}

	@Override
	public void close() throws IOException {
		if (this.pages != null) {
			this.pages.close();
		}
		this.channel.close();
	}

}
