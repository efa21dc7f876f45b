package io.github.flashspring.engine.hub;

import java.util.List;

/**
 * How far a download has come.
 *
 * @param model what is downloaded
 * @param totalBytes size of all files
 * @param doneBytes what of them is there, with what was there before
 * @param fetchedBytes what came in this run
 * @param files number of files
 * @param completedFiles how many of them are there in full
 * @param active the files that are being worked on
 */
public record DownloadProgress(String model, long totalBytes, long doneBytes, long fetchedBytes, int files,
		int completedFiles, List<FileProgress> active) {

	public DownloadProgress {
		active = List.copyOf(active);
	}

	/**
	 * {@return whether all files are there}
	 */
	public boolean complete() {
		return this.completedFiles == this.files;
	}

	/**
	 * One file.
	 *
	 * @param path its place in the repository
	 * @param bytes its size
	 * @param doneBytes what of it is there
	 * @param state what is done with it
	 */
	public record FileProgress(String path, long bytes, long doneBytes, State state) {

	}

	/** What is done with a file. */
	public enum State {

		/** Another process downloads it. */
		WAITING,
		/** It arrives. */
		DOWNLOADING,
		/** Its hash is computed. */
		CHECKING

	}

}
