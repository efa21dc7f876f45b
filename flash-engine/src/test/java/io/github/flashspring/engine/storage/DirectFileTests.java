package io.github.flashspring.engine.storage;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.storage.FaultyAccess.Fault;
import io.github.flashspring.engine.storage.FaultyAccess.Faults;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assumptions.assumeThat;

/**
 * Reads real files, with the faults of real disks put in between.
 */
@Timeout(60)
class DirectFileTests {

	private static final int BLOCK = 4096;

	/** Not a multiple of the block. */
	private static final int SIZE = 4 * 1024 * 1024 + 1234;

	private final byte[] content = new byte[SIZE];

	private final List<Duration> pauses = new ArrayList<>();

	private final Faults faults = new Faults();

	private final Arena arena = Arena.ofShared();

	private Path folder;

	private Path file;

	@BeforeEach
	void write() throws IOException {
		new Random(42).nextBytes(this.content);
		// Below target/, on the disk of the build: temporary folders are often in memory.
		Path target = Files.createDirectories(Path.of("target", "direct-file"));
		this.folder = Files.createTempDirectory(target.toAbsolutePath(), "test");
		this.file = this.folder.resolve("weights.safetensors");
		Files.write(this.file, this.content);
	}

	@AfterEach
	void delete() throws IOException {
		this.arena.close();
		try (var files = Files.list(this.folder)) {
			for (Path each : files.toList()) {
				Files.delete(each);
			}
		}
		Files.delete(this.folder);
	}

	@Test
	void readsWholeFilesIncludingTheirIncompleteLastBlock() {
		try (DirectFile direct = DirectFiles.open(this.file)) {
			assertThat(direct.size()).isEqualTo(SIZE);
			assertThat(direct.alignment()).isGreaterThanOrEqualTo(BLOCK);
			assertThat(read(direct, 0, roundUp(SIZE, direct.alignment()))).startsWith(this.content);
			int middle = 3 * direct.alignment();
			assertThat(read(direct, middle, direct.alignment())).containsExactly(slice(middle, direct.alignment()));
		}
	}

	@Test
	@EnabledOnOs(OS.LINUX)
	void readsAroundThePageCacheOnADisk() throws Throwable {
		try (DirectFile direct = DirectFiles.open(this.file)) {
			assumeThat(direct.direct()).as("a file system with direct reads").isTrue();
			dropPages();
			read(direct, 0, roundUp(SIZE, direct.alignment()));
			assertThat(cachedBytes()).isZero();
		}
	}

	@Test
	@EnabledOnOs(OS.LINUX)
	void dropsThePagesBehindBufferedReads() throws Throwable {
		this.faults.refuseDirect = true;
		try (DirectFile buffered = open()) {
			dropPages();
			for (int offset = 0; offset < SIZE; offset += 1 << 20) {
				read(buffered, offset, Math.min(1 << 20, roundUp(SIZE - offset, BLOCK)));
			}
			// The kernel reads ahead of the last range that was dropped.
			assertThat(cachedBytes()).isLessThan(SIZE / 4);
		}
	}

	@Test
	@EnabledOnOs(OS.LINUX)
	void readsFilesInMemory() throws IOException {
		Path memory = Path.of("/dev/shm");
		assumeThat(memory).isDirectory();
		Path inMemory = Files.createTempFile(memory, "direct-file", ".bin");
		try {
			Files.write(inMemory, this.content);
			try (DirectFile file = DirectFiles.open(inMemory)) {
				assertThat(read(file, 0, roundUp(SIZE, file.alignment()))).startsWith(this.content);
			}
		}
		finally {
			Files.delete(inMemory);
		}
	}

	@Test
	void readsThroughThePageCacheWhereDirectReadsAreRefusedAtOpen() {
		this.faults.refuseDirect = true;
		try (DirectFile buffered = open()) {
			assertThat(buffered.direct()).isFalse();
			assertThat(buffered.alignment()).isEqualTo(BLOCK);
			assertThat(read(buffered, 0, roundUp(SIZE, BLOCK))).startsWith(this.content);
			assertThat(this.faults.forgotten).hasValue(roundUp(SIZE, BLOCK));
		}
	}

