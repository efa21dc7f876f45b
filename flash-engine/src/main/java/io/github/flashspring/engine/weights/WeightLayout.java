package io.github.flashspring.engine.weights;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.Quantization;
import io.github.flashspring.engine.checkpoint.QuantizedTensors;
import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.device.Workload;

/**
 * Which tensors of a checkpoint make up each weight of each unit, checked against what
 * the model code expects.
 */
public final class WeightLayout {

	private final Checkpoint checkpoint;

	private final List<Unit> units;

	private final Unit embedding;

	private final List<Part> parts;

	private WeightLayout(Checkpoint checkpoint, List<Unit> units, Unit embedding) {
		this.checkpoint = checkpoint;
		this.units = units;
		this.embedding = embedding;
		this.parts = parts(units, embedding, tiedUnit() >= 0);
	}

	/**
	 * Finds the tensors of the units.
	 * @param checkpoint the files
	 * @param units the parts of a pass, in order
	 * @param embedding unit with the token embedding as its only matrix; a tied head has
	 * the same tensor in one of {@code units}
	 * @param ignored ends of names of tensors that a checkpoint may hold although the
	 * model does not use them
	 * @return the layout
	 * @throws CheckpointException if a tensor is missing, has another shape or type than
	 * expected, or belongs to no unit
	 */
	public static WeightLayout of(Checkpoint checkpoint, List<WeightGroup> units, WeightGroup embedding,
			List<String> ignored) {
		Set<String> used = new HashSet<>();
		List<Unit> found = new ArrayList<>();
		for (WeightGroup unit : units) {
			found.add(unit(checkpoint, unit, used));
		}
		Unit table = unit(checkpoint, embedding, used);
		checkpoint.requireNoSurplus(used, (name) -> ignored.stream().anyMatch(name::endsWith));
		return new WeightLayout(checkpoint, found, table);
	}

