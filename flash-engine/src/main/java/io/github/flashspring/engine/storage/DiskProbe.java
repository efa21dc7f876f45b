package io.github.flashspring.engine.storage;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.function.LongSupplier;

import io.github.flashspring.engine.checkpoint.CacheFolder;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.storage.DiskProfile.Shape;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds out how a disk is read fastest, by reading a model's own file in patterns of
 * different sizes and numbers of reads, and remembers it. A probe is short; patterns that
 * it has no time for, and more rounds of those that it had, are left to the next one,
 * until each was measured in enough rounds for a median: virtual disks have bursts and
 * are throttled.
 */
public final class DiskProbe {

	private static final Logger logger = LoggerFactory.getLogger(DiskProbe.class);

	private static final long NANOS = 2_500_000_000L;

	private static final long BYTES = 4L << 30;

	/** Rounds after which a pattern is known. */
	private static final int ROUNDS = 3;

	/** Least time of one measurement, at the fastest rate so far: shorter ones err. */
	private static final double MIN_SECONDS = 0.02;

	/** A smaller file is read before its disk is known. */
	public static final long MIN_FILE = 64 << 20;

	/** What is thought of a disk before its first read, to plan that. */
	private static final double GUESS = 200e6;

	private final DiskProfiles profiles;

	private final LongSupplier clock;

	/**
	 * Creates a probe.
	 * @param profiles remembers what was measured
	 * @param clock nanoseconds, as {@link System#nanoTime}
	 */
	public DiskProbe(DiskProfiles profiles, LongSupplier clock) {
		this.profiles = profiles;
		this.clock = clock;
	}

	/**
	 * The probe of this process, which remembers in the {@link CacheFolder}.
	 * @return the probe
	 */
	public static DiskProbe ofSystem() {
		return new DiskProbe(new DiskProfiles(CacheFolder.ofSystem(), InstantSource.system()), System::nanoTime);
	}

	/**
	 * What is known of the disk of a file, without measuring.
	 * @param file a file of the model
	 * @return the profile, without patterns if nothing is known
	 */
	public DiskProfile remembered(DirectFile file) {
		return remembered(device(file.path()), file.direct());
	}

	private DiskProfile remembered(String device, boolean direct) {
		DiskProfile found = this.profiles.find(device, direct);
		return (found != null) ? found : new DiskProfile(device, direct, new LinkedHashMap<>());
	}

	/**
	 * What is known of the disk of a file, after measuring for a few seconds at most what
	 * is not known yet. Small files are not worth it.
	 * @param file the largest file of the model
	 * @param memoryBytes native memory that may be used meanwhile
	 * @return the profile, without patterns if nothing could be measured
	 * @throws CheckpointException if the file cannot be read
	 */
	public DiskProfile profile(DirectFile file, long memoryBytes) {
		if (file.size() < MIN_FILE) {
			return remembered(file);
		}
		long largest = Math.min(Shape.all().getLast().windowBytes(), Math.min(memoryBytes, file.size() / 4));
		try (ReadTimer timer = new ReadTimer(file, largest)) {
			return profile(device(file.path()), file.direct(), largest, timer);
		}
	}

	/**
	 * Measures with a timer.
	 * @param device names the disk
	 * @param direct whether reads go around the page cache
	 * @param largestWindow most bytes that may be under way at once
	 * @param timer reads
	 */
	public DiskProfile profile(String device, boolean direct, long largestWindow, Timer timer) {
		DiskProfile known = remembered(device, direct);
		SequencedMap<Shape, List<Double>> rates = new LinkedHashMap<>();
		known.rates().forEach((shape, values) -> rates.put(shape, new ArrayList<>(values)));
		long end = this.clock.getAsLong() + NANOS;
		long bytesLeft = BYTES;
		double rate = fastest(rates);
		boolean changed = false;
		while (true) {
			double affordable = Math.min(bytesLeft, (end - this.clock.getAsLong()) / 1e9 * rate);
			double least = MIN_SECONDS * rate;
			Shape next = Shape.all()
				.stream()
				.filter((shape) -> shape.windowBytes() <= largestWindow && bytes(shape, least) <= affordable)
				.min(Comparator.comparingInt((shape) -> rounds(rates, shape)))
				.orElse(null);
			if (next == null || rounds(rates, next) >= ROUNDS) {
				break;
			}
			long bytes = bytes(next, least);
			long nanos = Math.max(1, timer.time(next, bytes));
			rates.computeIfAbsent(next, (shape) -> new ArrayList<>()).add(bytes * 1e9 / nanos);
			bytesLeft -= bytes;
			rate = fastest(rates);
			changed = true;
		}
		DiskProfile profile = new DiskProfile(device, direct, rates);
		if (changed) {
			this.profiles.keep(profile);
			logger.debug("Measured {}: {}", device, profile.patterns());
		}
		return profile;
	}

	/**
	 * Remembers how fast passes read a disk of which nothing is known.
	 * @param file the largest file of the model
	 * @param pattern how they read
	 * @param bytesPerSecond the rate while they did
	 */
	public void learn(DirectFile file, ReadPattern pattern, double bytesPerSecond) {
		learn(device(file.path()), file.direct(), pattern, bytesPerSecond);
	}

	/** As {@link #learn(DirectFile, ReadPattern, double)}, of a device. */
	public void learn(String device, boolean direct, ReadPattern pattern, double bytesPerSecond) {
		Shape shape = new Shape(pattern.readBytes(), pattern.readsInFlight());
		if (bytesPerSecond > 0 && Shape.all().contains(shape) && remembered(device, direct).rates().isEmpty()) {
			SequencedMap<Shape, List<Double>> rates = new LinkedHashMap<>();
			rates.put(shape, List.of(bytesPerSecond));
			this.profiles.keep(new DiskProfile(device, direct, rates));
		}
	}

	private static int rounds(SequencedMap<Shape, List<Double>> rates, Shape shape) {
		return rates.getOrDefault(shape, List.of()).size();
	}

	/** How much is read in a measurement: whole windows. */
	private static long bytes(Shape shape, double least) {
		return Math.max(1, (long) Math.ceil(least / shape.windowBytes())) * shape.windowBytes();
	}

	private static double fastest(SequencedMap<Shape, List<Double>> rates) {
		return rates.values().stream().flatMap(List::stream).mapToDouble(Double::doubleValue).max().orElse(GUESS);
	}

	/**
	 * Names the device that holds a file: the file system's own name of it is not enough,
	 * since other disks appear under the same name.
	 */
	public static String device(Path file) {
		try {
			FileStore store = Files.getFileStore(file);
			String device = store.name() + " " + store.type() + " " + store.getTotalSpace();
			return file.getFileSystem().supportedFileAttributeViews().contains("unix")
					? device + " " + Files.getAttribute(file, "unix:dev") : device;
		}
		catch (IOException ex) {
			throw new CheckpointException("Cannot ask for the file system of " + file + " (" + ex + ").",
					"Check that the file exists and that this process may read it.", ex);
		}
	}

	/**
	 * Reads in a pattern.
	 */
	@FunctionalInterface
	public interface Timer {

		/**
		 * Reads at random places.
		 * @param shape size and number of reads
		 * @param bytes how much, a multiple of the shape's window
		 * @return time that it took, in nanoseconds
		 */
		long time(Shape shape, long bytes);

	}

}
