package io.github.flashspring.engine.reading;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import org.jspecify.annotations.Nullable;

/** Rows of the embedding that are waited for together. */
public final class RowBatch {

	private final List<Row> rows;

	@GuardedBy("this")
	private int pending;

	@GuardedBy("this")
	private @Nullable RuntimeException failure;

	public RowBatch(List<Row> rows) {
		this.rows = List.copyOf(rows);
		this.pending = rows.size();
	}

	List<Task> tasks() {
		return this.rows.stream().map((row) -> new Task(this, row)).toList();
	}

	/**
	 * A read ended.
	 * @param reason null if the row is in memory
	 */
	synchronized void ended(@Nullable RuntimeException reason) {
		this.pending--;
		this.failure = (this.failure != null) ? this.failure : reason;
		if (this.pending == 0) {
			notifyAll();
		}
	}

	/**
	 * Waits for all rows, even if this thread is interrupted.
	 * @throws RuntimeException what the first row failed with
	 */
	public synchronized void await() {
		boolean interrupted = false;
		while (this.pending > 0) {
			try {
				wait();
			}
			catch (InterruptedException ex) {
				interrupted = true;
			}
		}
		if (interrupted) {
			Thread.currentThread().interrupt();
		}
		if (this.failure != null) {
			throw this.failure;
		}
	}

	/**
	 * A row.
	 *
	 * @param group index of the weight group for which it is read
	 * @param file the file
	 * @param offset first byte
	 * @param target where to; its length is the number of bytes
	 */
	public record Row(int group, Path file, long offset, MemorySegment target) {

	}

	/**
	 * The read of a row.
	 *
	 * @param batch waits for it
	 * @param row the row
	 */
	record Task(RowBatch batch, Row row) implements ReadTask {

	}

}
