package io.github.flashspring.engine.storage;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import java.util.Random;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

@EnabledOnOs(OS.LINUX)
class PageCacheTests {

	private static final int SIZE = (1 << 20) + 100;

	private final byte[] content = new byte[SIZE];

	@TempDir
	private Path folder;

	private Path file;

	@BeforeEach
	void write() throws Exception {
		new Random(1).nextBytes(this.content);
		this.file = Files.write(this.folder.resolve("weights"), this.content);
	}

	@Test
	void knowsWhatWasJustWritten() {
		try (PageCache cache = Objects.requireNonNull(PageCache.open(this.file))) {
			assertThat(cache.has(0, SIZE)).isTrue();
			assertThat(cache.has(1 << 20, 4096)).isTrue();
			assertThat(cache.has(2 << 20, 4096)).isFalse();
		}
	}

	@Test
	void readsAreTheSameFromCacheAndDisk() throws Exception {
		try (DirectFile direct = DirectFiles.open(this.file); Arena arena = Arena.ofShared()) {
			direct.usePageCache(true);
			assertThat(read(direct, arena)).isEqualTo(this.content);
			try (FileChannel channel = FileChannel.open(this.file, StandardOpenOption.WRITE);
					PageDropper dropper = Objects.requireNonNull(PageDropper.open(this.file))) {
				channel.force(true);
				dropper.drop(0, SIZE);
			}
			assertThat(read(direct, arena)).isEqualTo(this.content);
			direct.usePageCache(false);
			assertThat(read(direct, arena)).isEqualTo(this.content);
		}
	}

	private static byte[] read(DirectFile file, Arena arena) {
		MemorySegment target = arena.allocate(Math.ceilDiv(SIZE, file.alignment()) * (long) file.alignment(),
				file.alignment());
		file.read(0, target);
		return target.asSlice(0, SIZE).toArray(ValueLayout.JAVA_BYTE);
	}

}
