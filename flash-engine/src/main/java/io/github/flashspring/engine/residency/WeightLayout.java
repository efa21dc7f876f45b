package io.github.flashspring.engine.residency;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

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

	/** Tensors start at multiples of this many bytes in a window. */
	private static final long ALIGNMENT = 64;

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
		List<Weight> weights = new ArrayList<>();
		long end = 0;
		for (Parameter parameter : unit.parameters()) {
			Weight weight = weight(checkpoint, parameter, end);
			weights.add(weight);
			for (Placed part : weight.parts()) {
				used.add(part.tensor().name());
				end = Math.max(end, align(part.offset() + part.tensor().byteSize()));
			}
		}
		return new Unit(unit.name(), end, List.copyOf(weights));
	}

	private static Weight weight(Checkpoint checkpoint, Parameter parameter, long offset) {
		if (parameter.vector()) {
			return new Weight(parameter, new Placed(dense(checkpoint, parameter), offset), null, null, null);
		}
		String module = parameter.module();
		Quantization quantization = checkpoint.quantization(module).orElse(null);
		if (quantization == null) {
			return new Weight(parameter, new Placed(dense(checkpoint, parameter), offset), null, null, null);
		}
		TensorInfo codes = parameter.find(checkpoint, parameter.name(),
				(long) parameter.columns() * quantization.bits() / 32);
		long groups = parameter.columns() / quantization.groupSize();
		TensorInfo scales = parameter.find(checkpoint, module + ".scales", groups);
		TensorInfo biases = parameter.find(checkpoint, module + ".biases", groups);
		long scalesOffset = align(offset + codes.byteSize());
		return new Weight(parameter, new Placed(codes, offset), new Placed(scales, scalesOffset),
				new Placed(biases, align(scalesOffset + scales.byteSize())), quantization);
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

	static long align(long offset) {
		return (offset + ALIGNMENT - 1) & -ALIGNMENT;
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
		String table = this.embedding.weights().getFirst().codes().tensor().name();
		for (int i = 0; i < this.units.size(); i++) {
			for (Weight weight : this.units.get(i).weights()) {
				if (weight.codes().tensor().name().equals(table)) {
					return i;
				}
			}
		}
		return -1;
	}

	/**
	 * Bytes of one row of the embedding.
	 * @return bytes of codes, scales and biases
	 */
	long embeddingRowBytes() {
		return this.embedding.weights()
			.getFirst()
			.parts()
			.stream()
			.mapToLong((part) -> align(part.tensor().byteSize() / part.tensor().shape()[0]))
			.sum();
	}

	/**
	 * A unit's weights in a window.
	 *
	 * @param name for people
	 * @param bytes size of the window it needs
	 * @param weights in the order of their parameters
	 */
	record Unit(String name, long bytes, List<Weight> weights) {

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
	record Weight(Parameter parameter, Placed codes, @Nullable Placed scales, @Nullable Placed biases,
			@Nullable Quantization quantization) {

		List<Placed> parts() {
			List<Placed> parts = new ArrayList<>(List.of(this.codes));
			if (this.scales != null) {
				parts.add(this.scales);
			}
			if (this.biases != null) {
				parts.add(this.biases);
			}
			return parts;
		}

		/**
		 * The weight as the device sees it.
		 * @param locator gives each part's place in memory
		 * @return the matrix
		 */
		Matrix matrix(Function<Placed, Tensor> locator) {
			Tensor first = locator.apply(this.codes);
			if (this.scales == null || this.quantization == null) {
				return new Matrix.Dense(first);
			}
			return new Matrix.Quantized(first, locator.apply(this.scales),
					(this.biases != null) ? locator.apply(this.biases) : null, this.quantization);
		}

	}

	/**
	 * A tensor and where it lies in its unit's window.
	 *
	 * @param tensor the tensor in its file
	 * @param offset offset in the window, in bytes
	 */
	record Placed(TensorInfo tensor, long offset) {

	}

}
