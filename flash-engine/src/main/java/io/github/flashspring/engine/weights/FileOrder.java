package io.github.flashspring.engine.weights;

import java.util.ArrayList;
import java.util.Comparator;
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
 * in few long ranges: as a pass uses them, each from the beginning of a page, and the
 * tensors of an expert together. Matrices of experts that a checkpoint stacks in one
 * tensor get tensors of their own.
 *
 * @param tensors what to write, in order
 * @param modules for each stacked module that was taken apart, the modules it became
 */
record FileOrder(List<Placed> tensors, Map<String, List<String>> modules) {

	/** Bytes of a group of OpenAI's blocks, which is a dimension of its own. */
	private static final int BLOCK_BYTES = 16;

	/**
	 * Orders the tensors of a model.
	 * @param layout the weights
	 * @param compatible whether tensors keep their names and need no padding, for
	 * programs that refuse names that they do not know: stacked experts stay stacked, and
	 * tensors that do not fill whole pages come last, packed
	 * @return all tensors of the checkpoint, also those that the model does not use, at
	 * the end
	 */
	static FileOrder of(WeightLayout layout, boolean compatible) {
		return compatible ? compatible(layout) : apart(layout);
	}

	/** As it streams best. */
	private static FileOrder apart(WeightLayout layout) {
		Map<String, TensorInfo> whole = layout.checkpoint().tensors();
		SequencedMap<String, Placed> placed = new LinkedHashMap<>();
		Map<String, Set<String>> modules = new TreeMap<>();
		Set<String> taken = new HashSet<>();
		for (WeightLayout.Group group : groups(layout)) {
			boolean first = true;
			for (Weight weight : group.weights()) {
				String apart = weight.parameter().apart();
				for (TensorInfo part : weight.parts()) {
					String end = (apart != null) ? end(part.name(), apart) : "";
					TensorInfo source = (apart != null) ? own(part, end) : whole.get(part.name());
					String name = (apart != null) ? apart + end : part.name();
					if (source == null || placed.containsKey(name)) {
						continue;
					}
					placed.put(name, new Placed(name, source, first || !group.onDemand()));
					taken.add(part.name());
					first = false;
					if (apart != null) {
						String module = part.name().substring(0, part.name().length() - end.length());
						modules.computeIfAbsent(module, (key) -> new LinkedHashSet<>()).add(apart);
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

	private static List<WeightLayout.Group> groups(WeightLayout layout) {
		List<WeightLayout.Group> groups = new ArrayList<>();
		groups.add(layout.embedding());
		groups.addAll(layout.groups());
		return groups;
	}

	private static FileOrder compatible(WeightLayout layout) {
		Map<String, TensorInfo> whole = layout.checkpoint().tensors();
		Set<TensorInfo> order = new LinkedHashSet<>();
		for (WeightLayout.Group group : groups(layout)) {
			for (Weight weight : group.weights()) {
				weight.parts().forEach((part) -> order.add(whole.getOrDefault(part.name(), part)));
			}
		}
		order.addAll(whole.values());
		List<Placed> placed = new ArrayList<>();
		order.stream()
			.filter((tensor) -> tensor.byteSize() % Repacker.PAGE == 0)
			.forEach((tensor) -> placed.add(new Placed(tensor.name(), tensor, true)));
		// Wider numbers first, so that all are aligned without padding.
		order.stream()
			.filter((tensor) -> tensor.byteSize() % Repacker.PAGE != 0)
			.sorted(Comparator.comparingInt((TensorInfo tensor) -> tensor.dtype().bytes()).reversed())
			.forEach((tensor) -> placed.add(new Placed(tensor.name(), tensor, false)));
		return new FileOrder(List.copyOf(placed), Map.of());
	}

	/** What the name of a tensor says behind that of its module, or its like. */
	private static String end(String tensor, String apart) {
		String name = apart.substring(apart.lastIndexOf('.'));
		int found = tensor.lastIndexOf(name);
		return (found >= 0) ? tensor.substring(found + name.length()) : tensor.substring(tensor.lastIndexOf('.'));
	}

	/** An expert's share of a tensor, in the shape that it has in a tensor of its own. */
	private static TensorInfo own(TensorInfo part, String end) {
		return end.equals("_blocks") ? part.part(0, part.dimension(0), part.dimension(1) / BLOCK_BYTES, BLOCK_BYTES)
				: part;
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
