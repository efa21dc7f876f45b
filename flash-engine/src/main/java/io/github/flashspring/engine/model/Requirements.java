package io.github.flashspring.engine.model;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

import io.github.flashspring.engine.cache.KvPrecision;
import io.github.flashspring.engine.cache.LayerGroups;
import io.github.flashspring.engine.device.Workload;

/**
 * What the layers of a model need of the device and of the memory of a sequence, noted
 * while they are defined.
 */
final class Requirements {

	private final Set<Workload.Step> steps = new LinkedHashSet<>();

	/** Sliding window of each layer that has keys and values; 0: none. */
	private final List<Integer> windows = new ArrayList<>();

	private final List<String> names = new ArrayList<>();

	private long stateFloats;

	private int widest;

	/**
	 * Notes the width of an input of a linear layer.
	 * @param columns inputs, or length of a query
	 */
	void widen(int columns) {
		this.widest = Math.max(this.widest, columns);
	}

	/**
	 * Notes an operation that other models may not use.
	 * @param step the operation
	 */
	void uses(Workload.Step step) {
		this.steps.add(step);
	}

	/**
	 * Adds a layer that has keys and values.
	 * @param name of the layer, for messages
	 * @param window positions that a token attends to; 0: all
	 * @return its index among these layers
	 */
	int nextKeyValueLayer(String name, int window) {
		this.names.add(name);
		this.windows.add(window);
		return this.windows.size() - 1;
	}

	/**
	 * Takes a part of the state of a sequence.
	 * @param floats numbers that a layer needs
	 * @return where they begin
	 */
	long nextState(long floats) {
		long offset = this.stateFloats;
		this.stateFloats += (floats + 15) & -16;
		return offset;
	}

	Set<Workload.Step> steps() {
		return this.steps;
	}

	int keyValueLayers() {
		return this.windows.size();
	}

	/**
	 * The layers that have keys and values, by the positions that they attend to.
	 * @param precision how these are kept
	 * @return the groups
	 */
	LayerGroups layerGroups(KvPrecision precision) {
		return LayerGroups.of(precision, this.windows.stream().mapToInt(Integer::intValue).toArray()).named(this.names);
	}

	long stateFloats() {
		return this.stateFloats;
	}

	int widest() {
		return this.widest;
	}

}
