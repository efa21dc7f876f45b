package io.github.flashspring.engine.cache;

import java.util.Arrays;

/**
 * The layers that have keys and values, in groups by the positions they attend to. All
 * layers of a group share a page table; a group with a sliding window needs no pages
 * behind it.
 */
public final class LayerGroups {

	private final int[] groups;

	private final int[] indices;

	private final int[] windows;

	private final int[] sizes;

	private LayerGroups(int[] layerWindows) {
		this.windows = Arrays.stream(layerWindows).distinct().sorted().toArray();
		this.groups = new int[layerWindows.length];
		this.indices = new int[layerWindows.length];
		this.sizes = new int[this.windows.length];
		for (int layer = 0; layer < layerWindows.length; layer++) {
			int group = Arrays.binarySearch(this.windows, layerWindows[layer]);
			this.groups[layer] = group;
			this.indices[layer] = this.sizes[group]++;
		}
	}

	/**
	 * Groups layers.
	 * @param windows for each layer how many positions a token attends to, itself the
	 * last; 0: all before it
	 * @return the groups
	 */
	public static LayerGroups of(int... windows) {
		return new LayerGroups(windows);
	}

	/**
	 * Layers that attend to all positions.
	 * @param layers how many
	 * @return one group, or none without layers
	 */
	public static LayerGroups full(int layers) {
		return new LayerGroups(new int[layers]);
	}

	/**
	 * {@return the number of layers of all groups}
	 */
	public int layers() {
		return this.groups.length;
	}

	int count() {
		return this.windows.length;
	}

	int group(int layer) {
		return this.groups[layer];
	}

	/**
	 * {@return index of a layer in its group}
	 */
	int index(int layer) {
		return this.indices[layer];
	}

	/**
	 * {@return layers of a group}
	 */
	int size(int group) {
		return this.sizes[group];
	}

	/**
	 * The first position that tokens from a position on attend to.
	 * @param group index of the group
	 * @param position of the first of these tokens
	 * @return the position
	 */
	int firstVisible(int group, int position) {
		int window = this.windows[group];
		return (window > 0) ? Math.max(0, position - window + 1) : 0;
	}

}
