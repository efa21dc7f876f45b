package io.github.flashspring.engine.cache;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import io.github.flashspring.engine.device.KvPages;

/**
 * The layers that have keys and values, in groups by the positions they attend to. All
 * layers of a group share a page table; a group with a sliding window needs no pages
 * behind it. In hybrid precision, layers that attend to all positions are in a second
 * group as well, of the newest positions in half precision, which needs no pages behind
 * those either.
 */
public final class LayerGroups {

	private final KvPrecision precision;

	private final List<String> names;

	/** For each layer the group that it is always in. */
	private final int[] groups;

	private final int[] indices;

	private final List<Group> all = new ArrayList<>();

	private LayerGroups(KvPrecision precision, List<String> names, int[] layerWindows) {
		this.precision = precision;
		this.names = names;
		int[] windows = Arrays.stream(layerWindows).distinct().sorted().toArray();
		int[] sizes = new int[windows.length];
		this.groups = new int[layerWindows.length];
		this.indices = new int[layerWindows.length];
		for (int layer = 0; layer < layerWindows.length; layer++) {
			int group = Arrays.binarySearch(windows, layerWindows[layer]);
			this.groups[layer] = group;
			this.indices[layer] = sizes[group]++;
		}
		boolean hybrid = precision.mode() == KvPrecision.Mode.HYBRID;
		for (int group = 0; group < windows.length; group++) {
			boolean sliding = windows[group] > 0;
			KvPages.Format format = (sliding && hybrid) ? KvPages.Format.F16 : precision.oldest();
			this.all.add(new Group(windows[group], sizes[group], format, false));
		}
		if (hybrid && windows.length > 0 && windows[0] == 0) {
			this.all.add(new Group(0, sizes[0], KvPages.Format.F16, true));
		}
	}

	/**
	 * Groups layers, in single precision.
	 * @param windows for each layer how many positions a token attends to, itself the
	 * last; 0: all before it
	 * @return the groups
	 */
	public static LayerGroups of(int... windows) {
		return new LayerGroups(KvPrecision.F32, List.of(), windows);
	}

	/**
	 * Groups layers.
	 * @param precision formats
	 * @param windows for each layer how many positions a token attends to, itself the
	 * last; 0: all before it
	 * @return the groups
	 */
	public static LayerGroups of(KvPrecision precision, int... windows) {
		return new LayerGroups(precision, List.of(), windows);
	}

	/**
	 * Layers that attend to all positions.
	 * @param layers how many
	 * @return one group, or none without layers
	 */
	public static LayerGroups full(int layers) {
		return of(new int[layers]);
	}

	/**
	 * The same with names for messages.
	 * @param layers name of each layer
	 * @return the groups
	 */
	public LayerGroups named(List<String> layers) {
		int[] windows = Arrays.stream(this.groups).map((group) -> this.all.get(group).window()).toArray();
		return new LayerGroups(this.precision, List.copyOf(layers), windows);
	}

	/**
	 * {@return the number of layers of all groups}
	 */
	public int layers() {
		return this.groups.length;
	}

	KvPrecision precision() {
		return this.precision;
	}

	String name(int layer) {
		return (layer < this.names.size()) ? this.names.get(layer) : "layer " + layer;
	}

	int count() {
		return this.all.size();
	}

	int group(int layer) {
		return this.groups[layer];
	}

	/**
	 * {@return the group of a layer's newest positions, or {@link KvPages#NONE}}
	 */
	int recentGroup(int layer) {
		return (this.all.getLast().recent() && this.groups[layer] == 0) ? this.all.size() - 1 : KvPages.NONE;
	}

	/**
	 * {@return whether a group holds only the newest positions, which another holds too}
	 */
	boolean isRecent(int group) {
		return this.all.get(group).recent();
	}

	KvPages.Format format(int group) {
		return this.all.get(group).format();
	}

	/**
	 * {@return index of a layer in its groups}
	 */
	int index(int layer) {
		return this.indices[layer];
	}

	/**
	 * {@return layers of a group}
	 */
	int size(int group) {
		return this.all.get(group).size();
	}

	/**
	 * The first position that tokens from a position on read.
	 * @param group index of the group
	 * @param position of the first of these tokens
	 * @return the position
	 */
	int firstVisible(int group, int position) {
		if (isRecent(group)) {
			return KvPages.firstRecent(position, this.precision.window());
		}
		int window = this.all.get(group).window();
		return (window > 0) ? Math.max(0, position - window + 1) : 0;
	}

	/**
	 * A group.
	 *
	 * @param window positions that a token attends to; 0: all before it
	 * @param size number of layers
	 * @param format of their numbers
	 * @param recent whether it holds only the newest positions
	 */
	private record Group(int window, int size, KvPages.Format format, boolean recent) {

	}

}
