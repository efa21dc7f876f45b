package io.github.flashspring.engine.model;

import java.util.ArrayList;
import java.util.List;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.weights.Weights;

/**
 * An MLP in steps, so that several of one shape take each step at once: the first linear
 * layers of all of them are one operation of the device, as are their activations and
 * their last linear layers.
 */
interface Expert {

	/**
	 * Buffer for the outputs of the first linear layers of all experts.
	 * @param pass the pass
	 * @param rows rows of all experts
	 * @return F32 [rows, outputs]
	 */
	Tensor between(Pass pass, int rows);

	/**
	 * The first linear layers.
	 * @param weights of this expert
	 * @param between F32 [n, outputs], its rows
	 * @param x F32 [n, inputs]
	 * @return what to apply
	 */
	Weights.Use enter(Weights weights, Tensor between, Tensor x);

	/**
	 * Scales the outputs of the first linear layers.
	 * @param device computes
	 * @param between F32 [n, outputs], its rows
	 */
	default void scaleBetween(Device device, Tensor between) {
	}

	/**
	 * Applies the activation for all experts.
	 * @param pass the pass
	 * @param between F32 [rows, outputs] of all experts; overwritten
	 * @return F32 [rows, inputs of the last linear layer]
	 */
	Tensor activate(Pass pass, Tensor between);

	/**
	 * The last linear layer.
	 * @param weights of this expert
	 * @param out F32 [n, outputs]
	 * @param activated F32 [n, inputs], its rows
	 * @return what to apply
	 */
	Weights.Use leave(Weights weights, Tensor out, Tensor activated);

	/**
	 * Scales the outputs.
	 * @param device computes
	 * @param out F32 [n, outputs]
	 */
	default void scaleOutput(Device device, Tensor out) {
	}

	/**
	 * Computes experts of one shape.
	 * @param pass the pass
	 * @param uses the experts and their rows, at least one
	 */
	static void forward(Pass pass, List<Use> uses) {
		Device device = pass.device();
		Expert any = uses.getFirst().expert();
		Tensor between = any.between(pass, uses.stream().mapToInt((use) -> use.x().rows()).sum());
		List<Weights.Use> layers = new ArrayList<>(uses.size());
		int row = 0;
		for (Use use : uses) {
			layers.add(use.expert().enter(use.weights(), between.rows(row, use.x().rows()), use.x()));
			row += use.x().rows();
		}
		Weights.linear(layers);
		row = 0;
		for (Use use : uses) {
			use.expert().scaleBetween(device, between.rows(row, use.x().rows()));
			row += use.x().rows();
		}
		Tensor activated = any.activate(pass, between);
		layers.clear();
		row = 0;
		for (Use use : uses) {
			layers.add(use.expert().leave(use.weights(), use.out(), activated.rows(row, use.x().rows())));
			row += use.x().rows();
		}
		Weights.linear(layers);
		uses.forEach((use) -> use.expert().scaleOutput(device, use.out()));
	}

	/**
	 * An expert and its rows.
	 *
	 * @param expert the expert
	 * @param weights of the expert
	 * @param out F32 [n, outputs]
	 * @param x F32 [n, inputs], not {@code out}
	 */
	record Use(Expert expert, Weights weights, Tensor out, Tensor x) {

	}

}
