package io.github.flashspring.engine.hub;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

import io.github.flashspring.engine.hub.DownloadProgress.FileProgress;
import io.github.flashspring.engine.hub.DownloadProgress.State;

/**
 * Counts what arrives and tells a listener, ten times a second at most and whenever a
 * file begins or ends.
 */
final class Tally {

	private static final long PAUSE_NANOS = 100_000_000L;

	private final String model;

	private final Consumer<DownloadProgress> listener;

	private final List<File> active = new ArrayList<>();

	private long totalBytes;

	private long completedBytes;

	private long fetchedBytes;

	private int files;

	private int completedFiles;

	private long told = Long.MIN_VALUE;

	Tally(String model, Consumer<DownloadProgress> listener) {
		this.model = model;
		this.listener = listener;
	}

	/** Says what there is to do. */
	synchronized void plan(int count, long bytes) {
		this.files = count;
		this.totalBytes = bytes;
		tell(true);
	}

	/** Notes a file that needs no work. */
	synchronized void present(RemoteFile file) {
		this.completedFiles++;
		this.completedBytes += file.size();
		tell(true);
	}

	synchronized File begin(RemoteFile file) {
		File begun = new File(file);
		this.active.add(begun);
		tell(true);
		return begun;
	}

	synchronized long fetchedBytes() {
		return this.fetchedBytes;
	}

	private synchronized void fetched(long bytes) {
		this.fetchedBytes += bytes;
	}

	private void tell(boolean now) {
		long time = System.nanoTime();
		if (!now && time - this.told < PAUSE_NANOS) {
			return;
		}
		this.told = time;
		long done = this.completedBytes + this.active.stream().mapToLong((file) -> file.done).sum();
		this.listener.accept(new DownloadProgress(this.model, this.totalBytes, done, this.fetchedBytes, this.files,
				this.completedFiles, this.active.stream().map(File::progress).toList()));
	}

	/** One file that is worked on. */
	final class File {

		private final RemoteFile file;

		private long done;

		private State state = State.DOWNLOADING;

		private File(RemoteFile file) {
			this.file = file;
		}

		/** What of the file is there, not counting what came in this run. */
		void at(long bytes) {
			synchronized (Tally.this) {
				this.done = bytes;
				tell(false);
			}
		}

		void add(long bytes) {
			synchronized (Tally.this) {
				this.done += bytes;
				fetched(bytes);
				tell(false);
			}
		}

		void state(State now) {
			synchronized (Tally.this) {
				this.state = now;
				tell(true);
			}
		}

		/** The file is there, or given up. */
		void end(boolean complete) {
			synchronized (Tally.this) {
				Tally.this.active.remove(this);
				if (complete) {
					Tally.this.completedFiles++;
					Tally.this.completedBytes += this.file.size();
				}
				tell(true);
			}
		}

		private FileProgress progress() {
			return new FileProgress(this.file.path(), this.file.size(), this.done, this.state);
		}

	}

}
