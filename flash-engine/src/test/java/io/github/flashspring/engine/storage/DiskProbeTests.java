package io.github.flashspring.engine.storage;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Random;
import java.util.SequencedMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.ToDoubleFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import io.github.flashspring.engine.storage.DiskProfile.Shape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/**
 * Measures simulated disks on a virtual clock, and a real one.
 */
class DiskProbeTests {

	private static final int MIB = 1 << 20;

	private static final long MUCH = 1L << 40;

	private final AtomicLong nanos = new AtomicLong();

	private final AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2026-05-01T12:00:00Z"));

	private final List<Shape> measured = new ArrayList<>();

	private long bytesRead;

	@TempDir
	private Path cache;

	@Test
	void findsThePatternThatReadsFastest() {
		DiskProfile profile = settle("disk", 100);
		ReadPattern best = profile.best(MUCH);
		// The disk needs 64 MiB under way for its full rate.
		assertThat(best.windowBytes()).isEqualTo(64 * MIB);
		assertThat(best.bytesPerSecond()).isCloseTo(20e9, within(0.2e9));
		assertThat(best.direct()).isTrue();
	}

	@Test
	void takesNoMoreMemoryThanThereIs() {
		DiskProfile profile = settle("disk", 100);
		for (long window = 1 * MIB; window <= 512L * MIB; window *= 2) {
			ReadPattern best = profile.best(window);
			assertThat(best.windowBytes()).isEqualTo(Math.min(64L * MIB, window));
			assertThat(best.bytesPerSecond()).isCloseTo(20e9 * Math.min(1, window / (64.0 * MIB)), within(1e8));
		}
		assertThat(profile.best(100_000)).satisfies((small) -> {
			assertThat(small.readBytes()).isEqualTo(98304);
			assertThat(small.readsInFlight()).isEqualTo(1);
		});
		assertThat(profile.best(1).readBytes()).isEqualTo(4096);
	}

	@Test
	void measuresInRoundsSoThatBurstsHitAllPatterns() {
		settle("disk", 100);
		List<Shape> shapes = Shape.all();
		assertThat(shapes).hasSize(13);
		assertThat(this.measured).startsWith(shapes.toArray(Shape[]::new)).hasSize(39);
		assertThat(shapes).allMatch((shape) -> Collections.frequency(this.measured, shape) == 3);
	}

	@ParameterizedTest
	@ValueSource(doubles = { 0.1, 0.5, 1, 3, 7 })
	void isShortOnEveryDisk(double gigabytesPerSecond) {
		double rate = gigabytesPerSecond * 1e9;
		for (int i = 0; i < 5; i++) {
			long start = this.nanos.get();
			this.bytesRead = 0;
			new DiskProbe(profiles(), this.nanos::get).profile("disk", true, MUCH, timer((shape) -> rate));
			// Until a first measurement, the rate is a guess.
			assertThat(this.nanos.get() - start).isLessThan((long) (2.5e9 + 32 * MIB / rate * 1e9));
			assertThat(this.bytesRead).isLessThanOrEqualTo(4L << 30);
		}
	}

	@Test
	void goesOnWhereTheLastProbeEnded() {
		probe("disk", 10, MUCH);
		int first = this.measured.size();
		List<ReadPattern> after = settle("disk", 10).patterns();
		assertThat(this.measured).hasSizeGreaterThan(first);
		// Those that take longer than the whole probe are never measured.
		assertThat(after).hasSizeGreaterThan(10);
		this.measured.clear();
		probe("disk", 10, MUCH);
		assertThat(this.measured).isEmpty();
	}

	@Test
	void mediansOutliveThrottling() {
		Random random = new Random(3);
		for (int i = 0; i < 10; i++) {
			new DiskProbe(profiles(), this.nanos::get).profile("disk", true, MUCH,
					timer((shape) -> rate(shape) * 100 * ((random.nextInt(5) == 0) ? 0.1 : 1)));
		}
		DiskProfile profile = settle("disk", 100);
		assertThat(profile.best(MUCH).bytesPerSecond()).isCloseTo(20e9, within(1e9));
	}

	@Test
	void learnsThatSlowDisksNeedManyReads() {
		for (int i = 0; i < 20; i++) {
			new DiskProbe(profiles(), this.nanos::get).profile("disk", true, MUCH,
					timer((shape) -> 20e6 * shape.readsInFlight()));
		}
		assertThat(probe("disk", 1, MUCH).best(MUCH).readsInFlight()).isEqualTo(8);
	}

	@Test
	void respectsTheMemoryItMayUse() {
		DiskProfile profile = probe("disk", 100, 20 * MIB);
		assertThat(this.measured).isNotEmpty().allMatch((shape) -> shape.windowBytes() <= 20 * MIB);
		assertThat(profile.patterns()).allMatch((pattern) -> pattern.windowBytes() <= 20 * MIB);
		assertThat(probe("other", 100, 1000).patterns()).isEmpty();
	}

