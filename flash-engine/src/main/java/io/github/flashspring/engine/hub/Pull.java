package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import io.github.flashspring.engine.checkpoint.HubId;

/** One download of one revision of a model. */
final class Pull {

	/**
	 * Files at once, each in several parts: more would end all at the same time, and be
	 * checked one after the other then.
	 */
	private static final int FILES_AT_ONCE = 4;

	private static final String CONFIG = "config.json";

	private final HubClient client;

	private final HubId id;

	private final HubApi api;

	private final RepositoryFolder folder;

	private final Tally tally;

	Pull(HubClient client, HubId id, Tally tally) {
		this.client = client;
		this.id = id;
		this.api = new HubApi(client, id, (bytes) -> {
		});
		this.folder = new RepositoryFolder(client.settings(), id);
		this.tally = tally;
	}

	/**
	 * {@return the folder of the snapshot, with all files of the model}
	 */
	Path run() throws IOException, InterruptedException {
		String commit = this.api.commit();
		FileSelection selection = new FileSelection(this.id, this.api.files(commit));
		List<RemoteFile> chosen = selection.choose((file, limit) -> read(commit, file, limit));
		this.tally.plan(chosen.size(), chosen.stream().mapToLong(RemoteFile::size).sum());
		this.folder.create();
		List<RemoteFile> missing = new ArrayList<>();
		for (RemoteFile file : chosen) {
			if (this.folder.has(commit, file)) {
				this.tally.present(file);
			}
			else {
				missing.add(file);
			}
		}
		SpaceCheck.require(this.folder, SpaceCheck.missing(this.folder, missing));
		List<RemoteFile> last = missing.stream().filter((file) -> file.path().equals(CONFIG)).toList();
		missing.removeAll(last);
		fetch(commit, missing);
		// A snapshot with a config counts as complete, and so it comes last.
		fetch(commit, last);
		this.folder.ref(this.id.revision(), commit);
		return this.folder.snapshot(commit);
	}

	private void fetch(String commit, List<RemoteFile> files) throws IOException, InterruptedException {
		List<Parallel.Task> tasks = new ArrayList<>();
		files.forEach((file) -> tasks.add(() -> fetch(commit, file)));
		Parallel.run("flash-hub-file", FILES_AT_ONCE, tasks);
	}

	private void fetch(String commit, RemoteFile file) throws IOException, InterruptedException {
		Tally.File count = this.tally.begin(file);
		boolean complete = false;
		try {
			new BlobDownload(this.client, this.api, this.folder, commit, file, count).run();
			this.folder.link(commit, file);
			complete = true;
		}
		finally {
			count.end(complete);
		}
	}

	/** Reads a small file, which comes into the cache like the others. */
	private byte[] read(String commit, RemoteFile file, int limit) throws IOException, InterruptedException {
		if (file.size() > limit) {
			throw new HubException("The file " + HubException.quote(file.path()) + " of " + this.id.repository()
					+ " has " + file.size() + " bytes; expected at most " + limit + ".", "Do not use this repository.");
		}
		this.folder.create();
		if (!this.folder.has(commit, file)) {
			Tally unheard = new Tally(this.id.toString(), (progress) -> {
			});
			new BlobDownload(this.client, this.api, this.folder, commit, file, unheard.begin(file)).run();
			this.folder.link(commit, file);
		}
		return Files.readAllBytes(this.folder.place(commit, file));
	}

}
