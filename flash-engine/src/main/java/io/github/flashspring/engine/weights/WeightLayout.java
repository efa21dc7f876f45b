package io.github.flashspring.engine.weights;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.Quantization;
import io.github.flashspring.engine.checkpoint.QuantizedTensors;
import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.device.Workload;
import io.github.flashspring.engine.weights.WeightGroup.Kind;

/**
 * Which tensors of a checkpoint make up each weight of each group, checked against what
 * the model code expects.
 */
public final class WeightLayout {

	private final Checkpoint checkpoint;

	private final List<Group> groups;

	private final Group embedding;

	private final List<Part> parts;

	private WeightLayout(Checkpoint checkpoint, List<Group> groups, Group embedding) {
		this.checkpoint = checkpoint;
		this.groups = groups;
		this.embedding = embedding;
		this.parts = parts(groups, embedding, tiedGroup() >= 0);
	}

	/**
	 * Finds the tensors of the groups.
	 * @param checkpoint the files
	 * @param groups the parts of a pass, in order
	 * @param embedding group with the token embedding as its only matrix; a tied head has
	 * the same tensor in one of {@code groups}
	 * @param ignored ends of names of tensors that a checkpoint may hold although the
	 * model does not use them
	 * @return the layout
	 * @throws CheckpointException if a tensor is missing, has another shape or type than
	 * expected, or belongs to no group
	 */
	public static WeightLayout of(Checkpoint checkpoint, List<WeightGroup> groups, WeightGroup embedding,
			List<String> ignored) {
		Set<String> used = new HashSet<>();
		List<Group> found = new ArrayList<>();
		for (WeightGroup group : groups) {
			found.add(group(checkpoint, group, used));
		}
		Group table = group(checkpoint, embedding, used);
		checkpoint.requireNoSurplus(used, (name) -> ignored.stream().anyMatch(name::endsWith));
		return new WeightLayout(checkpoint, found, table);
	}

	private static Group group(Checkpoint checkpoint, WeightGroup group, Set<String> used) {
		List<Weight> weights = group.parameters().stream().map((parameter) -> weight(checkpoint, parameter)).toList();
		weights.forEach((weight) -> weight.parts().forEach((part) -> used.add(part.name())));
		return new Group(group.name(), weights, group.kind(), group.share());
	}

	private static Weight weight(Checkpoint checkpoint, Parameter parameter) {
		if (!parameter.vector()) {
			QuantizedTensors tensors = checkpoint.quantized(parameter.module()).orElse(null);
			if (tensors != null) {
				return quantized(parameter, tensors);
			}
		}
		TensorInfo tensor = parameter.find(checkpoint);
		if (!tensor.dtype().isPlainFloat()) {
			throw new CheckpointException(
					"The tensor '" + tensor.name() + "' of " + tensor.file() + ": expected F32, F16 or BF16, found "
							+ tensor.dtype() + ".",
					"Check that config.json belongs to these weights, or convert the model again.");
		}
		return new Weight(parameter, tensor, null, null, null);
	}

	private static Weight quantized(Parameter parameter, QuantizedTensors tensors) {
		TensorInfo codes = tensors.codes();
		long[] found = codes.shape();
		found[found.length - 1] = tensors.columns();
		if (!Arrays.equals(found, parameter.shape())) {
			throw new CheckpointException(
					"Tensor '" + codes.name() + "' of " + codes.file() + ", " + tensors.quantization()
							+ ": expected codes of the shape " + Arrays.toString(parameter.shape())
							+ " by config.json, found " + Arrays.toString(found) + ".",
					"Check that config.json belongs to these weights.");
		}
		Quantization quantization = tensors.quantization();
		long first = parameter.firstRow();
		int groupRows = quantization.groupRows();
		int skipped = (int) (first % groupRows);
		long groups = Math.ceilDiv(skipped + parameter.rows(), groupRows);
		TensorInfo biases = tensors.biases();
		return new Weight(parameter, rows(codes, first, parameter.rows()),
				rows(tensors.scales(), first / groupRows, groups),
				(biases != null) ? rows(biases, first, parameter.rows()) : null, quantization);
	}

	/** Some rows of a tensor, whatever its dimensions but the last. */
	private static TensorInfo rows(TensorInfo tensor, long from, long count) {
		long width = tensor.dimension(tensor.rank() - 1);
		return tensor.part(from * width, count, width);
	}

	public Checkpoint checkpoint() {
		return this.checkpoint;
	}

	public List<Group> groups() {
		return this.groups;
	}

	public Group embedding() {
		return this.embedding;
	}

	/**
	 * Parts of the model in reports: every group is one, but the experts of a layer are
	 * one together. The last is the embedding, unless it is tied to a group.
	 * @return the parts in the order of a pass
	 */
	public List<Part> parts() {
		return this.parts;
	}

