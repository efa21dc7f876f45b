package io.github.flashspring.engine.model;

import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.residency.WeightUnit;
import io.github.flashspring.engine.residency.Weights;

/**
 * Feed-forward part with a SiLU gate: {@code down(silu(gate(x)) · up(x))}.
 */
final class GatedMlp {

	private final Activations activations;

	private final Linear gate;

	private final Linear up;

	private final Linear down;

	GatedMlp(WeightUnit unit, DecoderConfig config, Activations activations) {
		this.activations = activations;
		int hidden = config.common().hiddenSize();
		int intermediate = config.common().intermediateSize();
		this.gate = Linear.of(unit, "mlp.gate_proj", intermediate, hidden, config.mlpBias());
		this.up = Linear.of(unit, "mlp.up_proj", intermediate, hidden, config.mlpBias());
		this.down = Linear.of(unit, "mlp.down_proj", hidden, intermediate, config.mlpBias());
	}

	/**
	 * Computes.
	 * @param pass the rows
	 * @param weights of the layer
	 * @param out F32 [rows, hidden]
	 * @param x F32 [rows, hidden], not {@code out}
	 */
	void forward(Pass pass, Weights weights, Tensor out, Tensor x) {
		Tensor gated = pass.get(this.activations.gate());
		Tensor upward = pass.get(this.activations.up());
		this.gate.forward(weights, gated, x);
		this.up.forward(weights, upward, x);
		pass.device().swiGlu(gated, gated, upward);
		this.down.forward(weights, out, gated);
	}

	/**
	 * Room for what is computed between input and output.
	 *
	 * @param gate [intermediate] per row
	 * @param up [intermediate] per row
	 */
	record Activations(Slots.Slot gate, Slots.Slot up) {

		static Activations of(Slots slots, DecoderConfig config) {
			return new Activations(slots.add(config.common().intermediateSize()),
					slots.add(config.common().intermediateSize()));
		}

	}

}
