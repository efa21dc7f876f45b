package io.github.flashspring.engine.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.TensorInfo;

/**
 * Where MLPs that are experts have their weights: each expert in tensors of its own,
 * {@code experts.3.up_proj.weight}, or, as MLX converts them, all in stacked tensors,
 * {@code switch_mlp.up_proj.weight}.
 *
 * @param names of the architecture
 * @param module name of the MoE layer, such as {@code mlp}
 * @param own names of gate, up and down in tensors of their own
 * @param stacked names of gate, up and down in stacked tensors
 */
record ExpertNames(TensorNames names, String module, Matrices own, Matrices stacked) {

	/** Largest product of code and scale of nvfp4. */
	private static final float MAX_PRODUCT = 6f * 448f;

	ExpertNames(TensorNames names, String module) {
		this(names, module, Matrices.USUAL, Matrices.USUAL);
	}

	/**
	 * Declares the weights of an expert.
	 * @param expert gets them
	 * @param shape sizes and activation
	 * @return what it computes
	 */
	Mlp mlp(ExpertBuilder expert, Mlp.Shape shape) {
		Storage storage = this.names.has(expert.layer(), stack(this.stacked.down()) + ".weight") ? Storage.STACKED
				: Storage.OWN;
		int hidden = shape.hiddenSize();
		int intermediate = shape.intermediateSize();
		Matrix gate = new Matrix(this.own.gate(), this.stacked.gate(), intermediate, hidden);
		Matrix up = new Matrix(this.own.up(), this.stacked.up(), intermediate, hidden);
		Matrix down = new Matrix(this.own.down(), this.stacked.down(), hidden, intermediate);
		return new Mlp((shape.gate() == Mlp.Gate.GATED) ? linear(expert, gate, shape.bias(), storage) : null,
				linear(expert, up, shape.bias(), storage), linear(expert, down, shape.bias(), storage),
				shape.activation(), Mlp.Activations.ofExperts(expert.layer(), shape));
	}

	private Linear linear(ExpertBuilder expert, Matrix matrix, Bias bias, Storage storage) {
		String own = this.module + ".experts." + expert.index() + "." + matrix.own();
		String stack = stack(matrix.stacked());
		Linear linear = switch (storage) {
			case OWN -> Linear.of(expert.group(), own, matrix.outputs(), matrix.inputs(), bias);
			case STACKED -> new Linear(expert.group()
				.stacked(stack + ".weight", own, expert.count(), expert.index(), matrix.outputs(), matrix.inputs()),
					(bias == Bias.PRESENT)
							? expert.group()
								.stackedVector(stack + ".bias", own, expert.count(), expert.index(), matrix.outputs())
							: null);
		};
		return linear.times(factor(expert, stack, bias));
	}

	private String stack(String matrix) {
		return this.module + ".switch_mlp." + matrix;
	}

	/**
	 * MLX's nvfp4 may give each expert a scale beyond those of groups: the largest
	 * magnitude of its weights, which stands for the largest product of code and scale.
	 * Repacked models keep it although their experts have tensors of their own.
	 */
	private float factor(ExpertBuilder expert, String stack, Bias bias) {
		String tensor = this.names.layer(expert.layer().index()) + stack + ".global_scale";
		if (!this.names.has(tensor)) {
			return 1f;
		}
		Checkpoint checkpoint = this.names.checkpoint();
		TensorInfo scales = checkpoint.tensor(tensor, expert.count());
		float scale = Float.NaN;
		if (scales.dtype() == DType.F32) {
			ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
			checkpoint.read(scales, (long) expert.index() * Float.BYTES, bytes);
			scale = bytes.getFloat(0);
		}
		if (!(scale >= 0 && scale <= Float.MAX_VALUE) || bias == Bias.PRESENT) {
			throw new CheckpointException("The tensor '" + tensor + "' of " + scales.file()
					+ ": expected a F32 number that is finite, not negative, and for weights without biases; found "
					+ scales.dtype() + ", for expert " + expert.index() + " the value " + scale
					+ ((bias == Bias.PRESENT) ? ", and biases." : "."), "Convert the model without global_scale.");
		}
		if (expert.index() == 0) {
			this.names.ignore(tensor);
		}
		return scale / MAX_PRODUCT;
	}

	private enum Storage {

		OWN, STACKED

	}

	private record Matrix(String own, String stacked, int outputs, int inputs) {

	}

	/**
	 * Names of an expert's matrices.
	 *
	 * @param gate not used without a gate
	 * @param up the other input
	 * @param down the output
	 */
	record Matrices(String gate, String up, String down) {

		static final Matrices USUAL = new Matrices("gate_proj", "up_proj", "down_proj");

	}

}
