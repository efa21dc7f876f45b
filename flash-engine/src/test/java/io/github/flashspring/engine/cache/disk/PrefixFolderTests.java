package io.github.flashspring.engine.cache.disk;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Tests for {@link PrefixFolder} and {@link PrefixWriter}: what is read is what was
 * written, whatever happens to the files.
 */
@Timeout(120)
class PrefixFolderTests {

	private static final byte[] MODEL = PageHash.of(new byte[] { 1 });

	private static final int PAGE = 16;

	private static final int FLOATS = 1100;

	private static final PrefixFolder.Shape SHAPE = new PrefixFolder.Shape() {

		@Override
		public long bytes(int group) {
			return (group <= 1) ? 4L * FLOATS : -1;
		}

		@Override
		public long maxBytes() {
			return 40L * FLOATS;
		}

	};

	@TempDir
	Path parent;

	private Path folder() {
		return this.parent.resolve("prefixes");
	}

	private static Segment segment(int first) {
		Random random = new Random(first);
		int[] tokens = random.ints(2 * PAGE, 0, 50_000).toArray();
		List<Segment.Part> parts = new ArrayList<>();
		for (int[] part : new int[][] { { 0, 0 }, { 1, 0 }, { 1, 1 }, { 2, Segment.Part.STATE } }) {
			float[] floats = new float[FLOATS];
			for (int i = 0; i < FLOATS; i++) {
				floats[i] = Float.intBitsToFloat(random.nextInt());
			}
			parts.add(new Segment.Part(part[0], part[1], floats));
		}
		return new Segment(MODEL, MODEL, 0, PAGE, tokens, parts);
	}

	private static void assertSame(@Nullable Segment read, Segment expected) {
		Segment found = Objects.requireNonNull(read);
		assertThat(found.tokens()).isEqualTo(expected.tokens());
		assertThat(found.parts()).hasSameSizeAs(expected.parts());
		for (int i = 0; i < found.parts().size(); i++) {
			assertThat(bits(found.parts().get(i))).isEqualTo(bits(expected.parts().get(i)));
		}
	}

	private static int[] bits(Segment.Part part) {
		int[] bits = new int[part.floats().length];
		Arrays.setAll(bits, (i) -> Float.floatToRawIntBits(part.floats()[i]));
		return bits;
	}

	private List<Path> files() throws IOException {
		try (Stream<Path> files = Files.list(folder())) {
			return files.toList();
		}
	}

	@Test
	void whatIsWrittenIsReadInTheSameBits() throws Exception {
		PrefixFolder folder = PrefixFolder.open(folder(), 1 << 20);
		Segment segment = segment(1);
		assertThat(folder.has(segment.hash())).isFalse();
		assertThat(folder.write(segment, () -> true)).isTrue();
		assertThat(Files.getPosixFilePermissions(folder())).isEqualTo(PosixFilePermissions.fromString("rwx------"));
		PrefixFolder other = PrefixFolder.open(folder(), 1 << 20);
		assertThat(other.has(segment.hash())).isTrue();
		assertSame(other.read(segment.hash(), MODEL, SHAPE), segment);
		assertThat(Files.size(files().getFirst()) % SegmentHeader.ALIGNMENT).isZero();
		assertThat(other.metrics(0, 0).files()).isEqualTo(1);
		assertThat(other.read(segment(2).hash(), MODEL, SHAPE)).isNull();
		assertThat(other.metrics(0, 0).damaged()).isZero();
	}

	@Test
	void fileOfAnotherModelIsRemoved() throws Exception {
		PrefixFolder folder = PrefixFolder.open(folder(), 1 << 20);
		Segment segment = segment(1);
		folder.write(segment, () -> true);
		assertThat(folder.read(segment.hash(), PageHash.of(new byte[] { 2 }), SHAPE)).isNull();
		assertThat(folder.metrics(0, 0).damaged()).isEqualTo(1);
		assertThat(files()).isEmpty();
	}

	@Test
	void fileUsedLongestAgoIsRemovedFirst() throws Exception {
		long size = segment(1).bytes();
		PrefixFolder folder = PrefixFolder.open(folder(), 3 * size);
		for (int i = 1; i <= 3; i++) {
			folder.write(segment(i), () -> true);
			Files.setLastModifiedTime(folder().resolve(PageHash.name(segment(i).hash())),
					FileTime.from(Instant.now().minus(Duration.ofHours(9 - i))));
		}
		folder.read(segment(1).hash(), MODEL, SHAPE);
		folder.write(segment(4), () -> true);
		assertThat(folder.has(segment(2).hash())).isFalse();
		assertThat(folder.has(segment(1).hash())).isTrue();
		assertThat(folder.metrics(0, 0)).extracting("bytes", "evictedFiles").containsExactly(3 * size, 1L);
	}