	@Test
	void readsThroughThePageCacheWhereDirectReadsAreRefusedAtTheFirstRead() {
		this.faults.refuseDirectReads = true;
		try (DirectFile buffered = open()) {
			assertThat(buffered.direct()).isFalse();
			assertThat(read(buffered, BLOCK, BLOCK)).containsExactly(slice(BLOCK, BLOCK));
		}
	}

	@ParameterizedTest
	@ValueSource(longs = { 1 << 20, 12345 })
	void readsThroughThePageCacheWhereBlocksAreUnusable(long blockSize) {
		this.faults.blockSize = blockSize;
		try (DirectFile buffered = open()) {
			assertThat(buffered.direct()).isFalse();
			assertThat(buffered.alignment()).isEqualTo(BLOCK);
			assertThat(read(buffered, BLOCK, BLOCK)).containsExactly(slice(BLOCK, BLOCK));
		}
	}

	@Test
	void anErrorAtTheFirstReadDoesNotSpoilDirectReads() {
		boolean possible;
		try (DirectFile direct = DirectFiles.open(this.file)) {
			possible = direct.direct();
		}
		this.faults.fault = Fault.first(1, new IOException("Input/output error"));
		try (DirectFile direct = open()) {
			assertThat(direct.direct()).isEqualTo(possible);
		}
	}

	@Test
	void refusesRangesThatAreNotAlignedOrNotInTheFile() {
		try (DirectFile direct = open()) {
			int block = direct.alignment();
			MemorySegment target = this.arena.allocate(4L * block, block);
			assertThatIllegalArgumentException().isThrownBy(() -> direct.read(100, target))
				.withMessageContainingAll("aligned", this.file.toString());
			assertThatIllegalArgumentException().isThrownBy(() -> direct.read(0, target.asSlice(8, block)));
			assertThatIllegalArgumentException().isThrownBy(() -> direct.read(0, target.asSlice(0, block - 8)));
			assertThatIllegalArgumentException()
				.isThrownBy(() -> direct.read(0, MemorySegment.ofArray(new byte[block])));
			assertThatIllegalArgumentException().isThrownBy(() -> direct.read(-block, target));
			assertThatIllegalArgumentException().isThrownBy(() -> direct.read(roundUp(SIZE, block), target))
				.withMessageContainingAll("not within", "" + SIZE);
			assertThatIllegalArgumentException().isThrownBy(() -> direct.read(roundUp(SIZE, block) - block, target));
		}
	}

	@Test
	void continuesShortReads() {
		try (DirectFile direct = open()) {
			this.faults.fault = Fault.shortReads(3 * direct.alignment() + 100);
			int before = this.faults.reads.get();
			assertThat(read(direct, 0, roundUp(SIZE, direct.alignment()))).startsWith(this.content);
			assertThat(this.faults.reads.get() - before).isGreaterThan(SIZE / (4 * direct.alignment()));
			assertThat(this.pauses).isEmpty();
		}
	}

	@Test
	void givesUpOnReadsThatMakeNoProgress() {
		try (DirectFile direct = open()) {
			this.faults.fault = Fault.shortReads(100);
			assertThatExceptionOfType(CheckpointException.class)
				.isThrownBy(() -> read(direct, 0, 4 * direct.alignment()))
				.withMessageContaining("read 100 of");
			assertThat(this.pauses).hasSize(4);
		}
	}

	@Test
	void triesAgainAfterErrors() {
		try (DirectFile direct = open()) {
			this.faults.fault = Fault.first(2, new IOException("Input/output error"));
			assertThat(read(direct, BLOCK * 16, BLOCK * 16)).containsExactly(slice(BLOCK * 16, BLOCK * 16));
			assertThat(this.pauses).containsExactly(Duration.ofMillis(10), Duration.ofMillis(40));
		}
	}

