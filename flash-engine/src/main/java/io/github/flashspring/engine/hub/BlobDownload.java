package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.flashspring.engine.hub.DownloadProgress.State;
import io.github.flashspring.engine.hub.RemoteSource.RangesIgnoredException;
import io.github.flashspring.engine.hub.Retries.LocalFailure;

/**
 * Brings one file into the cache: in parts, several at once, going on where an earlier
 * run ended, and under its name only when its hash is right.
 */
final class BlobDownload {

	private static final Logger logger = LoggerFactory.getLogger(BlobDownload.class);

	private static final int BUFFER = 1 << 17;

	private final HubSettings settings;

	private final RepositoryFolder folder;

	private final RemoteFile file;

	private final RemoteSource source;

	private final Tally.File tally;

	private final String what;

	BlobDownload(HubClient client, HubApi api, RepositoryFolder folder, String commit, RemoteFile file,
			Tally.File tally) {
		this.settings = client.settings();
		this.folder = folder;
		this.file = file;
		this.source = new RemoteSource(client, api, commit, file);
		this.tally = tally;
		this.what = "the file " + HubException.quote(file.path());
	}

	/**
	 * Downloads, unless the blob is there.
	 * @throws HubException if the file cannot be had, or its content is wrong
	 * @throws IOException if the cache cannot be written
	 */
	void run() throws IOException, InterruptedException {
		try (CacheLock lock = CacheLock.acquire(this.folder.lock(this.file), () -> this.tally.state(State.WAITING))) {
			if (!this.folder.hasBlob(this.file)) {
				this.tally.state(State.DOWNLOADING);
				download();
			}
		}
	}

	private void download() throws IOException, InterruptedException {
		Path incomplete = this.folder.incomplete(this.file);
		Path parts = this.folder.parts(this.file);
		String found = "";
		// What an earlier run left may be damaged: then all comes anew, once.
		for (int attempt = 0; attempt < 2; attempt++) {
			fetch(incomplete, parts);
			this.tally.state(State.CHECKING);
			try (FileChannel channel = open(incomplete)) {
				// behind the end, if an earlier file was longer
				channel.truncate(this.file.size());
				found = BlobHash.of(channel, this.file);
				if (found.equals(this.file.etag())) {
					channel.force(true);
				}
			}
			if (found.equals(this.file.etag())) {
				RepositoryFolder.replace(incomplete, this.folder.blob(this.file));
				Files.deleteIfExists(parts);
				return;
			}
			logger.debug("{} has the hash {}, expected {}", this.what, found, this.file.etag());
			Files.deleteIfExists(parts);
			Files.deleteIfExists(incomplete);
			this.tally.at(0);
			this.tally.state(State.DOWNLOADING);
		}
		throw new HubException("The content of " + this.what + " is wrong: expected the "
				+ (this.file.isLarge() ? "SHA-256 " : "hash ") + this.file.etag() + ", found " + found + ", twice.",
				"What came was removed. Repeat it; if that does not help, the hub, a mirror or a proxy changes files: "
						+ "check HF_ENDPOINT and HTTPS_PROXY.");
	}

	private void fetch(Path incomplete, Path parts) throws IOException, InterruptedException {
		try (FileChannel channel = open(incomplete);
				PartMap map = PartMap.open(parts, incomplete, this.file.size(), this.settings.tuning().partBytes())) {
			this.tally.at(map.total());
			List<Parallel.Task> tasks = new ArrayList<>();
			IntStream.range(0, map.parts())
				.filter((part) -> map.done(part) < map.length(part))
				.forEach((part) -> tasks.add(() -> fetchPart(channel, map, part)));
			Parallel.run("flash-hub-part", tasks.size(), tasks);
		}
		catch (RangesIgnoredException ex) {
			// Ending the other parts has closed the files.
			try (FileChannel channel = open(incomplete); PartMap map = PartMap.single(parts, this.file.size())) {
				fetchWhole(channel, map);
			}
		}
	}

	private static FileChannel open(Path file) throws IOException {
		return FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
	}

	private void fetchPart(FileChannel channel, PartMap map, int part) throws IOException, InterruptedException {
		Retries retries = new Retries(this.settings, this.what);
		retries.run(() -> {
			copy(channel, map, part, retries);
			return part;
		});
	}

	/** Begins at the start in each attempt, and so ends after some without success. */
	private void fetchWhole(FileChannel channel, PartMap map) throws IOException, InterruptedException {
		new Retries(this.settings, this.what).run(() -> {
			map.done(0, 0);
			this.tally.at(0);
			copy(channel, map, 0, null);
			return 0;
		});
	}

	private void copy(FileChannel channel, PartMap map, int part, @Nullable Retries retries)
			throws IOException, InterruptedException {
		long position = map.begin(part) + map.done(part);
		long end = map.begin(part) + map.length(part);
		if (position == end) {
			return;
		}
		try (Reply reply = this.source.open(position, end)) {
			InputStream body = reply.body();
			byte[] buffer = new byte[(int) Math.min(BUFFER, end - position)];
			while (position < end) {
				int count = body.read(buffer, 0, (int) Math.min(buffer.length, end - position));
				if (count < 0) {
					throw new IOException(reply.uri().getHost() + " ended the connection " + (end - position)
							+ " bytes before the end");
				}
				write(channel, ByteBuffer.wrap(buffer, 0, count), position);
				position += count;
				note(map, part, position);
				this.tally.add(count);
				if (retries != null) {
					retries.progress();
				}
			}
		}
	}

	private static void write(FileChannel channel, ByteBuffer bytes, long position) throws IOException {
		try {
			long at = position;
			while (bytes.hasRemaining()) {
				at += channel.write(bytes, at);
			}
		}
		catch (IOException ex) {
			throw new LocalFailure(String.valueOf(ex.getMessage()), ex);
		}
	}

	private static void note(PartMap map, int part, long position) throws IOException {
		try {
			map.done(part, position - map.begin(part));
		}
		catch (IOException ex) {
			throw new LocalFailure(String.valueOf(ex.getMessage()), ex);
		}
	}

}
