package io.github.flashspring.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.hub.DownloadProgress;
import io.github.flashspring.engine.hub.DownloadProgress.FileProgress;
import io.github.flashspring.engine.metrics.ByteSize;

/**
 * Shows a download: one line that changes where a person looks on, and a line for each
 * file that is there.
 */
final class DownloadLines implements Consumer<DownloadProgress> {

	private static final int BAR = 20;

	/** How many seconds the rate looks back: shorter ones jump, longer ones lag. */
	private static final double WINDOW_SECONDS = 5;

	private final Terminal terminal;

	private final boolean quiet;

	private final LongSupplier clock;

	private final long start;

	private Set<FileProgress> active = Set.of();

	private @Nullable DownloadProgress last;

	private long sampleTime;

	private long sampleBytes;

	private double rate;

	private boolean drawn;

	DownloadLines(Terminal terminal, boolean quiet) {
		this(terminal, quiet, System::nanoTime);
	}

	DownloadLines(Terminal terminal, boolean quiet, LongSupplier clock) {
		this.terminal = terminal;
		this.quiet = quiet;
		this.clock = clock;
		this.start = clock.getAsLong();
		this.sampleTime = this.start;
	}

	/** Shows that something goes on before it is known what there is to do. */
	void begin(String what) {
		if (this.terminal.styled() && !this.quiet) {
			this.drawn = true;
			this.terminal.err().print("\r\033[K" + what);
			this.terminal.err().flush();
		}
	}

	@Override
	public void accept(DownloadProgress progress) {
		if (this.quiet) {
			this.last = progress;
			return;
		}
		sample(progress);
		Set<String> now = new HashSet<>();
		progress.active().forEach((file) -> now.add(file.path()));
		boolean fewer = this.last != null && progress.completedFiles() > this.last.completedFiles();
		for (FileProgress before : this.active) {
			if (fewer && !now.contains(before.path())) {
				clear();
				this.terminal.note("  " + before.path() + "  " + ByteSize.readable(before.bytes()));
			}
		}
		this.active = Set.copyOf(progress.active());
		this.last = progress;
		if (this.terminal.styled() && !progress.complete()) {
			this.drawn = true;
			this.terminal.err().print("\r\033[K" + line(progress, this.rate));
			this.terminal.err().flush();
		}
	}

	/** An exponential mean of the rate. */
	private void sample(DownloadProgress progress) {
		long now = this.clock.getAsLong();
		double seconds = (now - this.sampleTime) / 1e9;
		if (seconds < 0.2) {
			return;
		}
		double current = (progress.fetchedBytes() - this.sampleBytes) / seconds;
		double weight = 1 - Math.exp(-seconds / WINDOW_SECONDS);
		this.rate = (this.rate == 0) ? current : this.rate + weight * (current - this.rate);
		this.sampleTime = now;
		this.sampleBytes = progress.fetchedBytes();
	}

	static String line(DownloadProgress progress, double rate) {
		double share = (progress.totalBytes() > 0) ? (double) progress.doneBytes() / progress.totalBytes() : 1;
		int full = (int) Math.clamp(Math.round(share * BAR), 0, BAR);
		StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%3.0f %% ", Math.floor(share * 100)));
		line.append("█".repeat(full)).append("░".repeat(BAR - full));
		line.append(' ').append(ByteSize.readable(progress.doneBytes()));
		line.append(" of ").append(ByteSize.readable(progress.totalBytes()));
		if (rate > 0) {
			line.append(", ").append(ByteSize.readable((long) rate)).append("/s, ");
			line.append(left((long) ((progress.totalBytes() - progress.doneBytes()) / rate)));
		}
		line.append(" · ").append(progress.completedFiles()).append('/').append(progress.files()).append(" files");
		progress.active()
			.stream()
			.max((one, other) -> Long.compare(one.bytes(), other.bytes()))
			.ifPresent((file) -> line.append(" · ").append(file(file)));
		return line.toString();
	}

	private static String file(FileProgress file) {
		String done = String.format(Locale.ROOT, " %.0f %%", 100.0 * file.doneBytes() / Math.max(1, file.bytes()));
		return file.path() + switch (file.state()) {
			case DOWNLOADING -> done;
			case CHECKING -> " checking";
			case WAITING -> " waiting for another process";
		};
	}

	private static String left(long seconds) {
		if (seconds < 60) {
			return seconds + " s left";
		}
		return (seconds < 3600) ? seconds / 60 + " min " + seconds % 60 + " s left"
				: seconds / 3600 + " h " + seconds % 3600 / 60 + " min left";
	}

	/** Says what came of it. */
	void finish(Path folder, String advice) {
		clear();
		DownloadProgress all = this.last;
		long bytes = (all != null) ? all.fetchedBytes() : 0;
		Duration time = Duration.ofNanos(this.clock.getAsLong() - this.start);
		this.terminal
			.note((all != null) ? all.model() + ": " + all.files() + " files, " + ByteSize.readable(all.totalBytes())
					+ ((bytes > 0) ? ", " + ByteSize.readable(bytes) + " fetched in " + Figures.seconds(time)
							: ", nothing was missing")
					+ ". " + advice : advice);
		this.terminal.out().println(folder);
		this.terminal.out().flush();
	}

	void clear() {
		if (this.drawn) {
			this.drawn = false;
			this.terminal.err().print("\r\033[K");
			this.terminal.err().flush();
		}
	}

}
