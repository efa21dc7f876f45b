package io.github.flashspring.engine.cache;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.cache.disk.PageHash;
import io.github.flashspring.engine.cache.disk.PrefixFolder;
import io.github.flashspring.engine.cache.disk.PrefixWriter;
import io.github.flashspring.engine.cache.disk.Segment;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceException;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.metrics.PrefixMetrics;

/**
 * Moves pages between the prefix cache in memory and files. Pages are copied on the
 * thread of the {@link KvCache}, a segment at a time and only when the writer is free:
 * what is evicted before is not written. So besides that segment nothing takes memory.
 */
final class PrefixDisk implements PrefixFolder.Shape, AutoCloseable {

	/** Sequences whose pages wait to be written. */
	private static final int MAX_PENDING = 64;

	private static final long CLOSE_NANOS = 1_000_000_000L;

	private static final long POLL_NANOS = 500_000;

	private final KvCache cache;

	private final PrefixCache prefixes;

	private final ResumePoints points;

	private final Device device;

	private final PrefixFolder folder;

	private final PrefixWriter writer;

	private final byte[] fingerprint;

	private final int minTokens;

	private final int pageTokens;

	private final int segmentPages;

	private final Deque<Left> pending = new ArrayDeque<>();

	private long hitTokens;

	PrefixDisk(KvCache cache, PrefixCache prefixes, Device device, PrefixStore store, PrefixWriter writer) {
		this.cache = cache;
		this.prefixes = prefixes;
		this.points = prefixes.points();
		this.device = device;
		this.folder = store.folder();
		this.writer = writer;
		this.fingerprint = store.fingerprint();
		this.minTokens = store.minTokens();
		this.pageTokens = cache.layout().pageTokens();
		this.segmentPages = this.points.segmentPages();
	}

	@Override
	public long bytes(int group) {
		if (group == Segment.Part.STATE) {
			return this.points.states() ? this.points.stateBytes() : -1;
		}
		return (group >= 0 && group < this.points.groups()) ? this.points.pageBytes(group) : -1;
	}

	@Override
	public long maxBytes() {
		return this.points.maxSegmentBytes();
	}

	/**
	 * Reads what is known of some tokens into the prefix cache in memory, as far as that
	 * is more than it has and there is memory.
	 * @param tokens of a sequence
	 * @param length how many there are
	 */
	void load(int[] tokens, int length) {
		int most = (length - 1) / this.pageTokens;
		if (length < this.minTokens || most == 0) {
			return;
		}
		byte[][] hashes = hashes(tokens, most);
		int best = longest(hashes);
		int before = this.prefixes.find(tokens, length).size();
		if (best <= before) {
			return;
		}
		int present = this.prefixes.matching(tokens, best).size();
		for (int first = 0; first < best; first += this.segmentPages) {
			int end = Math.min(best, first + this.segmentPages);
			if (end <= present && end < best) {
				continue; // of those before the last, the pages are enough
			}
			Segment segment = this.folder.read(hashes[end], this.fingerprint, this);
			if (segment == null || !insert(tokens, segment, end)) {
				break;
			}
		}
		this.hitTokens += (long) (this.prefixes.find(tokens, length).size() - before) * this.pageTokens;
		this.cache.prefixes().trim();
	}

	private byte[][] hashes(int[] tokens, int pages) {
		byte[][] hashes = new byte[pages + 1][];
		hashes[0] = this.fingerprint;
		for (int i = 0; i < pages; i++) {
			hashes[i + 1] = PageHash.next(hashes[i],
					Arrays.copyOfRange(tokens, i * this.pageTokens, (i + 1) * this.pageTokens));
		}
		return hashes;
	}

	/** Pages of the longest chain of files. */
	private int longest(byte[][] hashes) {
		int most = hashes.length - 1;
		int whole = 0;
		while (whole + this.segmentPages <= most && this.folder.has(hashes[whole + this.segmentPages])) {
			whole += this.segmentPages;
		}
		for (int end = Math.min(most, whole + this.segmentPages - 1); end > whole; end--) {
			if (this.folder.has(hashes[end])) {
				return end;
			}
		}
		return whole;
	}

	/** Puts what was read into the tree; false if there is too little memory. */
	private boolean insert(int[] tokens, Segment segment, int end) {
		if (segment.firstPage() != end - segment.pages()) {
			return false;
		}
		List<PrefixNode> path = this.prefixes.grow(tokens, end);
		if (path.size() < end) {
			return false;
		}
		try {
			for (Segment.Part part : segment.parts()) {
				int index = (part.group() == Segment.Part.STATE) ? part.page() - 1 : part.page();
				if (index < 0 || index >= end || !fill(path.get(index), part, end * this.pageTokens)) {
					return false;
				}
			}
			return true;
		}
		finally {
			this.prefixes.grown(path.getLast());
		}
	}

