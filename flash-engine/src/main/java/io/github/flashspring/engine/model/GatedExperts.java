package io.github.flashspring.engine.model;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.residency.Parameter;
import io.github.flashspring.engine.residency.WeightUnit;

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
record GatedExperts(Decoder decoder, String module, int count, FeedForward.Shape shape, Names own, Names stacked) {

	/**
	 * Experts with the usual names.
	 * @param decoder the model
	 * @param module name of the mixture
	 * @param count number of experts
	 * @param shape sizes and activation
	 * @return the experts
	 */
	static GatedExperts of(Decoder decoder, String module, int count, FeedForward.Shape shape) {
		return new GatedExperts(decoder, module, count, shape, Names.USUAL, Names.USUAL);
	}

	/**
	 * Declares an expert.
	 * @param layer index of the layer
	 * @param unit gets the weights
	 * @param index of the expert
	 * @return what it computes
	 */
	FeedForward create(int layer, WeightUnit unit, int index) {
		String common = this.module + ".switch_mlp.";
		boolean inCommon = this.decoder.source()
			.has(this.decoder.layerPrefix(layer) + common + this.stacked.down() + ".weight");
		int hidden = this.shape.hidden();
		int intermediate = this.shape.intermediate();
		Names names = inCommon ? this.stacked : this.own;
		String prefix = this.module + ".experts." + index + ".";
		Linear gate = null;
		if (this.shape.gated()) {
			gate = linear(unit, inCommon, names.gate(), prefix + this.own.gate(), index, intermediate, hidden);
		}
		Linear up = linear(unit, inCommon, names.up(), prefix + this.own.up(), index, intermediate, hidden);
		Linear down = linear(unit, inCommon, names.down(), prefix + this.own.down(), index, hidden, intermediate);
		return new FeedForward(gate, up, down, this.shape.activation(),
				this.decoder.feedForward(this.shape.gated(), intermediate));
	}

	private Linear linear(WeightUnit unit, boolean inCommon, String name, String apart, int index, int outputs,
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
