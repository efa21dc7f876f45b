package io.github.flashspring.engine.cache;

import io.github.flashspring.engine.device.KvPages;

/**
 * At the end of which pages a sequence of a model can be resumed, and what that takes.
 * Where all layers attend to all tokens, at each, and it takes nothing besides the pages.
 * Sliding windows need their last pages, state-space layers a copy of the state: these
 * are kept behind the prompt, behind the end of the sequence, and in between every so
 * many pages that they at most double the memory of a prefix.
 */
final class ResumePoints {

	/**
	 * Tokens between two points at most, where a state is large or there are no pages to
	 * compare it with: so many are computed again at most.
	 */
	private static final int MAX_DISTANCE = 2048;

	/**
	 * A file should be large enough to be read fast, and is in memory while it is written
	 * or read.
	 */
	private static final long MAX_SEGMENT_BYTES = 32 << 20;

	private static final int MAX_SEGMENT_PAGES = 8;

	private final LayerGroups groups;

	private final int pageTokens;

	private final KvPages.Layout layout;

	private final long stateBytes;

	private final int distance;

	ResumePoints(LayerGroups groups, KvPages.Layout layout, long stateBytes) {
		this.groups = groups;
		this.pageTokens = layout.pageTokens();
		this.layout = layout;
		this.stateBytes = stateBytes;
		long pages = 0;
		long extra = stateBytes;
		for (int group = 0; group < groups.count(); group++) {
			if (windowed(group)) {
				// far behind the beginning, where the window is full
				int far = MAX_DISTANCE * 64;
				extra += (far - firstNeeded(group, far)) * pageBytes(group);
			}
			else {
				pages += pageBytes(group);
			}
		}
		int most = Math.max(1, MAX_DISTANCE / this.pageTokens);
		this.distance = (pages == 0) ? ((extra == 0) ? 1 : most)
				: (int) Math.clamp(Math.ceilDiv(extra, pages), 1, most);
	}

	int groups() {
		return this.groups.count();
	}

	/** Whether sequences have states. */
	boolean states() {
		return this.stateBytes > 0;
	}

	/** Whether layers of a group do not attend to all tokens. */
	boolean windowed(int group) {
		return this.groups.firstVisible(group, Integer.MAX_VALUE / 2) > 0;
	}

	/** The first page that a token behind some pages attends to. */
	int firstNeeded(int group, int pages) {
		return this.groups.firstVisible(group, pages * this.pageTokens) / this.pageTokens;
	}

	long pageBytes(int group) {
		return this.groups.size(group) * this.layout.in(this.groups.format(group)).layerBytes();
	}

	long stateBytes() {
		return this.stateBytes;
	}

	/** Memory of a node. */
	long bytes(PrefixNode node) {
		long bytes = (node.snapshot() != null) ? this.stateBytes : 0;
		for (int group = 0; group < groups(); group++) {
			bytes += (node.page(group) != KvPages.NONE) ? pageBytes(group) : 0;
		}
		return bytes;
	}

	/** Memory of a page of all groups, or of a state if there are none. */
	long unitBytes() {
		long bytes = 0;
		for (int group = 0; group < groups(); group++) {
			bytes += pageBytes(group);
		}
		return (bytes > 0) ? bytes : this.stateBytes;
	}

	/**
	 * {@return pages of a file of the prefix cache on disk}
	 */
	int segmentPages() {
		return (int) Math.clamp(MAX_SEGMENT_BYTES / Math.max(1, unitBytes()), 1, MAX_SEGMENT_PAGES);
	}

	/**
	 * {@return most bytes of a file's parts: its pages, all windows and a state}
	 */
	long maxSegmentBytes() {
		long bytes = this.stateBytes;
		for (int group = 0; group < groups(); group++) {
			int far = MAX_DISTANCE * 64;
			bytes += (segmentPages() + (windowed(group) ? far - firstNeeded(group, far) : 0)) * pageBytes(group);
		}
		return bytes;
	}

	/**
	 * {@return pages between two points}
	 */
	int distance() {
		return this.distance;
	}

	/**
	 * Whether there is a point.
	 * @param pages at the end of which page
	 * @param known tokens that are known when the page is computed
	 * @param decoding whether its last token was generated in this pass
	 */
	boolean wanted(int pages, int known, boolean decoding) {
		return decoding || pages % this.distance == 0 || pages == (known - 1) / this.pageTokens;
	}

}
