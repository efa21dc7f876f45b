package io.github.flashspring.engine.model;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Matrix;
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
	 * Chooses the experts of tokens.
	 * @param pass the rows
	 * @param weights of the layer
	 * @param x F32 [rows, hiddenSize]
	 * @param outputs outputs of a token, those of shared experts included
	 * @return experts and their weights
	 */
	ExpertAssignment assign(Pass pass, Weights weights, Tensor x, int outputs) {
		float @Nullable [] correctionOfAll = correction(pass, weights);
		return ExpertAssignment.of(this.routing, logits(pass, weights, x), x.rows(), correctionOfAll, outputs);
	}

	/**
	 * Predicts which experts tokens will be sent to.
	 * @param pass the rows
	 * @param weights of the layer
	 * @param x F32 [rows, hiddenSize], nearly the router's input
	 * @return one or more for each token
	 */
	List<ExpertGuess> guess(Pass pass, Weights weights, Tensor x) {
		float @Nullable [] correctionOfAll = correction(pass, weights);
		float[] values = logits(pass, weights, x);
		List<ExpertGuess> guesses = new ArrayList<>();
		for (int row = 0; row < x.rows(); row++) {
			this.routing.guess(values, row * this.routing.experts(), correctionOfAll, guesses);
		}
		return guesses;
	}

	private float[] logits(Pass pass, Weights weights, Tensor x) {
		Tensor rows = pass.get(this.logits).rows(0, x.rows());
		this.linear.forward(weights, rows, x);
		float[] values = new float[x.rows() * this.routing.experts()];
		pass.device().read(rows, values);
		return values;
	}

	private float @Nullable [] correction(Pass pass, Weights weights) {
		if (this.correction != null && this.correctionValues == null) {
			Device device = pass.device();
			float[] values = new float[this.routing.experts()];
			Tensor row = pass.get(this.logits).rows(0, 1);
			device.embed(row, new Matrix.Dense(weights.vector(this.correction)), new int[] { 0 });
			device.read(row, values);
			this.correctionValues = values;
		}
		return this.correctionValues;
	}

}
