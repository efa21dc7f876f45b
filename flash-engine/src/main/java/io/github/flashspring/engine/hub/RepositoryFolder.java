package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.flashspring.engine.checkpoint.HubId;

/**
 * One repository in the cache that the Hugging Face tools share: {@code blobs} by hash,
 * {@code snapshots} of commits that link to them, {@code refs} from revisions to commits.
 */
final class RepositoryFolder {

	private static final Logger logger = LoggerFactory.getLogger(RepositoryFolder.class);

	private static final String TAG = """
			Signature: 8a477f597d28d172789f06886806bc55
			# This folder holds copies of what a model hub has; backups can leave it out.
			""";

	private final Path cache;

	private final Path folder;

	private final boolean symlinks;

	RepositoryFolder(HubSettings settings, HubId id) {
		this.cache = settings.cache();
		this.folder = settings.cache().resolve(id.folderName());
		this.symlinks = settings.symlinks();
	}

	/** Makes what is missing of the folder. */
	void create() throws IOException {
		Files.createDirectories(this.folder.resolve("blobs"));
		Files.createDirectories(this.folder.resolve("snapshots"));
		Path tag = this.cache.resolve("CACHEDIR.TAG");
		if (!Files.exists(tag)) {
			Files.writeString(tag, TAG);
		}
	}

	Path folder() {
		return this.folder;
	}

	Path blob(RemoteFile file) {
		return this.folder.resolve("blobs").resolve(file.etag());
	}

	Path incomplete(RemoteFile file) {
		return this.folder.resolve("blobs").resolve(file.etag() + ".incomplete");
	}

	/** Ends like what it belongs to, so that whoever removes the one removes both. */
	Path parts(RemoteFile file) {
		return this.folder.resolve("blobs").resolve(file.etag() + ".parts.incomplete");
	}

	Path lock(RemoteFile file) {
		return this.cache.resolve(".locks").resolve(name(this.folder)).resolve(file.etag() + ".lock");
	}

	Path snapshot(String commit) {
		return this.folder.resolve("snapshots").resolve(commit);
	}

	Path place(String commit, RemoteFile file) {
		Path place = snapshot(commit);
		for (String name : file.names()) {
			place = place.resolve(name);
		}
		return place;
	}

	/**
	 * {@return whether a snapshot has a file, as a link or itself}
	 */
	boolean has(String commit, RemoteFile file) throws IOException {
		Path place = place(commit, file);
		return Files.isRegularFile(place) && Files.size(place) == file.size();
	}

	/**
	 * {@return whether a blob is there in full}
	 */
	boolean hasBlob(RemoteFile file) throws IOException {
		Path blob = blob(file);
		return Files.isRegularFile(blob) && Files.size(blob) == file.size();
	}

	/**
	 * Puts a blob into a snapshot: as a relative link, or as the file itself where there
	 * are no links.
	 */
	void link(String commit, RemoteFile file) throws IOException {
		Path place = place(commit, file);
		Path parent = place.getParent();
		if (parent == null) {
			throw new IllegalStateException("A snapshot has a folder");
		}
		Files.createDirectories(parent);
		Path blob = blob(file);
		if (this.symlinks && link(place, parent.relativize(blob))) {
			return;
		}
		Files.deleteIfExists(place);
		Files.move(blob, place);
	}

	private static boolean link(Path place, Path target) throws IOException {
		try {
			Files.createSymbolicLink(place, target);
			return true;
		}
		catch (FileAlreadyExistsException ex) {
			if (Files.isSymbolicLink(place) && Files.readSymbolicLink(place).equals(target)) {
				return true;
			}
			Files.delete(place);
			return link(place, target);
		}
		catch (UnsupportedOperationException | FileSystemException ex) {
			// Windows asks for a privilege that users seldom have.
			logger.debug("{} cannot be a link", place, ex);
			return false;
		}
	}

	/** Lets a revision name a commit. */
	void ref(String revision, String commit) throws IOException {
		if (revision.equals(commit)) {
			return;
		}
		Path ref = this.folder.resolve("refs").resolve(revision);
		Path parent = ref.getParent();
		if (parent == null) {
			throw new IllegalStateException("A revision has a folder");
		}
		Files.createDirectories(parent);
		// Not Files.createTempFile, whose files are for their owner alone: a cache may be
		// shared.
		Path temporary = this.folder.resolve("ref-" + UUID.randomUUID() + ".tmp");
		try {
			Files.writeString(temporary, commit, StandardOpenOption.CREATE_NEW);
			replace(temporary, ref);
		}
		finally {
			Files.deleteIfExists(temporary);
		}
	}

	/** Renames a file over another one. */
	static void replace(Path from, Path to) throws IOException {
		try {
			Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
		}
		catch (AtomicMoveNotSupportedException ex) {
			Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
		}
	}

	private static String name(Path path) {
		return String.valueOf(path.getFileName());
	}

}
