package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;

import io.github.flashspring.engine.metrics.ByteSize;

/** Whether the disk of the cache has space for what is to come. */
final class SpaceCheck {

	private SpaceCheck() {
	}

	/**
	 * Counts what is still to come of some files.
	 * @param folder where they go
	 * @param files not there yet
	 * @return bytes
	 */
	static long missing(RepositoryFolder folder, List<RemoteFile> files) throws IOException {
		long missing = 0;
		for (RemoteFile file : files) {
			if (folder.hasBlob(file)) {
				continue;
			}
			missing += file.size();
			if (Files.isRegularFile(folder.parts(file))) {
				try (PartMap map = PartMap.open(folder.parts(file), folder.incomplete(file), file.size(), 1 << 20)) {
					missing -= map.total();
				}
			}
		}
		return missing;
	}

	/**
	 * Refuses to begin what would fill the disk.
	 * @param folder where the files go; exists
	 * @param missing bytes to come
	 * @throws HubException if there is less space, with a twentieth to spare
	 */
	static void require(RepositoryFolder folder, long missing) throws IOException {
		long free = Files.getFileStore(folder.folder()).getUsableSpace();
		long needed = missing + missing / 20;
		if (missing > 0 && free < needed) {
			throw new HubException(
					"The disk of " + folder.folder() + " has not enough space: " + ByteSize.readable(missing)
							+ " are to come, with a twentieth to spare " + ByteSize.readable(needed) + ", but "
							+ ByteSize.readable(free) + " are free.",
					"Remove models (flash list, flash rm), or set HF_HUB_CACHE to a folder on a larger disk.");
		}
	}

}