	@Test
	void whatOthersLeftUnfinishedIsRemovedWhenItIsOld() throws Exception {
		PrefixFolder.open(folder(), 1 << 20);
		Path fresh = Files.createFile(folder().resolve("a.unfinished"));
		Path old = Files.createFile(folder().resolve("b.unfinished"));
		Path foreign = Files.createFile(folder().resolve("notes.txt"));
		Files.setLastModifiedTime(old, FileTime.from(Instant.now().minus(Duration.ofHours(1))));
		PrefixFolder.open(folder(), 1 << 20);
		assertThat(files()).containsExactlyInAnyOrder(fresh, foreign);
	}

	@Test
	void folderThatCannotBeUsedIsRefusedWithItsName() throws Exception {
		Path file = Files.createFile(this.parent.resolve("file"));
		assertThatExceptionOfType(UncheckedIOException.class).isThrownBy(() -> PrefixFolder.open(file, 1))
			.withMessageContainingAll(file.toString(), "flash.prefix-cache.dir");
	}

	@Test
	void damageNeverGivesWrongNumbers() throws Exception {
		Segment segment = segment(1);
		PrefixFolder folder = PrefixFolder.open(folder(), 1 << 20);
		folder.write(segment, () -> true);
		Path file = folder().resolve(PageHash.name(segment.hash()));
		byte[] whole = Files.readAllBytes(file);
		Random random = new Random(5);
		int damaged = 0;
		for (int i = 0; i < 10_000; i++) {
			byte[] mutated = mutate(whole, random);
			Files.write(file, mutated);
			Segment found = folder.read(segment.hash(), MODEL, SHAPE);
			if (found != null) {
				// only what is between the parts was changed
				assertSame(found, segment);
			}
			else {
				damaged++;
				assertThat(file).doesNotExist();
			}
		}
		assertThat(folder.metrics(0, 0).damaged()).isEqualTo(damaged).isGreaterThan(5000);
		assertThat(files().size()).isLessThanOrEqualTo(1);
	}

	private static byte[] mutate(byte[] whole, Random random) {
		// half of the mutations are within the header
		int bound = random.nextBoolean() ? 300 : whole.length;
		byte[] mutated = whole.clone();
		switch (random.nextInt(4)) {
			case 0 -> mutated[random.nextInt(bound)] ^= (byte) (1 << random.nextInt(8));
			case 1 -> mutated = Arrays.copyOf(whole, random.nextInt(bound));
			case 2 -> {
				int from = random.nextInt(bound);
				for (int i = from; i < Math.min(whole.length, from + 64); i++) {
					mutated[i] = (byte) random.nextInt();
				}
			}
			default -> mutated = Arrays.copyOf(whole, whole.length + 1 + random.nextInt(5000));
		}
		return mutated;
	}

	@Test
	void fullDiskIsNoErrorToAnyone() throws Exception {
		int[] left = { 9000 };
		PrefixFolder folder = PrefixFolder.open(folder(), 1 << 20, new FolderAccess() {
			@Override
			public void write(FileChannel file, ByteBuffer bytes) throws IOException {
				left[0] -= bytes.remaining();
				if (left[0] < 0) {
					throw new IOException("No space left on device");
				}
				FolderAccess.super.write(file, bytes);
			}
		});
		CountDownLatch free = new CountDownLatch(1);
		try (PrefixWriter writer = new PrefixWriter(folder, () -> false, free::countDown)) {
			assertThat(writer.isFree()).isTrue();
			writer.write(segment(1));
			assertThat(free.await(30, TimeUnit.SECONDS)).isTrue();
			assertThat(writer.dropped()).isEqualTo(2);
			assertThat(writer.isFree()).as("for a minute").isFalse();
		}
		assertThat(files()).isEmpty();
		assertThat(folder.has(segment(1).hash())).isFalse();
	}

	@Test
	void writerWaitsForWeightsAndClosesAllTheSame() throws Exception {
		PrefixFolder folder = PrefixFolder.open(folder(), 1 << 20);
		long start;
		CountDownLatch asked = new CountDownLatch(1);
		try (PrefixWriter writer = new PrefixWriter(folder, () -> {
			asked.countDown();
			return true;
		}, () -> {
		})) {
			writer.write(segment(1));
			assertThat(asked.await(30, TimeUnit.SECONDS)).isTrue();
			start = System.nanoTime();
		}
		assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofMillis(1500));
		assertThat(folder.has(segment(1).hash())).isFalse();
	}

}
