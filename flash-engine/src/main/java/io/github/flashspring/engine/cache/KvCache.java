package io.github.flashspring.engine.cache;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceException;
import io.github.flashspring.engine.device.KvPages;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.metrics.ByteSize;

/**
 * The memory of all sequences: KV pages, lent one by one as {@linkplain SequenceMemory
 * sequences} grow, and states. Pages of all groups of layers come from one number of
 * bytes; a page is allocated when it is first lent. What sequences leave behind stays for
 * others with the same tokens until its memory is needed. Used by one thread.
 */
public final class KvCache implements KvPages, AutoCloseable {

	private final Device device;

	private final Layout layout;

	/** For each group of layers the layout in its format. */
	private final Layout[] layouts;

	private final LayerGroups groups;

	private final StatePool states;

	private final int passRows;

	private final int capacityPages;

	private long capacityBytes;

	private final Prefixes prefixes;

	private final List<@Nullable Page> pages = new ArrayList<>();

	/** Ids of allocated pages that nobody has, by group. */
	private final List<Deque<Integer>> free = new ArrayList<>();

	private long allocatedBytes;

	/**
	 * Makes an empty cache.
	 * @param device allocates
	 * @param layout shape of a layer's part of a page
	 * @param groups layers that have keys and values
	 * @param tokens how many tokens there is memory for, in whole pages
	 * @param stateFloats size of the state of a sequence; 0: there is none
	 * @param sequences most sequences at once, if they have states
	 */
	public KvCache(Device device, Layout layout, LayerGroups groups, long tokens, long stateFloats, int sequences) {
		this(device, layout, groups, new Capacity(tokens, Math.toIntExact(tokens), tokens), stateFloats, sequences);
	}

	/**
	 * Makes an empty cache.
	 * @param device allocates
	 * @param layout shape of a layer's part of a page
	 * @param groups layers that have keys and values
	 * @param capacity what there is memory for
	 * @param stateFloats size of the state of a sequence; 0: there is none
	 * @param sequences most sequences at once, if they have states
	 */
	public KvCache(Device device, Layout layout, LayerGroups groups, Capacity capacity, long stateFloats,
			int sequences) {
		this.device = device;
		this.layout = layout.in(groups.precision().oldest());
		this.groups = groups;
		this.layouts = new Layout[groups.count()];
		for (int group = 0; group < groups.count(); group++) {
			this.layouts[group] = layout.in(groups.format(group));
		}
		this.states = new StatePool(device, stateFloats, sequences);
		this.passRows = capacity.passRows();
		this.capacityPages = pageCount(layout, capacity.tokens());
		this.capacityBytes = bytes(layout, groups, capacity) + passBytes(layout, groups, capacity.passRows());
		this.prefixes = new Prefixes(this, device, this.states,
				new ResumePoints(groups, layout, stateFloats * Float.BYTES));
		for (int group = 0; group < groups.count(); group++) {
			this.free.add(new ArrayDeque<>());
		}
	}

	/**
	 * Bytes that keys and values need. Of the newest tokens in half precision, these are
	 * those that a context of {@link Capacity#context} tokens reads.
	 * @param layout shape of a layer's part of a page
	 * @param groups layers that have keys and values
	 * @param capacity what there must be memory for
	 * @return bytes of whole pages
	 */
	public static long bytes(Layout layout, LayerGroups groups, Capacity capacity) {
		long bytes = 0;
		long window = Math.min(capacity.context(), groups.precision().window() + TILE);
		long contexts = (capacity.context() > 0) ? Math.ceilDiv(capacity.tokens(), capacity.context()) : 0;
		for (int group = 0; group < groups.count(); group++) {
			long pages = groups.isRecent(group) ? contexts * pageCount(layout, window)
					: pageCount(layout, capacity.tokens());
			bytes += pages * pageBytes(layout, groups, group);
		}
		return bytes;
	}

	/**
	 * Bytes that the tokens of a pass need besides, as long as the tokens before them are
	 * read in half precision too.
	 * @param layout shape of a layer's part of a page
	 * @param groups layers that have keys and values
	 * @param rows most rows of a pass
	 * @return bytes of whole pages
	 */
	public static long passBytes(Layout layout, LayerGroups groups, int rows) {
		long bytes = 0;
		for (int group = 0; group < groups.count(); group++) {
			bytes += groups.isRecent(group) ? (pageCount(layout, rows) + 1L) * pageBytes(layout, groups, group) : 0;
		}
		return bytes;
	}

