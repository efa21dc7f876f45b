package io.github.flashspring.engine.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.weights.Parameter;
import io.github.flashspring.engine.weights.WeightGroup;

/**
 * Feed-forward parts as experts, whichever way their weights are named: each with tensors
 * of its own, {@code experts.3.up_proj.weight}, or all in tensors of three dimensions,
 * {@code switch_mlp.up_proj.weight}.
 *
 * @param decoder the model
 * @param module name of the mixture, such as {@code mlp}
 * @param count number of experts
 * @param shape sizes and activation
 * @param own names of gate, up and down in tensors of their own
 * @param stacked names of gate, up and down in common tensors
 */
record GatedExperts(Decoder decoder, String module, int count, Mlp.Shape shape, Names own, Names stacked) {

	/** Of codes and scales of nvfp4. */
	private static final float MAX_PRODUCT = 6f * 448f;

	/**
	 * Experts with the usual names.
	 * @param decoder the model
	 * @param module name of the mixture
	 * @param count number of experts
	 * @param shape sizes and activation
	 * @return the experts
	 */
	static GatedExperts of(Decoder decoder, String module, int count, Mlp.Shape shape) {
		return new GatedExperts(decoder, module, count, shape, Names.USUAL, Names.USUAL);
	}

	/**
	 * Declares an expert.
	 * @param layer index of the layer
	 * @param unit gets the weights
	 * @param index of the expert
	 * @return what it computes
	 */
	Mlp create(int layer, WeightGroup unit, int index) {
		String common = this.module + ".switch_mlp.";
		boolean inCommon = this.decoder.source()
			.has(this.decoder.layerPrefix(layer) + common + this.stacked.down() + ".weight");
		int hidden = this.shape.hidden();
		int intermediate = this.shape.intermediate();
		Names names = inCommon ? this.stacked : this.own;
		String prefix = this.module + ".experts." + index + ".";
		Linear gate = null;
		if (this.shape.gated()) {
			gate = linear(unit, inCommon, names.gate(), prefix + this.own.gate(), index, intermediate, hidden)
				.times(factor(layer, this.stacked.gate(), index));
		}
		Linear up = linear(unit, inCommon, names.up(), prefix + this.own.up(), index, intermediate, hidden)
			.times(factor(layer, this.stacked.up(), index));
		Linear down = linear(unit, inCommon, names.down(), prefix + this.own.down(), index, hidden, intermediate)
			.times(factor(layer, this.stacked.down(), index));
		return new Mlp(gate, up, down, this.shape.activation(), this.decoder.experts(this.shape));
	}

	/**
	 * MLX's nvfp4 may give each expert a scale beyond those of groups: the largest
	 * magnitude of its weights, which stands for the largest product of code and scale.
	 */
	private float factor(int layer, String name, int index) {
		String tensor = this.decoder.layerPrefix(layer) + this.module + ".switch_mlp." + name + ".global_scale";
		if (!this.decoder.source().has(tensor)) {
			return 1f;
		}
		Checkpoint checkpoint = this.decoder.source().checkpoint();
		TensorInfo scales = checkpoint.tensor(tensor, this.count);
		float scale = Float.NaN;
		if (scales.dtype() == DType.F32) {
			ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
			checkpoint.read(scales, (long) index * Float.BYTES, bytes);
			scale = bytes.getFloat(0);
		}
		if (!(scale >= 0 && scale <= Float.MAX_VALUE) || this.shape.bias()) {
			throw new CheckpointException("The tensor '" + tensor + "' of " + scales.file()
					+ ": expected a F32 number that is finite, not negative, and for weights without biases; found "
					+ scales.dtype() + ", for expert " + index + " the value " + scale
					+ (this.shape.bias() ? ", and biases." : "."), "Convert the model without global_scale.");
		}
		if (index == 0) {
			this.decoder.ignore(tensor);
		}
		return scale / MAX_PRODUCT;
	}

	private Linear linear(WeightGroup unit, boolean inCommon, String name, String apart, int index, int outputs,
			int inputs) {
		@Nullable Parameter bias = null;
		if (inCommon) {
			String common = this.module + ".switch_mlp." + name;
			Parameter weight = unit.stacked(common + ".weight", apart, this.count, index, outputs, inputs);
			if (this.shape.bias()) {
				bias = unit.stackedVector(common + ".bias", apart, this.count, index, outputs);
			}
			return new Linear(weight, bias);
		}
		return Linear.of(unit, apart, outputs, inputs, this.shape.bias());
	}

	/**
	 * Names of an expert's matrices.
	 *
	 * @param gate not used without a gate
	 * @param up the other input
	 * @param down the output
	 */
	record Names(String gate, String up, String down) {

		static final Names USUAL = new Names("gate_proj", "up_proj", "down_proj");

	}

}
