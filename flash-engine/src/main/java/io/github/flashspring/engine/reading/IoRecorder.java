package io.github.flashspring.engine.reading;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAccumulator;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.IntUnaryOperator;

import io.github.flashspring.engine.metrics.IoMetrics;
import io.github.flashspring.engine.metrics.Timeline;
import org.jspecify.annotations.Nullable;

/**
 * Counts reads, waiting and computing, by group, and writes them into a timeline while
 * somebody wants one. Safe for use by several threads.
 */
public final class IoRecorder {

	/** Names of the parts of the model. */
	private final String[] names;

	/** From a group to its part. */
	private final IntUnaryOperator parts;

	private final AtomicLongArray bytes;

	private final AtomicLongArray stallNanos;

	private final AtomicLongArray computeNanos;

	private final LongAdder reads = new LongAdder();

	private final LongAdder rowBytes = new LongAdder();

	private final LongAdder readNanos = new LongAdder();

	private final LongAccumulator longestRead = new LongAccumulator(Math::max, 0);

	private final AtomicLong failures = new AtomicLong();

	private volatile @Nullable Timeline timeline;

	/**
	 * Counts nothing yet.
	 * @param names names of the parts of the model, by which everything is counted
	 * @param parts from a group to its part
	 */
	public IoRecorder(String[] names, IntUnaryOperator parts) {
		this.names = names.clone();
		this.parts = parts;
		this.bytes = new AtomicLongArray(names.length);
		this.stallNanos = new AtomicLongArray(names.length);
		this.computeNanos = new AtomicLongArray(names.length);
	}

	public void timeline(@Nullable Timeline next) {
		this.timeline = next;
	}

	/**
	 * Notes a read.
	 * @param group group for which it was made
	 * @param length bytes that are this group's
	 * @param calls system calls that it took
	 * @param start when it began
	 * @param end when it ended
	 * @param demand whether somebody waited for it
	 */
	void read(int group, long length, int calls, long start, long end, boolean demand) {
		int part = this.parts.applyAsInt(group);
		this.bytes.addAndGet(part, length);
		this.reads.add(calls);
		this.readNanos.add(end - start);
		this.longestRead.accumulate(end - start);
		Timeline current = this.timeline;
		if (current != null) {
			current.add(Thread.currentThread().getName(), (demand ? "demand " : "prefetch ") + this.names[part], start,
					end, length);
		}
	}

	/** Notes what came along with a read for another group. */
	void readAlong(int group, long length) {
		this.bytes.addAndGet(this.parts.applyAsInt(group), length);
	}

	void readRow(int group, long length, int calls, long start, long end) {
		this.rowBytes.add(length);
		read(group, length, calls, start, end, true);
	}

	void failed() {
		this.failures.incrementAndGet();
	}

	public void stalled(int group, long start, long end) {
		int part = this.parts.applyAsInt(group);
		this.stallNanos.addAndGet(part, end - start);
		Timeline current = this.timeline;
		if (current != null) {
			current.add("waiting", "waits for " + this.names[part], start, end, 0);
		}
	}

	public void computed(int group, long start, long end, long nanos) {
		int part = this.parts.applyAsInt(group);
		this.computeNanos.addAndGet(part, nanos);
		Timeline current = this.timeline;
		if (current != null) {
			current.add("passes", this.names[part], start, end, 0);
		}
	}

	/** Whether somebody wants to know of every piece. */
	public boolean traces() {
		return this.timeline != null;
	}

	/** Notes rows of a matrix that were computed with. */
	public void multiplied(String matrix, int firstRow, int rows, long start) {
		Timeline current = this.timeline;
		if (current != null) {
			current.add("tasks", matrix + " from row " + firstRow + ", " + rows + " rows", start, System.nanoTime(), 0);
		}
	}

	public void passed(int rows, long start, long end) {
		Timeline current = this.timeline;
		if (current != null) {
			current.add("passes", "pass of " + rows + ((rows == 1) ? " token" : " tokens"), start, end, 0);
		}
	}

	/** Time that computing waited, for all parts. */
	public long stallNanos() {
		return sum(this.stallNanos);
	}

	/** Time that all parts computed, without waiting. */
	public long computeNanos() {
		return sum(this.computeNanos);
	}

	public long stallNanos(int part) {
		return this.stallNanos.get(part);
	}

	public long computeNanos(int part) {
		return this.computeNanos.get(part);
	}

	public long bytesRead(int part) {
		return this.bytes.get(part);
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