	@Test
	void reportsErrorsThatStayAndRecoversWithTheDisk() {
		try (DirectFile direct = open()) {
			this.faults.fault = Fault.always(new IOException("Input/output error"));
			assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> read(direct, BLOCK * 16, BLOCK * 16))
				.withMessageContainingAll(this.file.toString(), "at byte " + BLOCK * 16,
						"expected " + BLOCK * 16 + " bytes", "Input/output error", "5 times", "Check the disk")
				.withCauseInstanceOf(IOException.class);
			assertThat(this.pauses).isSorted().hasSize(4);
			this.faults.fault = null;
			assertThat(read(direct, BLOCK * 16, BLOCK * 16)).containsExactly(slice(BLOCK * 16, BLOCK * 16));
		}
	}

	@Test
	void namesTheOffsetThatFails() {
		try (DirectFile direct = open()) {
			int bad = 8 * direct.alignment();
			this.faults.fault = (real, target, offset) -> {
				if (offset + target.remaining() > bad && offset <= bad) {
					if (offset == bad) {
						throw new IOException("Input/output error");
					}
					target.limit(target.position() + (int) (bad - offset));
				}
				return real.read(target, offset);
			};
			assertThatExceptionOfType(CheckpointException.class)
				.isThrownBy(() -> read(direct, 0, 16 * direct.alignment()))
				.withMessageContaining("at byte " + bad);
		}
	}

	@Test
	void refusesAFileThatIsTruncatedWhileInUse() throws IOException {
		try (DirectFile direct = open()) {
			try (FileChannel channel = FileChannel.open(this.file, StandardOpenOption.WRITE)) {
				channel.truncate(2 << 20);
			}
			for (long offset : new long[] { 0, 1 << 20, 3 << 20 }) {
				assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> read(direct, offset, 1 << 20))
					.withMessageContainingAll(this.file.toString(), "truncated", "at byte " + offset,
							"expected a size of " + SIZE, "found " + (2 << 20));
			}
			assertThat(this.pauses).isEmpty();
		}
	}

	@Test
	void refusesAFileThatIsTruncatedWithinABlockAtOnce() throws IOException {
		int size = (2 << 20) + 1908;
		try (DirectFile direct = open()) {
			try (FileChannel channel = FileChannel.open(this.file, StandardOpenOption.WRITE)) {
				channel.truncate(size);
			}
			assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> read(direct, 2 << 20, 1 << 20))
				.withMessageContainingAll(this.file.toString(), "truncated", "found " + size);
			assertThat(this.pauses).isEmpty();
		}
	}

	@Test
	void refusesAFileThatIsChangedInPlaceWhileInUse() throws IOException {
		Files.setLastModifiedTime(this.file, FileTime.fromMillis(1_000_000_000_000L));
		try (DirectFile direct = open()) {
			read(direct, 0, BLOCK * 16);
			try (FileChannel channel = FileChannel.open(this.file, StandardOpenOption.WRITE)) {
				channel.write(ByteBuffer.wrap(new byte[] { 1, 2, 3 }), 3 << 20);
			}
			assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> read(direct, 0, BLOCK * 16))
				.withMessageContainingAll(this.file.toString(), "changed while in use", "2001-09-09", "load the model");
		}
	}

	@Test
	void refusesAFileThatGrows() throws IOException {
		try (DirectFile direct = open()) {
			Files.write(this.file, new byte[10], StandardOpenOption.APPEND);
			assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> read(direct, 0, BLOCK * 16))
				.withMessageContainingAll("changed while in use", "" + (SIZE + 10));
		}
	}

	@Test
	@EnabledOnOs({ OS.LINUX, OS.MAC })
	void readsTheOldContentOfAFileThatIsReplacedOrDeleted() throws IOException {
		try (DirectFile direct = open()) {
			Path other = Files.write(this.folder.resolve("new"), new byte[SIZE]);
			Files.move(other, this.file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
			assertThat(read(direct, 0, BLOCK * 16)).containsExactly(slice(0, BLOCK * 16));
			Files.delete(this.file);
			assertThat(read(direct, BLOCK, BLOCK * 16)).containsExactly(slice(BLOCK, BLOCK * 16));
		}
	}

	@Test
	void interruptingAReaderHarmsNobody() throws Exception {
		this.faults.fault = Fault.spikes(1, 200);
		try (DirectFile direct = open()) {
			CountDownLatch reading = new CountDownLatch(2);
			AtomicBoolean stillInterrupted = new AtomicBoolean();
			AtomicReference<byte[]> found = new AtomicReference<>();
			AtomicReference<byte[]> foundBeside = new AtomicReference<>();
			Thread victim = Thread.ofPlatform().start(() -> {
				reading.countDown();
				found.set(read(direct, 0, BLOCK * 16));
				stillInterrupted.set(Thread.currentThread().isInterrupted());
			});
			Thread beside = new ReadThread(() -> {
				reading.countDown();
				foundBeside.set(read(direct, BLOCK * 16, BLOCK * 16));
			}, "beside");
			beside.start();
			reading.await();
			Thread.sleep(50);
			victim.interrupt();
			beside.interrupt();
			victim.join();
			beside.join();
			assertThat(found.get()).containsExactly(slice(0, BLOCK * 16));
			assertThat(foundBeside.get()).containsExactly(slice(BLOCK * 16, BLOCK * 16));
			assertThat(stillInterrupted).isTrue();
			this.faults.fault = null;
			Thread.currentThread().interrupt();
			assertThat(read(direct, 0, BLOCK)).containsExactly(slice(0, BLOCK));
			assertThat(Thread.interrupted()).isTrue();
		}
	}

	@Test
	void manyThreadsReadAtOnceThroughEveryFault() throws Exception {
		Fault shortReads = Fault.shortReads(5 * BLOCK);
		Random random = new Random(7);
		try (DirectFile direct = open(); ExecutorService readers = Executors.newFixedThreadPool(8)) {
			this.faults.fault = (real, target, offset) -> {
				int dice;
				synchronized (random) {
					dice = random.nextInt(20);
				}
				if (dice == 0) {
					throw new IOException("Input/output error");
				}
				if (dice == 1) {
					return Fault.spikes(1, 20).read(real, target, offset);
				}
				return (dice < 10) ? shortReads.read(real, target, offset) : real.read(target, offset);
			};
			List<Future<?>> results = new ArrayList<>();
			for (int i = 0; i < 400; i++) {
				int offset = (i * 37 % 900) * BLOCK;
				int length = (1 + i % 9) * BLOCK;
				results.add(readers
					.submit(() -> assertThat(read(direct, offset, length)).containsExactly(slice(offset, length))));
			}
			for (Future<?> result : results) {
				result.get(30, TimeUnit.SECONDS);
			}
		}
	}

	@Test
	void saysThatItIsClosed() {
		DirectFile direct = open();
		direct.close();
		assertThatIllegalStateException().isThrownBy(() -> read(direct, 0, BLOCK * 16)).withMessageContaining("closed");
	}

	@Test
	void missingFilesAreNamed() {
		Path missing = this.folder.resolve("missing.safetensors");
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> DirectFiles.open(missing))
			.withMessageContaining(missing.toString());
	}

	/** Segments of so many blocks, apart from each other. */
	private List<MemorySegment> targets(DirectFile direct, int... blocks) {
		return Arrays.stream(blocks).mapToObj((count) -> {
			long length = (long) count * direct.alignment();
			return this.arena.allocate(length, direct.alignment()).fill((byte) 0x55);
		}).toList();
	}

	private static byte[] together(List<MemorySegment> targets) {
		ByteBuffer all = ByteBuffer.allocate((int) targets.stream().mapToLong(MemorySegment::byteSize).sum());
		targets.forEach((target) -> all.put(target.asByteBuffer()));
		return all.array();
	}

	@Test
	@EnabledOnOs({ OS.LINUX, OS.MAC })
	void fillsSeveralTargetsWithOneCall() {
		try (DirectFile direct = open()) {
			int block = direct.alignment();
			List<MemorySegment> targets = targets(direct, 3, 1, 40);
			int before = this.faults.reads.get();
			assertThat(direct.read(5L * block, targets)).isEqualTo(1);
			assertThat(this.faults.reads.get() - before).isEqualTo(1);
			assertThat(together(targets)).containsExactly(slice(5 * block, 44 * block));
			int last = SIZE / block * block;
			List<MemorySegment> toTheEnd = targets(direct, 1, 1);
			assertThat(direct.read(last - block, toTheEnd)).isEqualTo(1);
			assertThat(together(toTheEnd)).startsWith(slice(last - block, SIZE - last + block));
		}
	}

	@Test
	void fillsSeveralTargetsThroughThePageCache() {
		this.faults.refuseDirect = true;
		try (DirectFile buffered = open()) {
			List<MemorySegment> targets = targets(buffered, 2, 5);
			buffered.read(BLOCK, targets);
			assertThat(together(targets)).containsExactly(slice(BLOCK, 7 * BLOCK));
			assertThat(this.faults.forgotten).hasValue(7 * BLOCK);
		}
	}

	@Test
	void continuesShortReadsInTheTargetsThatAreLeft() {
		try (DirectFile direct = open()) {
			int block = direct.alignment();
			for (int most : new int[] { block + 100, 3 * block, 4 * block + 1 }) {
				this.faults.fault = Fault.shortReads(most);
				List<MemorySegment> targets = targets(direct, 3, 1, 1, 4);
				int before = this.faults.reads.get();
				int calls = direct.read(block, targets);
				assertThat(calls).isEqualTo(Math.ceilDiv(9, most / block));
				assertThat(this.faults.reads.get() - before).isEqualTo(calls);
				assertThat(together(targets)).containsExactly(slice(block, 9 * block));
			}
			assertThat(this.pauses).isEmpty();
		}
	}

	@Test
	void triesSeveralTargetsAgainAndNamesTheOffsetThatFails() {
		try (DirectFile direct = open()) {
			int block = direct.alignment();
			this.faults.fault = Fault.first(2, new IOException("Input/output error"));
			List<MemorySegment> targets = targets(direct, 2, 2);
			direct.read(block, targets);
			assertThat(together(targets)).containsExactly(slice(block, 4 * block));
			assertThat(this.pauses).hasSize(2);
			int bad = 4 * block;
			this.faults.fault = (real, target, offset) -> {
				if (offset >= bad) {
					throw new IOException("Input/output error");
				}
				return Fault.shortReads(block).read(real, target, offset);
			};
			assertThatExceptionOfType(CheckpointException.class)
				.isThrownBy(() -> direct.read(block, targets(direct, 2, 2)))
				.withMessageContainingAll("at byte " + bad, "expected " + block + " bytes");
			this.faults.fault = null;
			List<MemorySegment> again = targets(direct, 2, 2);
			direct.read(block, again);
			assertThat(together(again)).containsExactly(slice(block, 4 * block));
		}
	}

	@Test
	void refusesSeveralTargetsOfATruncatedFile() throws IOException {
		try (DirectFile direct = open()) {
			direct.read(0, targets(direct, 1, 1));
			try (FileChannel channel = FileChannel.open(this.file, StandardOpenOption.WRITE)) {
				channel.truncate(2 << 20);
			}
			assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> direct.read(0, targets(direct, 1, 1)))
				.withMessageContainingAll("truncated", "found " + (2 << 20));
		}
	}

	@Test
	void refusesTargetsOfWhichOneIsNotAligned() {
		try (DirectFile direct = open()) {
			MemorySegment right = targets(direct, 2).getFirst();
			MemorySegment wrong = targets(direct, 3).getFirst().asSlice(8, direct.alignment());
			assertThatIllegalArgumentException().isThrownBy(() -> direct.read(0, List.of(right, wrong)))
				.withMessageContainingAll("aligned", "at " + 2 * direct.alignment());
			int end = roundUp(SIZE, direct.alignment());
			assertThatIllegalArgumentException()
				.isThrownBy(() -> direct.read(end - direct.alignment(), targets(direct, 1, 1)))
				.withMessageContaining("not within");
		}
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	@EnabledOnOs({ OS.LINUX, OS.MAC })
	void severalTargetsGetTheOldContentOfAFileThatIsReplacedOrDeleted(boolean before) throws IOException {
		try (DirectFile direct = open()) {
			if (before) {
				direct.read(0, targets(direct, 1, 1));
			}
			Path other = Files.write(this.folder.resolve("new"), new byte[SIZE]);
			Files.move(other, this.file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
			List<MemorySegment> replaced = targets(direct, 2, 3, 1);
			assertThat(direct.read(BLOCK * 16, replaced)).isEqualTo(before ? 1 : 3);
			assertThat(together(replaced)).containsExactly(slice(BLOCK * 16, 6 * direct.alignment()));
			Files.delete(this.file);
			List<MemorySegment> deleted = targets(direct, 1, 1);
			assertThat(direct.read(0, deleted)).isEqualTo(before ? 1 : 2);
			assertThat(together(deleted)).containsExactly(slice(0, 2 * direct.alignment()));
		}
	}

	@Test
	void manyThreadsFillSeveralTargetsAtOnce() throws Exception {
		try (DirectFile direct = open(); ExecutorService readers = Executors.newFixedThreadPool(8)) {
			List<Future<?>> results = new ArrayList<>();
			int block = direct.alignment();
			for (int i = 0; i < 400; i++) {
				int offset = (i * 37 % 800) * BLOCK / block * block;
				int first = 1 + i % 5;
				results.add(readers.submit(() -> {
					List<MemorySegment> targets = targets(direct, first, 2);
					direct.read(offset, targets);
					assertThat(together(targets)).containsExactly(slice(offset, (first + 2) * block));
				}));
			}
			for (Future<?> result : results) {
				result.get(30, TimeUnit.SECONDS);
			}
		}
	}

	private DirectFile open() {
		return DirectFiles.openAll(List.of(this.file), this.faults, this.pauses::add).getFirst();
	}

	private byte[] read(DirectFile direct, long offset, int length) {
		MemorySegment target = this.arena.allocate(length, direct.alignment()).fill((byte) 0x55);
		direct.read(offset, target);
		return target.toArray(ValueLayout.JAVA_BYTE);
	}

	private byte[] slice(int offset, int length) {
		return Arrays.copyOfRange(this.content, offset, offset + length);
	}

	private static int roundUp(int value, int multiple) {
		return (value + multiple - 1) / multiple * multiple;
	}

	private void dropPages() {
		try (FileChannel channel = FileChannel.open(this.file, StandardOpenOption.WRITE)) {
			channel.force(true);
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
		try (PageDropper pages = Objects.requireNonNull(PageDropper.open(this.file))) {
			pages.drop(0, roundUp(SIZE, BLOCK));
		}
	}

	/** Asks the kernel how much of the file is in the page cache. */
	private long cachedBytes() throws Throwable {
		Linker linker = Linker.nativeLinker();
		var mincore = linker.downcallHandle(linker.defaultLookup().findOrThrow("mincore"), FunctionDescriptor
			.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS));
		try (Arena confined = Arena.ofConfined();
				FileChannel channel = FileChannel.open(this.file, StandardOpenOption.READ)) {
			MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, SIZE, confined);
			int pages = roundUp(SIZE, BLOCK) / BLOCK;
			MemorySegment residency = confined.allocate(pages);
			assertThat((int) mincore.invokeExact(mapped, (long) SIZE, residency)).isZero();
			long cached = 0;
			for (int i = 0; i < pages; i++) {
				cached += (residency.get(ValueLayout.JAVA_BYTE, i) & 1) * (long) BLOCK;
			}
			return cached;
		}
	}

}
