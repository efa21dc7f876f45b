package io.github.flashspring.engine.residency;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SequencedMap;
import java.util.TreeMap;

import io.github.flashspring.engine.checkpoint.TensorInfo;

/**
 * The order in which a file should hold the tensors of a model so that streaming reads it
 * in few long stretches: as a pass uses them, each from the beginning of a page, and the
 * tensors of an expert together. Matrices of experts that a checkpoint stacks in one
 * tensor get tensors of their own.
 *
 * @param tensors what to write, in order
 * @param modules for each stacked module that was taken apart, the modules it became
 */
record FileOrder(List<Placed> tensors, Map<String, List<String>> modules) {

	/**
	 * Orders the tensors of a model.
	 * @param layout the weights
	 * @return all tensors of the checkpoint, also those that the model does not use, at
	 * the end
	 */
	static FileOrder of(WeightLayout layout) {
		Map<String, TensorInfo> whole = layout.checkpoint().tensors();
		SequencedMap<String, Placed> placed = new LinkedHashMap<>();
		Map<String, Set<String>> modules = new TreeMap<>();
		Set<String> taken = new HashSet<>();
		List<WeightLayout.Unit> units = new ArrayList<>();
		units.add(layout.embedding());
		units.addAll(layout.units());
		for (WeightLayout.Unit unit : units) {
			boolean first = true;
			for (WeightLayout.Weight weight : unit.weights()) {
				String apart = weight.parameter().apart();
				for (TensorInfo part : weight.parts()) {
					TensorInfo source = (apart != null) ? part : whole.get(part.name());
					String name = (apart != null) ? apart + end(part.name()) : part.name();
					if (source == null || placed.containsKey(name)) {
						continue;
					}
					placed.put(name, new Placed(name, source, first || !unit.onDemand()));
					taken.add(part.name());
					first = false;
					if (apart != null) {
						modules.computeIfAbsent(module(part.name()), (key) -> new LinkedHashSet<>()).add(apart);
					}
				}
			}
		}
		for (TensorInfo tensor : whole.values()) {
			if (!taken.contains(tensor.name())) {
				placed.put(tensor.name(), new Placed(tensor.name(), tensor, true));
			}
		}
		Map<String, List<String>> lists = new HashMap<>();
		modules.forEach((module, parts) -> lists.put(module, List.copyOf(parts)));
		return new FileOrder(List.copyOf(placed.values()), Map.copyOf(lists));
	}

	private static String end(String tensor) {
		return tensor.substring(tensor.lastIndexOf('.'));
	}

	private static String module(String tensor) {
		return tensor.substring(0, tensor.lastIndexOf('.'));
	}

	/**
	 * A tensor to write.
	 *
	 * @param name its name
	 * @param source where it lies now
	 * @param page whether it begins a page; else it follows the one before
	 */
	record Placed(String name, TensorInfo source, boolean page) {

	}

}
