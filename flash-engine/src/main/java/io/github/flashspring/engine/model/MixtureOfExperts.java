package io.github.flashspring.engine.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.residency.Parameter;
import io.github.flashspring.engine.residency.WeightUnit;
import io.github.flashspring.engine.residency.Weights;

/**
 * A router sends each token to a few of many feed-forward parts, whose outputs are added
 * with the router's weights; shared experts see every token. Tokens are grouped, so that
 * each expert that is needed is computed once, and others are not touched. The outputs of
 * a token's experts are kept apart and added in the router's order, so that the bits do
 * not depend on which tokens lie beside it or which expert is computed first.
 *
 * @see <a href="https://arxiv.org/abs/1701.06538">Shazeer et al. 2017</a>
 */
final class MixtureOfExperts implements Sublayer {

	private final Routing routing;

	private final Linear router;

	private final @Nullable Parameter correction;

	private final List<Expert> experts;

	private final @Nullable Sublayer shared;

	private final @Nullable Linear sharedGate;

	private final Room room;

	/** What the router's choice is corrected by; read from the device once. */
	private float @Nullable [] correctionValues;

	private MixtureOfExperts(Builder builder) {
		this.routing = builder.routing;
		this.router = builder.router;
		this.correction = builder.correction;
		this.experts = List.copyOf(builder.experts);
		this.shared = builder.shared;
		this.sharedGate = builder.sharedGate;
		Decoder decoder = builder.decoder;
		int hidden = decoder.config().hiddenSize();
		int outputs = this.routing.perToken() + ((this.shared != null) ? 1 : 0);
		this.room = new Room(decoder.slot("experts.logits", this.routing.experts()), decoder.slot("experts.gate", 1),
				decoder.slot("experts.gathered", hidden), decoder.slot("experts.output", hidden),
				decoder.slot("experts.outputs", outputs * hidden), outputs);
	}

	/**
	 * Weights of the experts.
	 * @return a unit for each
	 */
	List<WeightUnit> units() {
		return this.experts.stream().map(Expert::unit).toList();
	}

	@Override
	public void forward(Pass pass, Weights weights, Tensor out, Tensor x) {
		int rows = x.rows();
		int perToken = this.routing.perToken();
		int outputs = this.room.outputs();
		Tensor results = pass.get(this.room.results());
		float[] factors = new float[rows * outputs];
		int[] chosen = new int[rows * outputs];
		route(pass, weights, x, chosen, factors);
		if (this.shared != null) {
			share(pass, weights, x, results.columns(perToken * out.columns(), out.columns()), factors);
		}
		Tensor resultRows = results.reshape(out.columns());
		for (int expert = 0; expert < this.experts.size(); expert++) {
			int[] places = places(chosen, expert, rows);
			if (places.length > 0) {
				compute(pass, this.experts.get(expert), places, x, resultRows);
			}
		}
		pass.device().combine(out, resultRows, factors);
	}

	private void route(Pass pass, Weights weights, Tensor x, int[] chosen, float[] factors) {
		Device device = pass.device();
		Tensor logits = pass.get(this.room.logits());
		float[] correctionOfAll = correction(device, weights, logits);
		this.router.forward(weights, logits, x);
		float[] values = new float[x.rows() * this.routing.experts()];
		device.read(logits, values);
		for (int row = 0; row < x.rows(); row++) {
			this.routing.choose(values, row * this.routing.experts(), correctionOfAll, chosen, factors,
					row * this.room.outputs());
		}
	}

	private float @Nullable [] correction(Device device, Weights weights, Tensor scratch) {
		if (this.correction != null && this.correctionValues == null) {
			float[] values = new float[this.routing.experts()];
			Tensor row = scratch.rows(0, 1);
			device.embed(row, new Matrix.Dense(weights.vector(this.correction)), new int[] { 0 });
			device.read(row, values);
			this.correctionValues = values;
		}
		return this.correctionValues;
	}

	private void share(Pass pass, Weights weights, Tensor x, Tensor result, float[] factors) {
		if (this.shared == null) {
			return;
		}
		float[] gates = new float[x.rows()];
		Arrays.fill(gates, 1f);
		if (this.sharedGate != null) {
			Tensor gate = pass.get(this.room.gate());
			this.sharedGate.forward(weights, gate, x);
			pass.device().read(gate, gates);
			for (int row = 0; row < gates.length; row++) {
				gates[row] = (float) Routing.sigmoid(gates[row]);
			}
		}
		for (int row = 0; row < gates.length; row++) {
			factors[row * this.room.outputs() + this.routing.perToken()] = gates[row];
		}
		this.shared.forward(pass, weights, result, x);
	}