	private static long pageBytes(Layout layout, LayerGroups groups, int group) {
		return groups.size(group) * layout.in(groups.format(group)).layerBytes();
	}

	private static int pageCount(Layout layout, long tokens) {
		return Math.toIntExact(Math.ceilDiv(tokens, layout.pageTokens()));
	}

	/**
	 * Begins a sequence, which has no pages yet.
	 * @return its memory, which the caller closes; empty while all states are lent
	 * @throws DeviceException if there is no memory for a state
	 */
	public Optional<SequenceMemory> open() {
		if (!this.states.available()) {
			return Optional.empty();
		}
		return Optional.of(new SequenceMemory(this, this.groups, this.states));
	}

	/**
	 * Begins a sequence behind the longest prefix that an earlier one left.
	 * @param tokens of the sequence
	 * @param length how many there are; at least the last is left to compute
	 * @return its memory, which the caller closes; empty while all states are lent
	 * @throws DeviceException if there is no memory for a state
	 */
	public Optional<SequenceMemory> open(int[] tokens, int length) {
		Optional<SequenceMemory> memory = open();
		PrefixCache tree = this.prefixes.tree();
		if (memory.isPresent() && tree != null) {
			memory.get().resume(tree.find(tokens, length));
		}
		return memory;
	}

	/**
	 * {@return what sequences leave to others with the same tokens}
	 */
	public Prefixes prefixes() {
		return this.prefixes;
	}

	@Override
	public Layout layout() {
		return this.layout;
	}

	@Override
	public Layout layout(int group) {
		return this.layouts[group];
	}

	@Override
	public int recentGroup(int layer) {
		return this.groups.recentGroup(layer);
	}

	@Override
	public int recentWindow() {
		return this.groups.precision().window();
	}

	@Override
	public String name(int layer) {
		return this.groups.name(layer);
	}

	@Override
	public int group(int layer) {
		return this.groups.group(layer);
	}

	@Override
	public Buffer buffer(int page) {
		return page(page).buffer;
	}

	@Override
	public long byteOffset(int page, int layer) {
		return this.groups.index(layer) * this.layouts[page(page).group].layerBytes();
	}

	private Page page(int id) {
		Page page = (id >= 0 && id < this.pages.size()) ? this.pages.get(id) : null;
		if (page == null) {
			throw new IllegalStateException("KV page " + id + " was never lent");
		}
		return page;
	}

	LayerGroups groups() {
		return this.groups;
	}

	/** Pages that sequences or the prefix cache have. */
	int heldPages() {
		return (int) this.pages.stream().filter((page) -> page != null && page.references > 0).count();
	}

	/** Pages that so many tokens of a sequence take in each group. */
	int pageCount(long tokens) {
		return pageCount(this.layout, tokens);
	}

	/**
	 * Tokens of a sequence whose pages a group must have before a pass.
	 * @param group index of the group
	 * @param length tokens that the sequence has
	 * @param end tokens that it will have
	 * @return as many as it will have; of the newest ones only those of the next pass
	 */
	long reserved(int group, int length, long end) {
		return this.groups.isRecent(group) ? Math.min(end, (long) length + this.passRows) : end;
	}

	/**
	 * Requires that a sequence of a length fits.
	 * @param tokens its length
	 * @throws IllegalArgumentException if the whole cache is smaller
	 */
	void requireCapacity(long tokens) {
		if (pageCount(tokens) > this.capacityPages) {
			throw new IllegalArgumentException("A sequence of " + tokens + " tokens needs " + pageCount(tokens)
					+ " KV pages, but the cache has " + this.capacityPages);
		}
	}

	/**
	 * Lends a page.
	 * @param group group of layers that it is for
	 * @param tokens length of the sequence that it is for
	 * @return its id, with one reference; {@link KvPages#NONE} if there is none
	 * @throws DeviceException if there is no memory for a page that was never lent before
	 */
	int lend(int group, long tokens) {
		while (true) {
			Integer id = this.free.get(group).poll();
			if (id == null && makeRoom(pageBytes(group), group)) {
				id = tryAllocate(group, tokens);
			}
			if (id != null) {
				page(id).references = 1;
				return id;
			}
			if (!this.prefixes.evict()) {
				return NONE;
			}
		}
	}

