package io.github.flashspring.engine.model;

import java.util.Arrays;

import org.jspecify.annotations.Nullable;

/**
 * The experts that a router chose for some tokens. Each token has a place for the output
 * of each of its experts, in the order of the experts, and behind them one for shared
 * experts, if there are any.
 *
 * @param perToken experts of a token
 * @param outputs places of a token
 * @param chosen expert of each place
 * @param factors weight of each place
 */
record ExpertAssignment(int perToken, int outputs, int[] chosen, float[] factors) {

	/**
	 * Routes tokens.
	 * @param routing how logits become experts
	 * @param logits of the router, [rows · experts]
	 * @param rows number of tokens
	 * @param correction added to the scores for the choice alone, or null
	 * @param outputs places of a token
	 * @return the assignment
	 */
	static ExpertAssignment of(Routing routing, float[] logits, int rows, float @Nullable [] correction, int outputs) {
		ExpertAssignment assignment = new ExpertAssignment(routing.perToken(), outputs, new int[rows * outputs],
				new float[rows * outputs]);
		for (int row = 0; row < rows; row++) {
			routing.choose(logits, row * routing.experts(), correction, assignment.chosen, assignment.factors,
					row * outputs);
			assignment.sort(row * outputs);
		}
		return assignment;
	}

	/** Orders the places of a token by their experts. */
	private void sort(int from) {
		for (int i = from + 1; i < from + this.perToken; i++) {
			int expert = this.chosen[i];
			float factor = this.factors[i];
			int place = i;
			for (; place > from && this.chosen[place - 1] > expert; place--) {
				this.chosen[place] = this.chosen[place - 1];
				this.factors[place] = this.factors[place - 1];
			}
			this.chosen[place] = expert;
			this.factors[place] = factor;
		}
	}

	/** Adds the number of tokens of each expert. */
	void count(int[] rowsOf) {
		for (int from = 0; from < this.chosen.length; from += this.outputs) {
			for (int k = 0; k < this.perToken; k++) {
				rowsOf[this.chosen[from + k]]++;
			}
		}
	}

	/** Sets the weights of shared experts, one for each token. */
	void shared(float[] weights) {
		for (int row = 0; row < weights.length; row++) {
			this.factors[row * this.outputs + this.perToken] = weights[row];
		}
	}

	/** Weights of places. */
	float[] factors(int[] places) {
		float[] some = new float[places.length];
		for (int i = 0; i < places.length; i++) {
			some[i] = this.factors[places[i]];
		}
		return some;
	}

	/** The places of an expert, in the order of the tokens. */
	int[] places(int expert) {
		int[] places = new int[this.chosen.length / this.outputs];
		int count = 0;
		for (int from = 0; from < this.chosen.length; from += this.outputs) {
			for (int k = 0; k < this.perToken; k++) {
				if (this.chosen[from + k] == expert) {
					places[count++] = from + k;
				}
			}
		}
		return Arrays.copyOf(places, count);
	}

}