	private boolean fill(PrefixNode node, Segment.Part part, int tokens) {
		if (part.group() == Segment.Part.STATE) {
			Buffer state = (node.snapshot() == null) ? this.cache.prefixes().lendSnapshot() : null;
			if (state != null) {
				write(state, part.floats());
				this.prefixes.keep(node, state);
			}
			return node.snapshot() != null;
		}
		if (node.page(part.group()) != KvPages.NONE) {
			return true;
		}
		int page = lend(part.group(), tokens);
		if (page == KvPages.NONE) {
			return false;
		}
		write(this.cache.buffer(page), part.floats());
		this.cache.retain(page);
		this.cache.giveBack(page);
		node.page(part.group(), page);
		return true;
	}

	private int lend(int group, int tokens) {
		try {
			return this.cache.lend(group, tokens);
		}
		catch (DeviceException ex) {
			return KvPages.NONE; // the sequence computes what cannot be read
		}
	}

	private void write(Buffer buffer, float[] floats) {
		this.device.write(Tensor.floats(buffer, 0, 1, floats.length), floats);
	}

	/**
	 * Notes that a sequence left pages, which are written when the writer is free.
	 * @param tokens of the sequence
	 * @param pages how many pages it left
	 */
	void left(int[] tokens, int pages) {
		if (pages * this.pageTokens < this.minTokens) {
			return;
		}
		if (this.pending.size() == MAX_PENDING) {
			this.writer.drop(this.pending.removeFirst().pages());
		}
		this.pending.addLast(new Left(Arrays.copyOf(tokens, pages * this.pageTokens), pages));
	}

	/**
	 * {@return whether there is something to write and the writer is free}
	 */
	boolean hasWork() {
		return !this.pending.isEmpty() && this.writer.isFree();
	}

	/** Hands the next segment to the writer, if it is free. */
	void work() {
		while (hasWork()) {
			Left left = this.pending.getFirst();
			Segment segment = next(left);
			if (segment != null) {
				this.writer.write(segment);
				return;
			}
			this.pending.removeFirst();
		}
	}

	/** The first segment that is not on disk; null if there is none. */
	private @Nullable Segment next(Left left) {
		byte[][] hashes = hashes(left.tokens(), left.pages());
		List<PrefixNode> path = this.prefixes.matching(left.tokens(), left.pages());
		int last = this.prefixes.resumable(path);
		for (int first = 0; first < last; first += this.segmentPages) {
			int end = Math.min(last, first + this.segmentPages);
			if (!this.folder.has(hashes[end])) {
				return segment(left.tokens(), path, first, end, hashes[first]);
			}
		}
		return null;
	}

	private Segment segment(int[] tokens, List<PrefixNode> path, int first, int end, byte[] parent) {
		List<Segment.Part> parts = new ArrayList<>();
		for (int group = 0; group < this.points.groups(); group++) {
			int from = this.points.windowed(group) ? this.points.firstNeeded(group, end) : first;
			for (int i = from; i < end; i++) {
				int page = path.get(i).page(group);
				if (page != KvPages.NONE) {
					parts.add(new Segment.Part(i, group, read(this.cache.buffer(page), this.points.pageBytes(group))));
				}
			}
		}
		Buffer state = path.get(end - 1).snapshot();
		if (state != null) {
			parts.add(new Segment.Part(end, Segment.Part.STATE, read(state, this.points.stateBytes())));
		}
		return new Segment(this.fingerprint, parent, first, this.pageTokens,
				Arrays.copyOfRange(tokens, first * this.pageTokens, end * this.pageTokens), parts);
	}

	private float[] read(Buffer buffer, long bytes) {
		float[] floats = new float[(int) (bytes / Float.BYTES)];
		this.device.read(Tensor.floats(buffer, 0, 1, floats.length), floats);
		return floats;
	}

	PrefixMetrics.Disk metrics() {
		return this.folder.metrics(this.hitTokens, this.writer.dropped());
	}

	/** Writes for a second at most what was left last: often all of a short run. */
	@Override
	public void close() {
		long end = System.nanoTime() + CLOSE_NANOS;
		while (!this.pending.isEmpty() && this.writer.isRunning() && System.nanoTime() - end < 0) {
			work();
			LockSupport.parkNanos(POLL_NANOS);
		}
		this.writer.close(Duration.ofNanos(Math.max(1, end - System.nanoTime())));
	}

	/**
	 * Pages that a sequence left.
	 *
	 * @param tokens of these pages
	 * @param pages how many
	 */
	private record Left(int[] tokens, int pages) {

	}

}
