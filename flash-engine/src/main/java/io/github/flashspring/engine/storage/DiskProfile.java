package io.github.flashspring.engine.storage;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.SequencedMap;

import static java.util.Comparator.comparingLong;

/**
 * What was measured of a disk: a few rates for each of some read patterns.
 *
 * @param device names the disk
 * @param direct whether reads go around the page cache
 * @param rates bytes per second as measured, in the order of time, by pattern
 */
public record DiskProfile(String device, boolean direct, SequencedMap<Shape, List<Double>> rates) {

	/** More memory for reads must bring more than this. */
	private static final double WORTHWHILE = 1.05;

	/**
	 * A pattern that is faster than the usual one was so in each of its measurements, by
	 * this factor: what else the machine did meanwhile differs by more from one to the
	 * next than patterns do.
	 */
	private static final double CLEARLY = 1.15;

	private static final int BLOCK = 4096;

	private static final int UNMEASURED_READ_BYTES = 4 << 20;

	private static final int UNMEASURED_READS = 8;

	/**
	 * The pattern that reads fastest with so much memory; of those that are about as fast
	 * the one that needs least.
	 * @param windowBytes memory for the reads under way
	 * @return a pattern, which was measured unless there is none so small, or none at all
	 */
	public ReadPattern best(long windowBytes) {
		List<ReadPattern> patterns = patterns();
		if (patterns.isEmpty()) {
			long fair = Long.highestOneBit(Math.max(BLOCK, windowBytes / UNMEASURED_READS));
			int readBytes = (int) Math.min(UNMEASURED_READ_BYTES, fair);
			return new ReadPattern(readBytes, (int) Math.clamp(windowBytes / readBytes, 1, UNMEASURED_READS), 0,
					this.direct);
		}
		double fastest = patterns.stream()
			.filter((pattern) -> pattern.windowBytes() <= windowBytes)
			.mapToDouble(ReadPattern::bytesPerSecond)
			.max()
			.orElse(0);
		return patterns.stream()
			.filter((pattern) -> pattern.windowBytes() <= windowBytes
					&& pattern.bytesPerSecond() * WORTHWHILE >= fastest)
			.min(comparingLong(ReadPattern::windowBytes).thenComparing(ReadPattern::bytesPerSecond,
					Comparator.reverseOrder()))
			.orElseGet(() -> smaller(patterns, windowBytes));
	}

	private static ReadPattern smaller(List<ReadPattern> patterns, long windowBytes) {
		ReadPattern smallest = patterns.stream().min(comparingLong(ReadPattern::windowBytes)).orElseThrow();
		int readBytes = (int) Math.clamp(windowBytes / BLOCK * BLOCK, BLOCK, smallest.readBytes());
		return new ReadPattern(readBytes, 1, smallest.bytesPerSecond(), smallest.direct());
	}

	/**
	 * The table.
	 * @return the patterns that were measured, with their median rates, smaller windows
	 * first; none is said to be faster than the usual one that was not so every time
	 */
	public List<ReadPattern> patterns() {
		List<ReadPattern> patterns = new ArrayList<>();
		List<Double> usual = this.rates.getOrDefault(Shape.USUAL, List.of());
		this.rates.forEach((shape, values) -> {
			double rate = median(values);
			if (!usual.isEmpty() && Collections.min(values) <= CLEARLY * Collections.max(usual)) {
				rate = Math.min(rate, median(usual));
			}
			patterns.add(new ReadPattern(shape.readBytes(), shape.readsInFlight(), rate, this.direct));
		});
		patterns.sort(comparingLong(ReadPattern::windowBytes).thenComparing(ReadPattern::readBytes));
		return patterns;
	}

	private static double median(List<Double> values) {
		double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
		int middle = sorted.length / 2;
		return (sorted.length % 2 == 1) ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
	}

	/**
	 * Size and number of reads.
	 *
	 * @param readBytes size of a read
	 * @param readsInFlight reads at once
	 */
	public record Shape(int readBytes, int readsInFlight) {

		/** What is read when nothing was measured. */
		static final Shape USUAL = new Shape(4 << 20, 8);

		long windowBytes() {
			return (long) this.readBytes * this.readsInFlight;
		}

		/**
		 * The shapes that are measured: a typical one, then those with smaller windows
		 * first.
		 */
		static List<Shape> all() {
			List<Shape> shapes = new ArrayList<>();
			for (int mebibytes : new int[] { 1, 4, 16 }) {
				for (int reads : new int[] { 1, 2, 4, 8 }) {
					shapes.add(new Shape(mebibytes << 20, reads));
				}
			}
			shapes.add(new Shape(32 << 20, 8));
			shapes.sort(Comparator.comparing((Shape shape) -> !shape.equals(USUAL))
				.thenComparing(Shape::windowBytes)
				.thenComparing(Shape::readBytes));
			return shapes;
		}

	}

}