	@Test
	void learnsFromPassesWhatNobodyMeasured() {
		ReadPattern usual = new ReadPattern(4 * MIB, 8, 0, true);
		DiskProbe probe = new DiskProbe(profiles(), this.nanos::get);
		probe.learn("disk", true, new ReadPattern(5 * MIB, 8, 0, true), 1e9);
		probe.learn("disk", true, usual, 0);
		assertThat(profiles().find("disk", true)).isNull();
		probe.learn("disk", true, usual, 1e9);
		probe.learn("disk", true, usual, 2e9);
		assertThat(probe("disk", 0, 0).patterns()).containsExactly(new ReadPattern(4 * MIB, 8, 1e9, true));
		settle("disk", 100);
		assertThat(this.measured).as("a probe goes on from there").hasSize(38);
	}

	@Test
	void remembersDevicesApart() {
		settle("disk", 100);
		this.measured.clear();
		probe("disk", 50, MUCH);
		assertThat(this.measured).isEmpty();
		probe("other disk", 50, MUCH);
		assertThat(this.measured).isNotEmpty();
		assertThat(profiles().find("disk", true)).isNotNull();
		assertThat(profiles().find("disk", false)).as("through the page cache").isNull();
		assertThat(profiles().find("third disk", true)).isNull();
		LinkedHashMap<Shape, List<Double>> buffered = new LinkedHashMap<>();
		buffered.put(new Shape(MIB, 1), List.of(1e9));
		profiles().keep(new DiskProfile("disk", false, buffered));
		assertThat(profiles().find("disk", false)).isNotNull();
		assertThat(profiles().find("disk", true)).as("kept beside the other").isNotNull();
	}

