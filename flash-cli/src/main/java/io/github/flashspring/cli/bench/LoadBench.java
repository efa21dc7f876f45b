package io.github.flashspring.cli.bench;

import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;

import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.metrics.ByteSize;
import io.github.flashspring.engine.metrics.EngineSnapshot;

/**
 * How long a fresh process takes until a model is ready for requests and until its first
 * token: nothing is warm, neither the JVM nor, if the system was told to drop its caches,
 * the disk.
 */
final class LoadBench {

	private static final int PROMPT = 2;

	private static final long DISK_BYTES = 1L << 30;

	private final PrintWriter out;

	/**
	 * Prepares.
	 * @param out the human-readable figures
	 */
	LoadBench(PrintWriter out) {
		this.out = out;
	}

	/**
	 * Loads a model, once: what comes afterwards is not fresh.
	 * @param budget as it was asked for
	 * @param config model, device and memory
	 * @return what was measured
	 */
	Report run(String budget, FlashConfig config) {
		double before = sinceStartOfProcess();
		long start = System.nanoTime();
		try (FlashEngine engine = FlashEngine.load(config)) {
			double ready = seconds(start);
			BudgetBench.generate(engine, 0, PROMPT, 1);
			double first = seconds(start);
			EngineSnapshot snapshot = engine.snapshot();
			double stalls = snapshot.io().stallNanos() * 1e-9;
			long tokenStart = System.nanoTime();
			BudgetBench.generate(engine, 1, PROMPT, 1);
			double second = seconds(tokenStart);
			BudgetBench.settled(engine);
			Report report = new Report(budget, before, ready, first, second, stalls, engine.plan().pinnedBytes(),
					snapshot.io().bytesRead(), engine.diagnostics().diskBytesPerSecond(DISK_BYTES));
			print(report);
			return report;
		}
	}

	private static double sinceStartOfProcess() {
		Instant now = Instant.now();
		Instant start = ProcessHandle.current().info().startInstant().orElse(now);
		return Duration.between(start, now).toNanos() * 1e-9;
	}

	private static double seconds(long start) {
		return (System.nanoTime() - start) * 1e-9;
	}

	private void print(Report report) {
		this.out.printf(Locale.ROOT, "%-10s %10s %10s %12s %12s %10s %10s %12s%n", "budget", "JVM", "ready",
				"first token", "again", "in memory", "read", "disk");
		this.out.printf(Locale.ROOT, "%-10s %9.2fs %9.3fs %11.2fs %11.2fs %10s %10s %10s/s%n", report.budget(),
				report.processSeconds(), report.readySeconds(), report.firstTokenSeconds(), report.againSeconds(),
				ByteSize.readable(report.pinnedBytes()), ByteSize.readable(report.bytesRead()),
				ByteSize.readable((long) report.diskBytesPerSecond()));
		this.out.printf(Locale.ROOT,
				"until the first token, compute waited %.2fs for the disk, which alone takes %.2fs for what was read%n",
				report.stallSeconds(), report.bytesRead() / Math.max(1, report.diskBytesPerSecond()));
		this.out.flush();
	}

	/**
	 * What was measured.
	 *
	 * @param budget as it was asked for
	 * @param processSeconds from the start of the process to that of loading
	 * @param readySeconds from the start of loading until requests are served
	 * @param firstTokenSeconds from the start of loading until the first token
	 * @param againSeconds time of a first token later on
	 * @param stallSeconds time that compute waited for the disk until the first token
	 * @param pinnedBytes pinned weights
	 * @param bytesRead what was read until the first token
	 * @param diskBytesPerSecond rate of the disk alone, measured afterwards; 0 where
	 * nothing is streamed
	 */
	record Report(String budget, double processSeconds, double readySeconds, double firstTokenSeconds,
			double againSeconds, double stallSeconds, long pinnedBytes, long bytesRead, double diskBytesPerSecond) {

	}

}