	private static Unit unit(Checkpoint checkpoint, WeightGroup unit, Set<String> used) {
		List<Weight> weights = unit.parameters().stream().map((parameter) -> weight(checkpoint, parameter)).toList();
		weights.forEach((weight) -> weight.parts().forEach((part) -> used.add(part.name())));
		return new Unit(unit.name(), weights, unit.onDemand(), unit.share());
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

	public List<Unit> units() {
		return this.units;
	}

	public Unit embedding() {
		return this.embedding;
	}

	/**
	 * What people see as parts of the model: every unit is one, but the experts of a
	 * layer are one together. The last is the embedding, unless it is tied to a unit.
	 * @return the parts in the order of a pass
	 */
	public List<Part> parts() {
		return this.parts;
	}

	private static List<Part> parts(List<Unit> units, Unit embedding, boolean tied) {
		List<Part> parts = new ArrayList<>();
		int from = 0;
		while (from < units.size()) {
			Unit unit = units.get(from);
			int to = from + 1;
			while (unit.onDemand() && to < units.size() && units.get(to).onDemand()) {
				to++;
			}
			String name = unit.onDemand() ? parts.getLast().name() + ".experts" : unit.name();
			parts.add(new Part(name, from, to, unit.onDemand(), unit.share()));
			from = to;
		}
		if (!tied) {
			parts.add(new Part(embedding.name(), from, from + 1, false, 1));
		}
		return List.copyOf(parts);
	}

	/**
	 * From units to what people see.
	 * @return index of the part by index of the unit, the embedding's as the last
	 */
	public int[] partsOfUnits() {
		int[] found = new int[this.units.size() + 1];
		for (int i = 0; i < this.parts.size(); i++) {
			Arrays.fill(found, this.parts.get(i).from(), this.parts.get(i).to(), i);
		}
		return found;
	}

	/**
	 * From units to those that a pass computes one after the other: experts belong to the
	 * layer before them.
	 * @return index by index of the unit; the embedding's, as the last, is -1
	 */
	public int[] layersOfUnits() {
		int[] found = new int[this.units.size() + 1];
		int layer = -1;
		for (int i = 0; i < this.units.size(); i++) {
			layer += this.units.get(i).onDemand() ? 0 : 1;
			found[i] = layer;
		}
		found[this.units.size()] = -1;
		return found;
	}

	/**
	 * Index of the unit that also holds the embedding, when the head is tied to it.
	 * @return index, or -1
	 */
	public int tiedUnit() {
		String table = this.embedding.weights().getFirst().codes().name();
		for (int i = 0; i < this.units.size(); i++) {
			for (Weight weight : this.units.get(i).weights()) {
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
		return this.units.stream()
			.flatMap((unit) -> unit.weights().stream())
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
		return this.units.stream()
			.flatMap((unit) -> unit.weights().stream())
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
	 * Bytes of all vectors of all units, which are always in memory.
	 * @return bytes, each vector aligned
	 */
	public long vectorBytes() {
		return this.units.stream()
			.flatMap((unit) -> unit.weights().stream())
			.filter((weight) -> weight.parameter().vector())
			.mapToLong((weight) -> alignVector(weight.codes().byteSize()))
			.sum();
	}

	public static long alignVector(long bytes) {
		return (bytes + 63) & -64;
	}

	/**
	 * A part of the model as people see it.
	 *
	 * @param name such as {@code layers.3} or {@code layers.3.experts}
	 * @param from its first unit
	 * @param to behind its last unit
	 * @param experts whether its units are read only when a pass asks for them
	 * @param share share of the tokens that need one of its units, if all are alike
	 */
	public record Part(String name, int from, int to, boolean experts, double share) {

	}

	/**
	 * The weights of a unit of the model.
	 *
	 * @param name for people
	 * @param weights in the order of their parameters
	 * @param onDemand whether it is read only when a pass asks for it
	 * @param share share of the tokens that need it, if all on demand are alike
	 */
	public record Unit(String name, List<Weight> weights, boolean onDemand, double share) {

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

	/**
	 * A weight.
	 *
	 * @param parameter what the model code asked for
	 * @param codes its values, or their codes when quantised
	 * @param scales null when not quantised
	 * @param biases null when not quantised
	 * @param quantization null when not quantised
	 */
	public record Weight(Parameter parameter, TensorInfo codes, @Nullable TensorInfo scales,
			@Nullable TensorInfo biases, @Nullable Quantization quantization) {

		Workload.Linear linear() {
			return new Workload.Linear(this.parameter.columns(), this.codes.dtype(), this.quantization,
					(this.scales != null) ? this.scales.dtype() : null);
		}

		public List<TensorInfo> parts() {
			return Stream.of(this.codes, this.scales, this.biases).filter(Objects::nonNull).toList();
		}

		/**
		 * Bytes of one row of a part.
		 * @param part one of {@link #parts()}
		 * @return bytes
		 */
		public static long rowBytes(TensorInfo part) {
			return part.byteSize() / part.dimension(0);
		}

		/**
		 * Which row of a part belongs to a row of the weight: another one only for scales
		 * that several rows share.
		 * @param part one of {@link #parts()}
		 * @param row row of the weight
		 * @return row of the part
		 */
		public long rowOf(TensorInfo part, int row) {
			return shared(part) ? (skippedRows() + row) / groupRows() : row;
		}

		/**
		 * Number of rows of a part that belong to rows of the weight.
		 * @param part one of {@link #parts()}
		 * @param from first row of the weight
		 * @param count number of rows of the weight
		 * @return number of rows of the part
		 */
		public int rowsOf(TensorInfo part, int from, int count) {
			return Math.toIntExact(rowOf(part, from + count - 1) - rowOf(part, from) + 1);
		}

		private boolean shared(TensorInfo part) {
			return groupRows() > 1 && part.equals(this.scales);
		}

		private int groupRows() {
			return (this.quantization != null) ? this.quantization.groupRows() : 1;
		}

		/** Rows before the first one that share their scales with it. */
		private int skippedRows() {
			return (int) (this.parameter.firstRow() % groupRows());
		}

		/**
		 * Some rows of the weight as the device sees them.
		 * @param firstRow the first of them
		 * @param locator gives each part's place in memory
		 * @return the matrix
		 */
		public Matrix matrix(int firstRow, Function<TensorInfo, Tensor> locator) {
			Tensor first = locator.apply(this.codes);
			if (this.scales == null || this.quantization == null) {
				return new Matrix.Dense(first);
			}
			return new Matrix.Quantized(first, locator.apply(this.scales),
					(this.biases != null) ? locator.apply(this.biases) : null, this.quantization,
					(skippedRows() + firstRow) % groupRows());
		}

		/**
		 * Rows of the weight that do not lie together, each with scales of its own.
		 * @param locator gives each part's place in memory, with a row for each row
		 * @return the matrix
		 */
		public Matrix separateRows(Function<TensorInfo, Tensor> locator) {
			if (this.quantization == null || groupRows() == 1) {
				return matrix(0, locator);
			}
			Quantization single = new Quantization(this.quantization.mode(), this.quantization.bits(),
					this.quantization.groupSize());
			return new Matrix.Quantized(locator.apply(this.codes), locator.apply(Objects.requireNonNull(this.scales)),
					null, single, 0);
		}

	}

}