	/** Where the outputs of an expert belong: {@code row · outputs + k}. */
	private int[] places(int[] chosen, int expert, int rows) {
		int[] places = new int[rows];
		int count = 0;
		for (int row = 0; row < rows; row++) {
			for (int k = 0; k < this.routing.perToken(); k++) {
				if (chosen[row * this.room.outputs() + k] == expert) {
					places[count++] = row * this.room.outputs() + k;
				}
			}
		}
		return Arrays.copyOf(places, count);
	}

	private void compute(Pass pass, Expert expert, int[] places, Tensor x, Tensor results) {
		int[] rows = Arrays.stream(places).map((place) -> place / this.room.outputs()).toArray();
		if (places.length == 1) {
			pass.expert(expert.unit(), (weights) -> expert.computation()
				.forward(pass, weights, results.rows(places[0], 1), x.rows(rows[0], 1)));
			return;
		}
		Tensor input = pass.get(this.room.gathered()).rows(0, places.length);
		Tensor output = pass.get(this.room.output()).rows(0, places.length);
		pass.device().gather(input, x, rows);
		pass.expert(expert.unit(), (weights) -> expert.computation().forward(pass, weights, output, input));
		pass.device().scatter(results, output, places);
	}

	/**
	 * One of many.
	 *
	 * @param unit its weights
	 * @param computation what it computes with them
	 */
	record Expert(WeightUnit unit, Sublayer computation) {

	}

	/** Declares the weights of an expert. */
	@FunctionalInterface
	interface ExpertFactory {

		/**
		 * Declares them.
		 * @param unit gets them
		 * @param index of the expert
		 * @return what it computes
		 */
		Sublayer create(WeightUnit unit, int index);

	}

	/**
	 * Room for what is computed between input and output.
	 *
	 * @param logits [experts] per row
	 * @param gate [1] per row
	 * @param gathered [hidden] per row
	 * @param output [hidden] per row
	 * @param results [outputs · hidden] per row
	 * @param outputs experts of a token, shared ones together as the last
	 */
	private record Room(Slots.Slot logits, Slots.Slot gate, Slots.Slot gathered, Slots.Slot output, Slots.Slot results,
			int outputs) {

	}

	/** Settings of a layer's mixture. */
	static final class Builder {

		private final Decoder decoder;

		private final WeightUnit unit;

		private final Routing routing;

		private final List<Expert> experts = new ArrayList<>();

		private final Linear router;

		private @Nullable Parameter correction;

		private @Nullable Sublayer shared;

		private @Nullable Linear sharedGate;

		/**
		 * Starts with a router.
		 * @param decoder the model
		 * @param unit weights of the layer
		 * @param routing how logits become experts
		 * @param router name of its module
		 * @param bias whether it has a bias
		 */
		Builder(Decoder decoder, WeightUnit unit, Routing routing, String router, boolean bias) {
			this.decoder = decoder;
			this.unit = unit;
			this.routing = routing;
			this.router = Linear.of(unit, router, routing.experts(), decoder.config().hiddenSize(), bias);
		}

		/** What is added to the scores for the choice alone. */
		Builder correction(String tensor) {
			this.correction = this.unit.vector(tensor, this.routing.experts());
			return this;
		}

		/** What every token sees. */
		Builder shared(Sublayer part) {
			this.shared = part;
			return this;
		}

		/** What every token sees, with a weight of its own. */
		Builder shared(Sublayer part, String gate) {
			this.shared = part;
			this.sharedGate = Linear.of(this.unit, gate, 1, this.decoder.config().hiddenSize(), false);
			return this;
		}

		/**
		 * Ends with the experts.
		 * @param layer index of the layer
		 * @param factory declares the weights of each
		 * @return the mixture
		 */
		MixtureOfExperts experts(int layer, ExpertFactory factory) {
			for (int i = 0; i < this.routing.experts(); i++) {
				WeightUnit expert = this.decoder.expertUnit(layer, "experts." + i);
				this.experts.add(new Expert(expert, factory.create(expert, i)));
			}
			return new MixtureOfExperts(this);
		}

	}

}
