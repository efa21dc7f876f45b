package io.github.flashspring.engine.residency;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.Quantization;
import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.Tensor;

/**
 * Which tensors of a checkpoint make up each weight of each unit, checked against what
 * the model code expects.
 */
public final class WeightLayout {

	private final Checkpoint checkpoint;

	private final List<Unit> units;

	private final Unit embedding;

	private WeightLayout(Checkpoint checkpoint, List<Unit> units, Unit embedding) {
		this.checkpoint = checkpoint;
		this.units = units;
		this.embedding = embedding;
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
	public static WeightLayout of(Checkpoint checkpoint, List<WeightUnit> units, WeightUnit embedding,
			List<String> ignored) {
		Set<String> used = new HashSet<>();
		List<Unit> found = new ArrayList<>();
		for (WeightUnit unit : units) {
			found.add(unit(checkpoint, unit, used));
		}
		Unit table = unit(checkpoint, embedding, used);
		checkpoint.requireNoSurplus(used, (name) -> ignored.stream().anyMatch(name::endsWith));
		return new WeightLayout(checkpoint, found, table);
	}

	private static Unit unit(Checkpoint checkpoint, WeightUnit unit, Set<String> used) {
		List<Weight> weights = unit.parameters().stream().map((parameter) -> weight(checkpoint, parameter)).toList();
		weights.forEach((weight) -> weight.parts().forEach((part) -> used.add(part.name())));
		return new Unit(unit.name(), weights, unit.onDemand());
	}

	private static Weight weight(Checkpoint checkpoint, Parameter parameter) {
		if (parameter.vector()) {
			return new Weight(parameter, dense(checkpoint, parameter), null, null, null);
		}
		String module = parameter.module();
		Quantization quantization = checkpoint.quantization(module).orElse(null);
		if (quantization == null) {
			return new Weight(parameter, dense(checkpoint, parameter), null, null, null);
		}
		TensorInfo codes = parameter.find(checkpoint, parameter.name(),
				(long) parameter.columns() * quantization.bits() / 32);
		long groups = parameter.columns() / quantization.groupSize();
		TensorInfo scales = parameter.find(checkpoint, module + ".scales", groups);
		TensorInfo biases = parameter.find(checkpoint, module + ".biases", groups);
		return new Weight(parameter, codes, scales, biases, quantization);
	}

	private static TensorInfo dense(Checkpoint checkpoint, Parameter parameter) {
		TensorInfo tensor = parameter.find(checkpoint, parameter.name(), parameter.columns());
		if (!tensor.dtype().isPlainFloat()) {
			throw new CheckpointException(
					"The tensor '" + tensor.name() + "' of " + tensor.file() + ": expected F32, F16 or BF16, found "
							+ tensor.dtype() + ".",
					"Check that config.json belongs to these weights, or convert the model again.");
		}
		return tensor;
	}

	Checkpoint checkpoint() {
		return this.checkpoint;
	}

	List<Unit> units() {
		return this.units;
	}

	Unit embedding() {
		return this.embedding;
	}

	/**
	 * Index of the unit that also holds the embedding, when the head is tied to it.
	 * @return index, or -1
	 */
	int tiedUnit() {
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
	Weight table() {
		return this.embedding.weights().getFirst();
	}

	/**
	 * Bytes of one row of the embedding.
	 * @return bytes of codes, scales and biases
	 */
	long embeddingRowBytes() {
		return table().parts().stream().mapToLong(Weight::rowBytes).sum();
	}

	/**
	 * Bytes of all vectors of all units, which are always in memory.
	 * @return bytes, each vector aligned
	 */
	long vectorBytes() {
		return this.units.stream()
			.flatMap((unit) -> unit.weights().stream())
			.filter((weight) -> weight.parameter().vector())
			.mapToLong((weight) -> alignVector(weight.codes().byteSize()))
			.sum();
	}

	static long alignVector(long bytes) {
		return (bytes + 63) & -64;
	}

	/**
	 * The weights of a part of the model.
	 *
	 * @param name for people
	 * @param weights in the order of their parameters
	 * @param onDemand whether it is read only when a pass asks for it
	 */
	record Unit(String name, List<Weight> weights, boolean onDemand) {

		/**
		 * Size in the files.
		 * @return bytes
		 */
		long bytes() {
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
	record Weight(Parameter parameter, TensorInfo codes, @Nullable TensorInfo scales, @Nullable TensorInfo biases,
			@Nullable Quantization quantization) {

		List<TensorInfo> parts() {
			return Stream.of(this.codes, this.scales, this.biases).filter(Objects::nonNull).toList();
		}

		/**
		 * Bytes of one row of a part.
		 * @param part one of {@link #parts()}
		 * @return bytes
		 */
		static long rowBytes(TensorInfo part) {
			return part.byteSize() / part.dimension(0);
		}

		/**
		 * The weight as the device sees it.
		 * @param locator gives each part's place in memory
		 * @return the matrix
		 */
		Matrix matrix(Function<TensorInfo, Tensor> locator) {
			Tensor first = locator.apply(this.codes);
			if (this.scales == null || this.quantization == null) {
				return new Matrix.Dense(first);
			}
			return new Matrix.Quantized(first, locator.apply(this.scales),
					(this.biases != null) ? locator.apply(this.biases) : null, this.quantization);
		}

	}

}
