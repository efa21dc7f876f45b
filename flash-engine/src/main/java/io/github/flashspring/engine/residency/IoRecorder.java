package io.github.flashspring.engine.residency;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAccumulator;
import java.util.concurrent.atomic.LongAdder;

import io.github.flashspring.engine.metrics.IoMetrics;
import io.github.flashspring.engine.metrics.Timeline;
import org.jspecify.annotations.Nullable;

/**
 * Counts reads, waiting and computing, by unit, and writes them into a timeline while
 * somebody wants one. Safe for use by several threads.
 */
final class IoRecorder {

	private final String[] units;

	private final AtomicLongArray bytes;

	private final AtomicLongArray stallNanos;

	private final AtomicLongArray computeNanos;

	private final LongAdder reads = new LongAdder();

	private final LongAdder rowBytes = new LongAdder();

	private final LongAdder readNanos = new LongAdder();

	private final LongAccumulator longestRead = new LongAccumulator(Math::max, 0);

	private final AtomicLong failures = new AtomicLong();

	private volatile @Nullable Timeline timeline;

	IoRecorder(String[] units) {
		this.units = units.clone();
		this.bytes = new AtomicLongArray(units.length);
		this.stallNanos = new AtomicLongArray(units.length);
		this.computeNanos = new AtomicLongArray(units.length);
	}

	void timeline(@Nullable Timeline next) {
		this.timeline = next;
	}

	void read(int unit, long length, long start, long end, boolean demand) {
		this.bytes.addAndGet(unit, length);
		this.reads.increment();
		this.readNanos.add(end - start);
		this.longestRead.accumulate(end - start);
		Timeline current = this.timeline;
		if (current != null) {
			current.add(Thread.currentThread().getName(), (demand ? "wanted " : "ahead ") + this.units[unit], start,
					end, length);
		}
	}

	void readRow(int unit, long length, long start, long end) {
		this.rowBytes.add(length);
		read(unit, length, start, end, true);
	}

	void failed() {
		this.failures.incrementAndGet();
	}

	void stalled(int unit, long start, long end) {
		this.stallNanos.addAndGet(unit, end - start);
		Timeline current = this.timeline;
		if (current != null) {
			current.add("waiting", "waits for " + this.units[unit], start, end, 0);
		}
	}

	void computed(int unit, long start, long end, long nanos) {
		this.computeNanos.addAndGet(unit, nanos);
		Timeline current = this.timeline;
		if (current != null) {
			current.add("passes", this.units[unit], start, end, 0);
		}
	}

	void passed(int rows, long start, long end) {
		Timeline current = this.timeline;
		if (current != null) {
			current.add("passes", "pass of " + rows + ((rows == 1) ? " token" : " tokens"), start, end, 0);
		}
	}

	long stallNanos(int unit) {
		return this.stallNanos.get(unit);
	}

	long computeNanos(int unit) {
		return this.computeNanos.get(unit);
	}

	long bytesRead(int unit) {
		return this.bytes.get(unit);
	}

	IoMetrics snapshot(long aheadBytes, int readsInFlight, int readsQueued) {
		return new IoMetrics(sum(this.bytes), this.reads.sum(), this.readNanos.sum(), this.rowBytes.sum(), aheadBytes,
				sum(this.stallNanos), sum(this.computeNanos), this.longestRead.get(), this.failures.get(),
				readsInFlight, readsQueued);
	}

	private static long sum(AtomicLongArray values) {
		long sum = 0;
		for (int i = 0; i < values.length(); i++) {
			sum += values.get(i);
		}
		return sum;
	}

}