	@Test
	void measuresAgainAfterAMonth() {
		settle("disk", 100);
		this.now.set(this.now.get().plus(Duration.ofDays(31)));
		DiskProfile profile = probe("disk", 50, MUCH);
		assertThat(profile.best(MUCH).bytesPerSecond()).isCloseTo(10e9, within(0.1e9));
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', textBlock = """
			"version" : 2       | "version" : 1
			"device" : "disk"   | "device" : "another"
			"measured" : "2026  | "measured" : "2126
			"measured" : "2026  | "measured" : "soon
			"readBytes" : 1048576 | "readBytes" : 1048577
			"readBytes" : 1048576 | "readBytes" : 4194304
			"readsInFlight" : 1 | "readsInFlight" : -1
			"readsInFlight" : 1 | "readsInFlight" : "x"
			"bytesPerSecond" : [ | "bytesPerSecond" : [ -1,
			"bytesPerSecond" : [ | "bytesPerSecond" : [ 0, 1e999,
			"patterns"          | [
			""")
	void measuresAgainWhatIsForeignOrCorrupt(String from, String to) throws IOException {
		probe("disk", 100, MUCH);
		Path file = onlyFile();
		String content = Files.readString(file);
		assertThat(content).contains(from);
		Files.writeString(file, content.replaceFirst(Pattern.quote(from), Matcher.quoteReplacement(to)));
		assertThat(profiles().find("disk", true)).isNull();
		this.measured.clear();
		probe("disk", 50, MUCH);
		assertThat(this.measured).isNotEmpty();
		assertThat(profiles().find("disk", true)).isNotNull();
	}

	@Test
	void survivesTruncatedAndHugeFiles() throws IOException {
		probe("disk", 100, MUCH);
		Path file = onlyFile();
		byte[] content = Files.readAllBytes(file);
		for (int length = 0; length < content.length; length += 97) {
			Files.write(file, Arrays.copyOf(content, length));
			assertThat(profiles().find("disk", true)).isNull();
		}
		Files.write(file, Arrays.copyOf(content, 2 * MIB));
		assertThat(profiles().find("disk", true)).isNull();
	}

	@Test
	void leavesNoTemporaryFiles() throws IOException {
		for (int i = 0; i < 3; i++) {
			probe("disk", 1, MUCH);
		}
		assertThat(onlyFile()).hasExtension("json");
	}

	@Test
	void aFolderThatCannotBeWrittenIsNoError() throws IOException {
		Path file = Files.createFile(this.cache.resolve("file"));
		DiskProfiles unwritable = new DiskProfiles(file.resolve("below"), this.now::get);
		DiskProfile profile = new DiskProbe(unwritable, this.nanos::get).profile("disk", true, MUCH,
				timer((shape) -> 100 * rate(shape)));
		assertThat(profile.best(MUCH).bytesPerSecond()).isPositive();
		assertThat(unwritable.find("disk", true)).isNull();
	}

	@Test
	void knowsAPatternForDisksThatWereNotMeasured() {
		DiskProfile unknown = new DiskProfile("disk", false, new LinkedHashMap<>());
		assertThat(unknown.best(MUCH)).isEqualTo(new ReadPattern(4 * MIB, 8, 0, false));
		assertThat(unknown.best(10 * MIB)).isEqualTo(new ReadPattern(MIB, 8, 0, false));
		assertThat(unknown.best(10_000)).isEqualTo(new ReadPattern(4096, 2, 0, false));
		assertThat(unknown.best(1)).isEqualTo(new ReadPattern(4096, 1, 0, false));
	}

	@Test
	void prefersSmallWindowsWhereLargeOnesBringNothing() {
		SequencedMap<Shape, List<Double>> rates = new LinkedHashMap<>();
		rates.put(new Shape(4 * MIB, 4), List.of(9.7e8));
		rates.put(new Shape(32 * MIB, 8), List.of(1e9));
		rates.put(new Shape(MIB, 8), List.of(9e8));
		assertThat(new DiskProfile("disk", true, rates).best(MUCH).windowBytes()).isEqualTo(16 * MIB);
	}

	@Test
	void believesInAFasterPatternOnlyIfItWasFasterEveryTime() {
		SequencedMap<Shape, List<Double>> rates = new LinkedHashMap<>();
		rates.put(new Shape(4 * MIB, 8), List.of(2.4e8, 7.1e8, 3.8e8));
		rates.put(new Shape(32 * MIB, 8), List.of(8e8, 1.9e9, 1.9e9));
		assertThat(new DiskProfile("disk", true, rates).best(MUCH)).isEqualTo(new ReadPattern(4 * MIB, 8, 3.8e8, true));
		rates.put(new Shape(32 * MIB, 8), List.of(1.8e9, 1.9e9, 1.9e9));
		assertThat(new DiskProfile("disk", true, rates).best(MUCH))
			.isEqualTo(new ReadPattern(32 * MIB, 8, 1.9e9, true));
	}

	@Test
	void measuresARealDisk() throws IOException {
		Path folder = Files.createDirectories(Path.of("target", "disk-probe").toAbsolutePath());
		Path model = Files.createTempFile(folder, "model", ".safetensors");
		try {
			try (FileChannel channel = FileChannel.open(model, StandardOpenOption.WRITE)) {
				byte[] bytes = new byte[MIB];
				new Random(1).nextBytes(bytes);
				for (int i = 0; i < 96; i++) {
					channel.write(MemorySegment.ofArray(bytes).asByteBuffer());
				}
				channel.force(true);
			}
			DiskProbe probe = new DiskProbe(profiles(), System::nanoTime);
			try (DirectFile file = DirectFiles.open(model)) {
				assertThat(probe.remembered(file).patterns()).isEmpty();
				DiskProfile profile = probe.profile(file, 16L * MIB);
				assertThat(profile.patterns()).isNotEmpty();
				ReadPattern best = profile.best(16 * MIB);
				assertThat(best.bytesPerSecond()).isBetween(1e6, 1e12);
				assertThat(best.direct()).isEqualTo(file.direct());
				assertThat(best.windowBytes()).isLessThanOrEqualTo(16L * MIB);
				assertThat(probe.remembered(file).patterns()).isEqualTo(profile.patterns());
			}
		}
		finally {
			Files.delete(model);
		}
	}

	@Test
	void leavesSmallFilesAlone(@TempDir Path folder) throws IOException {
		Path model = Files.write(folder.resolve("model"), new byte[100_000]);
		try (DirectFile file = DirectFiles.open(model)) {
			DiskProfile profile = new DiskProbe(profiles(), System::nanoTime).profile(file, MUCH);
			assertThat(profile.patterns()).isEmpty();
			assertThat(profile.device()).isEqualTo(DiskProbe.device(model)).isNotBlank();
		}
	}

	/**
	 * A disk that needs 64 MiB under way for its full rate of 0.2 GB/s, times a factor.
	 */
	private DiskProfile probe(String device, double factor, long memory) {
		return new DiskProbe(profiles(), this.nanos::get).profile(device, true, memory,
				timer((shape) -> factor * rate(shape)));
	}

	/** Probes until nothing is left to measure. */
	private DiskProfile settle(String device, double factor) {
		int before;
		DiskProfile profile;
		do {
			before = this.measured.size();
			profile = probe(device, factor, MUCH);
		}
		while (this.measured.size() > before);
		return profile;
	}

	private static double rate(Shape shape) {
		return 0.2e9 * Math.min(1, shape.windowBytes() / (64.0 * MIB));
	}

	private DiskProbe.Timer timer(ToDoubleFunction<Shape> rate) {
		return (shape, bytes) -> {
			assertThat(bytes % shape.windowBytes()).isZero();
			this.measured.add(shape);
			this.bytesRead += bytes;
			long time = (long) (bytes / rate.applyAsDouble(shape) * 1e9);
			this.nanos.addAndGet(time);
			return time;
		};
	}

	private DiskProfiles profiles() {
		return new DiskProfiles(this.cache, this.now::get);
	}

	private Path onlyFile() throws IOException {
		try (var files = Files.list(this.cache)) {
			List<Path> all = files.toList();
			assertThat(all).hasSize(1);
			return all.getFirst();
		}
	}

}
