package io.github.flashspring.engine;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.Supplier;

import io.github.flashspring.engine.generate.PassListener;
import io.github.flashspring.engine.metrics.EngineSnapshot;
import io.github.flashspring.engine.metrics.IoMetrics;

/**
 * Remembers the last passes and what was read meanwhile. Safe for use by several threads.
 */
final class PassLog implements PassListener {

	private static final int KEPT = 16;

	private final Supplier<IoMetrics> io;

	private final Deque<EngineSnapshot.Pass> passes = new ArrayDeque<>();

	private IoMetrics before;

	/**
	 * Begins to listen.
	 * @param io what was read so far
	 */
	PassLog(Supplier<IoMetrics> io) {
		this.io = io;
		this.before = io.get();
	}

	@Override
	public synchronized void passed(int rows, long nanos) {
		IoMetrics now = this.io.get();
		if (this.passes.size() == KEPT) {
			this.passes.removeFirst();
		}
		this.passes.addLast(new EngineSnapshot.Pass(rows, nanos, now.bytesRead() - this.before.bytesRead(),
				now.stallNanos() - this.before.stallNanos()));
		this.before = now;
	}

	/**
	 * The last passes.
	 * @return the latest last
	 */
	synchronized List<EngineSnapshot.Pass> last() {
		return List.copyOf(this.passes);
	}

}