	private static List<Part> parts(List<Group> groups, Group embedding, boolean tied) {
		List<Part> parts = new ArrayList<>();
		int from = 0;
		while (from < groups.size()) {
			Group group = groups.get(from);
			int to = from + 1;
			while (group.onDemand() && to < groups.size() && groups.get(to).onDemand()) {
				to++;
			}
			String name = group.onDemand() ? parts.getLast().name() + ".experts" : group.name();
			parts.add(new Part(name, from, to, group.onDemand(), group.share()));
			from = to;
		}
		if (!tied) {
			parts.add(new Part(embedding.name(), from, from + 1, false, 1));
		}
		return List.copyOf(parts);
	}

	/**
	 * From groups to parts.
	 * @return index of the part by index of the group, the embedding's as the last
	 */
	public int[] partsOfGroups() {
		int[] found = new int[this.groups.size() + 1];
		for (int i = 0; i < this.parts.size(); i++) {
			Arrays.fill(found, this.parts.get(i).from(), this.parts.get(i).to(), i);
		}
		return found;
	}

	/**
	 * From groups to those that a pass computes one after the other: experts belong to
	 * the layer before them.
	 * @return index by index of the group; the embedding's, as the last, is -1
	 */
	public int[] layersOfGroups() {
		int[] found = new int[this.groups.size() + 1];
		int layer = -1;
		for (int i = 0; i < this.groups.size(); i++) {
			layer += this.groups.get(i).onDemand() ? 0 : 1;
			found[i] = layer;
		}
		found[this.groups.size()] = -1;
		return found;
	}

	/**
	 * {@return number of layers, the head among them, that a pass computes}
	 */
	public int layers() {
		return (int) this.groups.stream().filter((group) -> !group.onDemand()).count();
	}

	/**
	 * Index of the group that also holds the embedding, when the head is tied to it.
	 * @return index, or -1
	 */
	public int tiedGroup() {
		String table = this.embedding.weights().getFirst().codes().name();
		for (int i = 0; i < this.groups.size(); i++) {
			for (Weight weight : this.groups.get(i).weights()) {
				if (weight.codes().name().equals(table)) {
					return i;
				}
			}
		}
		return -1;
	}

	/**
	 * The token embedding.
	 * @return its table
	 */
	public Weight table() {
		return this.embedding.weights().getFirst();
	}

	/**
	 * How linear layers are stored.
	 * @return formats and widths, in the order of a pass
	 */
	public Set<Workload.Linear> linears() {
		return this.groups.stream()
			.flatMap((group) -> group.weights().stream())
			.filter((weight) -> !weight.parameter().vector())
			.map(Weight::linear)
			.collect(Collectors.toCollection(LinkedHashSet::new));
	}

	/**
	 * How the token embedding is stored.
	 * @return its format and width
	 */
	public Workload.Linear tableFormat() {
		return table().linear();
	}

	/**
	 * Type of the model's vectors, such as the weights of norms.
	 * @return the type of the first
	 */
	public DType vectorType() {
		return this.groups.stream()
			.flatMap((group) -> group.weights().stream())
			.filter((weight) -> weight.parameter().vector())
			.map((weight) -> weight.codes().dtype())
			.findFirst()
			.orElse(DType.F32);
	}

	/**
	 * Bytes of one row of the embedding.
	 * @return bytes of codes, scales and biases
	 */
	public long embeddingRowBytes() {
		return table().parts().stream().mapToLong(Weight::rowBytes).sum();
	}

	/**
	 * Bytes of all vectors of all groups, which are always in memory.
	 * @return bytes, each vector aligned
	 */
	public long vectorBytes() {
		return this.groups.stream()
			.flatMap((group) -> group.weights().stream())
			.filter((weight) -> weight.parameter().vector())
			.mapToLong((weight) -> alignVector(weight.codes().byteSize()))
			.sum();
	}

	public static long alignVector(long bytes) {
		return (bytes + 63) & -64;
	}

	/**
	 * A part of the model in reports.
	 *
	 * @param name such as {@code layers.3} or {@code layers.3.experts}
	 * @param from its first group
	 * @param to behind its last group
	 * @param experts whether its groups are read only when a pass asks for them
	 * @param share share of the tokens that need one of its groups, if all are alike
	 */
	public record Part(String name, int from, int to, boolean experts, double share) {

	}

	/**
	 * The weights of a group of the model.
	 *
	 * @param name human-readable
	 * @param weights in the order of their parameters
	 * @param kind what it is for
	 * @param share share of the tokens that need it, if all on demand are alike
	 */
	public record Group(String name, List<Weight> weights, Kind kind, double share) {

		/**
		 * {@return whether it is read only when a pass asks for it}
		 */
		public boolean onDemand() {
			return this.kind == Kind.EXPERT;
		}

		/**
		 * Size in the files.
		 * @return bytes
		 */
		public long bytes() {
			return this.weights.stream()
				.flatMap((weight) -> weight.parts().stream())
				.mapToLong(TensorInfo::byteSize)
				.sum();
		}

	}

}
