package io.github.flashspring.engine.model;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.residency.ExpertGuess;
import io.github.flashspring.engine.weights.Parameter;
import io.github.flashspring.engine.weights.Weights;

/**
 * Sends each token to a few of many experts.
 */
final class Router {

	private final Linear linear;

	private final @Nullable Parameter correction;

	private final Routing routing;

	private final Slots.Slot logits;

	private final Slots.Slot guessed;

	/** Values of the correction; read from the device once. */
	private float @Nullable [] correctionValues;

	/**
	 * Makes a router.
	 * @param linear [experts, hiddenSize]
	 * @param correction [experts], added to the scores for the choice alone, or null
	 * @param routing how logits become experts
	 * @param slots gets the logits
	 */
	Router(Linear linear, @Nullable Parameter correction, Routing routing, Slots slots) {
		this.linear = linear;
		this.correction = correction;
		this.routing = routing;
		this.logits = slots.shared("experts.logits", routing.experts());
		this.guessed = slots.shared("experts.guessed", routing.experts());
	}

	int experts() {
		return this.routing.experts();
	}

	int perToken() {
		return this.routing.perToken();
	}

	/** True if asking the router costs no read. */
	boolean isPresent(Weights weights) {
		return weights.isPresent(this.linear.weight());
	}

	/**
	 * Asks which experts tokens are sent to.
	 * @param pass the rows
	 * @param weights of the layer
	 * @param x F32 [rows, hiddenSize]
	 * @param reads gets what must be read for the answer
	 * @return the answer, once it was read
	 */
	Answer ask(Pass pass, Weights weights, Tensor x, List<Device.Readback> reads) {
		return ask(pass, weights, x, this.logits, reads);
	}

	/**
	 * Asks which experts tokens will probably be sent to.
	 * @param pass the rows
	 * @param weights of the layer
	 * @param x F32 [rows, hiddenSize], nearly the router's input
	 * @param reads gets what must be read for the answer, next to that of another router
	 * @return the answer, once it was read
	 */
	Answer guess(Pass pass, Weights weights, Tensor x, List<Device.Readback> reads) {
		return ask(pass, weights, x, this.guessed, reads);
	}

	private Answer ask(Pass pass, Weights weights, Tensor x, Slots.Slot slot, List<Device.Readback> reads) {
		Tensor rows = pass.get(slot).rows(0, x.rows());
		float @Nullable [] correctionOfAll = correction(pass, weights, rows);
		this.linear.forward(weights, rows, x);
		float[] values = new float[x.rows() * this.routing.experts()];
		reads.add(new Device.Readback(rows, values));
		return new Answer(this.routing, values, x.rows(), correctionOfAll);
	}

	private float @Nullable [] correction(Pass pass, Weights weights, Tensor scratch) {
		if (this.correction != null && this.correctionValues == null) {
			Device device = pass.device();
			float[] values = new float[this.routing.experts()];
			Tensor row = scratch.rows(0, 1);
			device.convert(row, weights.vector(this.correction));
			device.read(row, values);
			this.correctionValues = values;
		}
		return this.correctionValues;
	}

	/**
	 * What a router answers, once it was read.
	 *
	 * @param routing how logits become experts
	 * @param logits [rows · experts]
	 * @param rows number of tokens
	 * @param correction added to the scores for the choice alone, or null
	 */
	@SuppressWarnings("ArrayRecordComponent") // Made for one pass of a layer.
	record Answer(Routing routing, float[] logits, int rows, float @Nullable [] correction) {

		/**
		 * The experts that the tokens are sent to.
		 * @param outputs outputs of a token, those of shared experts included
		 * @return experts and their weights
		 */
		ExpertAssignment assign(int outputs) {
			return ExpertAssignment.of(this.routing, this.logits, this.rows, this.correction, outputs);
		}

		/**
		 * {@return one or more probable experts for each token}
		 */
		List<ExpertGuess> guesses() {
			List<ExpertGuess> guesses = new ArrayList<>();
			for (int row = 0; row < this.rows; row++) {
				this.routing.guess(this.logits, row * this.routing.experts(), this.correction, guesses);
			}
			return guesses;
		}

	}

}
