package io.github.flashspring.engine.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.weights.Weights;

/**
 * Computes experts on the rows that were assigned to them.
 *
 * @param experts of the layer
 * @param outputs outputs of a token
 * @param gathered an expert's inputs, one per row
 * @param sums buffers for outputs
 */
record ExpertJobs(List<Expert> experts, int outputs, Slots.Slot gathered, RunningSums sums) {

	/**
	 * Computes experts; the rows of those with several are gathered first.
	 * @param pass the rows
	 * @param chosen indices of the experts
	 * @param weights of each
	 * @param assignment of the rows
	 * @param x F32 [rows, inputs]
	 * @param results F32 [rows · outputs, width]; gets the outputs of these experts
	 */
	void compute(Pass pass, int[] chosen, List<Weights> weights, ExpertAssignment assignment, Tensor x,
			Tensor results) {
		List<int[]> places = Arrays.stream(chosen).mapToObj(assignment::places).toList();
		int[] several = places.stream().filter((own) -> own.length > 1).flatMapToInt(Arrays::stream).toArray();
		Tensor input = pass.get(this.gathered, several.length);
		Tensor output = pass.get(this.sums.output(), several.length);
		if (several.length > 0) {
			pass.device().gather(input, x, rows(several));
		}
		List<Expert.Use> uses = new ArrayList<>(chosen.length);
		int from = 0;
		for (int i = 0; i < chosen.length; i++) {
			int[] own = places.get(i);
			boolean single = own.length == 1;
			uses.add(new Expert.Use(this.experts.get(chosen[i]), weights.get(i),
					single ? results.rows(own[0], 1) : output.rows(from, own.length),
					single ? x.rows(own[0] / this.outputs, 1) : input.rows(from, own.length)));
			from += single ? 0 : own.length;
		}
		Expert.forward(pass, uses);
		if (several.length > 0) {
			pass.device().scatter(results, output, several);
		}
	}

	/**
	 * Computes experts, then adds the outputs of one after the other.
	 * @param pass the rows
	 * @param chosen indices of the experts, in the order in which to add
	 * @param weights of each
	 * @param assignment of the rows
	 * @param x F32 [rows, inputs]
	 * @param to F32 [rows, width]
	 */
	void add(Pass pass, int[] chosen, List<Weights> weights, ExpertAssignment assignment, Tensor x, Tensor to) {
		List<int[]> places = Arrays.stream(chosen).mapToObj(assignment::places).toList();
		int[] rows = rows(places.stream().flatMapToInt(Arrays::stream).toArray());
		if (rows.length == 0) {
			return;
		}
		Tensor input = pass.get(this.gathered, rows.length);
		pass.device().gather(input, x, rows);
		Tensor pairs = this.sums.pairs(pass, rows.length);
		List<Expert.Use> uses = new ArrayList<>(chosen.length);
		int from = 0;
		for (int i = 0; i < chosen.length; i++) {
			int count = places.get(i).length;
			if (count > 0) {
				uses.add(new Expert.Use(this.experts.get(chosen[i]), weights.get(i),
						RunningSums.addends(pairs).rows(from, count), input.rows(from, count)));
				from += count;
			}
		}
		Expert.forward(pass, uses);
		from = 0;
		for (int[] own : places) {
			if (own.length > 0) {
				this.sums.add(pass, pairs.rows(from, own.length), Arrays.copyOfRange(rows, from, from + own.length),
						assignment.factors(own), to);
				from += own.length;
			}
		}
	}

	private int[] rows(int[] places) {
		return Arrays.stream(places).map((place) -> place / this.outputs).toArray();
	}

}