	/** A new page; null if there is no memory, but the prefix cache has some. */
	private @Nullable Integer tryAllocate(int group, long tokens) {
		try {
			return allocate(group, tokens);
		}
		catch (DeviceException ex) {
			if (this.prefixes.bytes() == 0) {
				throw ex;
			}
			return null;
		}
	}

	/** Frees pages of other groups that nobody has, until some bytes fit. */
	private boolean makeRoom(long bytes, int group) {
		long needed = this.allocatedBytes + bytes;
		for (int other = 0; other < this.groups.count() && needed > this.capacityBytes; other++) {
			while (other != group && needed > this.capacityBytes && !this.free.get(other).isEmpty()) {
				int id = this.free.get(other).pop();
				page(id).buffer.close();
				this.pages.set(id, null);
				this.allocatedBytes -= pageBytes(other);
				needed -= pageBytes(other);
			}
		}
		return needed <= this.capacityBytes;
	}

	private int allocate(int group, long tokens) {
		long bytes = pageBytes(group);
		Page page;
		try {
			page = new Page(group, this.device.allocate(bytes));
		}
		catch (DeviceException ex) {
			throw new DeviceException(
					"There is no memory for the keys and values of a sequence of %d tokens, in pages of %s: %s. Ask for fewer tokens, or for less at once."
						.formatted(tokens, ByteSize.readable(bytes), ex.getMessage()),
					ex);
		}
		this.allocatedBytes += bytes;
		int unused = this.pages.indexOf(null);
		if (unused >= 0) {
			this.pages.set(unused, page);
			return unused;
		}
		this.pages.add(page);
		return this.pages.size() - 1;
	}

	private long pageBytes(int group) {
		return this.groups.size(group) * this.layouts[group].layerBytes();
	}

	/** Notes that one more sequence has a page. */
	void share(int id) {
		Page page = page(id);
		count(page, page.references + 1, page.retained);
	}

	boolean isShared(int page) {
		return page(page).references > 1;
	}

	/** Takes a page back from one of the sequences that have it. */
	void giveBack(int id) {
		Page page = page(id);
		count(page, page.references - 1, page.retained);
		if (page.references == 0) {
			this.free.get(page.group).push(id);
		}
	}

	/** Notes that the prefix cache has a page that a sequence has. */
	void retain(int id) {
		Page page = page(id);
		count(page, page.references + 1, true);
	}

	/** Takes a page back from the prefix cache. */
	void release(int id) {
		Page page = page(id);
		count(page, page.references, false);
		giveBack(id);
	}

	private void count(Page page, int references, boolean retained) {
		long before = (page.retained && page.references == 1) ? pageBytes(page.group) : 0;
		page.references = references;
		page.retained = retained;
		this.prefixes.add(((retained && references == 1) ? pageBytes(page.group) : 0) - before);
	}

	/** Adds memory for what is kept. */
	void enlarge(long bytes) {
		this.capacityBytes += bytes;
	}

	/** Takes some bytes of the memory of pages; false if there are too few. */
	boolean occupy(long bytes) {
		while (!makeRoom(bytes, NONE)) {
			if (!this.prefixes.evict()) {
				return false;
			}
		}
		this.allocatedBytes += bytes;
		return true;
	}

	void vacate(long bytes) {
		this.allocatedBytes -= bytes;
	}

	/**
	 * Copies the keys and values of all layers of a page, and waits: both may be closed
	 * at once.
	 */
	void copy(int to, int from) {
		int width = Math.toIntExact(pageBytes(page(from).group) / Float.BYTES);
		this.device.copy(Tensor.floats(buffer(to), 0, 1, width), Tensor.floats(buffer(from), 0, 1, width));
		this.device.commit().await();
	}

	/** Frees all pages; sequences that still have some must not be used afterwards. */
	@Override
	public void close() {
		this.prefixes.close();
		this.states.close();
		for (Page page : this.pages) {
			if (page != null) {
				page.buffer.close();
			}
		}
		this.pages.clear();
	}

	/**
	 * What there is memory for.
	 *
	 * @param tokens of all sequences together
	 * @param passRows most tokens that a pass computes
	 * @param context tokens of a sequence at most
	 */
	public record Capacity(long tokens, int passRows, long context) {

	}

	/** Memory of a page. */
	private static final class Page {

		private final int group;

		private final Buffer buffer;

		/** Sequences that have it, and the prefix cache. */
		private int references;

		/** Whether the prefix cache has it. */
		private boolean retained;

		Page(int group, Buffer buffer) {
			this.group = group;
			this.buffer = buffer;
		}

	}

}
