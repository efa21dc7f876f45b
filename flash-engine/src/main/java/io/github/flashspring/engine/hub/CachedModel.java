package io.github.flashspring.engine.hub;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

/**
 * A snapshot in the cache.
 *
 * @param repository {@code org/name}
 * @param commit of which commit
 * @param revisions branches and tags that name the commit
 * @param folder its files
 * @param bytes size of its files, also of those that other snapshots share
 * @param modified when its latest file came
 * @param complete whether all of its weights are there
 */
public record CachedModel(String repository, String commit, List<String> revisions, Path folder, long bytes,
		Instant modified, boolean complete) {

	public CachedModel {
		revisions = List.copyOf(revisions);
	}

}
