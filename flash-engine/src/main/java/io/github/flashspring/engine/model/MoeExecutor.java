package io.github.flashspring.engine.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.device.Workload;
import io.github.flashspring.engine.residency.ExpertGroup;
import io.github.flashspring.engine.weights.Weights;

/**
 * Computes a {@link MoeLayer}. Tokens are grouped, so that each expert that is needed is
 * computed once, and others are not touched. The outputs of a token's experts are added
 * in the order of the experts, so that the bits do not depend on which tokens lie next to
 * it or which expert is computed first.
 */
final class MoeExecutor implements Sublayer {

	private static final float[] NO_GATES = {};

	private final MoeLayer moe;

	private final Router router;

	/**
	 * Outputs of a token: its experts, and the shared one as the last if it works in the
	 * same space.
	 */
	private final int outputs;

	private final ExpertJobs jobs;

	/** Sums with the shared expert, in the width of the stream. */
	private final RunningSums streamSums;

	/** Normed inputs of all chunks of a pass. */
	private final Slots.Slot inputsOfPass;

	/** Sums of all chunks of a pass. */
	private final Slots.Slot sumsOfPass;

	private final RouterLookahead lookahead;

	private final RouterLookahead.Chain chain;

	/**
	 * Takes buffers.
	 * @param moe what to compute
	 * @param layer its layer
	 */
	MoeExecutor(MoeLayer moe, LayerBuilder layer) {
		this.moe = moe;
		this.router = moe.router();
		LatentSpace latent = moe.latent();
		Slots slots = layer.slots();
		int hidden = layer.hiddenSize();
		int width = (latent != null) ? latent.width() : hidden;
		this.outputs = this.router.perToken() + ((moe.shared() != null && latent == null) ? 1 : 0);
		RunningSums sums = RunningSums.of(slots, Math.max(2, this.outputs), width);
		this.streamSums = (latent != null) ? RunningSums.of(slots, 2, hidden) : sums;
		this.jobs = new ExpertJobs(moe.experts(), this.outputs,
				slots.shared("experts.gathered", width, Slots.Extent.EXPERTS), sums);
		this.inputsOfPass = slots.shared("experts.inputs", hidden, Slots.Extent.CHUNKED_PASS);
		this.sumsOfPass = slots.shared("experts.sums", hidden, Slots.Extent.CHUNKED_PASS);
		this.lookahead = new RouterLookahead(layer.decoder().buffers().stream(),
				slots.shared("experts.gathered", hidden, Slots.Extent.EXPERTS));
		this.chain = layer.decoder().lookahead();
		layer.requirements().uses(new Workload.Combine());
	}

	@Override
	public void attach(@Nullable Norm norm) {
		this.chain.add(this.lookahead, new RouterLookahead.Target(this.router, this.moe.firstExpert(), norm));
	}

	@Override
	public void forward(Pass pass, Weights weights, Tensor out, Tensor x) {
		Answers answers = ask(pass, weights, x, this.lookahead);
		ExpertAssignment assignment = answers.assignment();
		int[] rowsOf = new int[this.router.experts()];
		assignment.count(rowsOf);
		ExpertGroup group = pass.experts(this.moe.firstExpert());
		int[] needed = group.choose(rowsOf, x.rows(), false);
		answers.expect();
		LatentSpace latent = this.moe.latent();
		Tensor results = this.jobs.sums().rows(pass, x.rows() * this.outputs);
		if (this.moe.shared() != null && latent == null) {
			int hidden = out.columns();
			Tensor result = results.reshape(this.outputs * hidden).columns(this.router.perToken() * hidden, hidden);
			this.moe.shared().mlp().forward(pass, weights, result, x);
			assignment.shared(answers.gates());
		}
		Tensor input = (latent != null) ? latent.enter(weights, pass.get(latent.inputs()), x) : x;
		group.compute(needed, false, rowsOf, pass.room(this.jobs.gathered()),
				(experts, own) -> this.jobs.compute(pass, experts, own, assignment, input, results));
		if (latent == null) {
			pass.device().combine(out, results, assignment.factors());
			return;
		}
		Tensor sums = pass.get(latent.sums());
		pass.device().combine(sums, results, assignment.factors());
		latent.leave(weights, out, sums);
		addShared(pass, weights, x, answers.gates(), out);
	}

	/**
	 * Computes all chunks of a pass: each expert once for all of them. Their outputs are
	 * added one by one in the order of the experts, which gives the same bits as adding
	 * them at the end and needs no buffers for all of them.
	 */
	@Override
	public void forward(List<Pass> chunks, Weights weights, Residual.Connection branch) {
		if (chunks.size() == 1) {
			Sublayer.super.forward(chunks, weights, branch);
			return;
		}
		List<Tensor> inputs = chunks.stream().map((chunk) -> branch.input(chunk, weights, this.inputsOfPass)).toList();
		List<Tensor> sums = sums(chunks, weights, inputs);
		for (int i = 0; i < sums.size(); i++) {
			branch.add(chunks.get(i), weights, sums.get(i));
		}
	}

	private List<Tensor> sums(List<Pass> chunks, Weights weights, List<Tensor> inputs) {
		List<Answers> answers = new ArrayList<>();
		int[] rowsOf = new int[this.router.experts()];
		int rows = 0;
		for (int i = 0; i < chunks.size(); i++) {
			boolean last = i == chunks.size() - 1;
			weights.begin(!last);
			answers.add(ask(chunks.get(i), weights, inputs.get(i), last ? this.lookahead : null));
			answers.get(i).assignment().count(rowsOf);
			rows += inputs.get(i).rows();
		}
		ExpertGroup group = chunks.getFirst().experts(this.moe.firstExpert());
		int[] needed = group.choose(rowsOf, rows, true);
		answers.getLast().expect();
		List<Tensor> sums = chunks.stream().map((chunk) -> chunk.get(this.sumsOfPass)).toList();
		LatentSpace latent = this.moe.latent();
		List<Tensor> expertInputs = inputs;
		List<Tensor> expertSums = sums;
		if (latent != null) {
			expertInputs = chunks.stream().map((chunk) -> chunk.get(latent.inputsOfPass())).toList();
			expertSums = chunks.stream().map((chunk) -> chunk.get(latent.sumsOfPass())).toList();
			for (int i = 0; i < chunks.size(); i++) {
				weights.begin(i < chunks.size() - 1);
				latent.enter(weights, expertInputs.get(i), inputs.get(i));
			}
		}
		addExperts(chunks, group, needed, answers.stream().map(Answers::assignment).toList(), expertInputs, expertSums);
		for (int i = 0; i < chunks.size(); i++) {
			weights.begin(i < chunks.size() - 1);
			if (latent != null) {
				latent.leave(weights, sums.get(i), expertSums.get(i));
			}
			addShared(chunks.get(i), weights, inputs.get(i), answers.get(i).gates(), sums.get(i));
		}
		return sums;
	}

	/**
	 * Asks the router, the gate of the shared expert and the next layer's router, and
	 * reads all answers back at once.
	 */
	private Answers ask(Pass pass, Weights weights, Tensor x, @Nullable RouterLookahead next) {
		List<Device.Readback> reads = new ArrayList<>(3);
		Router.Answer answer = this.router.ask(pass, weights, x, reads);
		SharedExpert shared = this.moe.shared();
		float[] gates = (shared != null) ? shared.ask(pass, weights, x, reads) : NO_GATES;
		RouterLookahead.Prediction prediction = (next != null) ? next.ask(pass, reads) : null;
		pass.device().read(reads);
		return new Answers(answer.assign(this.outputs), (shared != null) ? shared.factors(gates) : gates, prediction);
	}

	private void addExperts(List<Pass> chunks, ExpertGroup group, int[] needed, List<ExpertAssignment> assignments,
			List<Tensor> inputs, List<Tensor> sums) {
		for (int i = 0; i < chunks.size(); i++) {
			chunks.get(i).device().fill(sums.get(i), 0f);
		}
		// rows of the chunk that has most of them
		int[] maxRowsOf = new int[this.router.experts()];
		for (ExpertAssignment assignment : assignments) {
			int[] own = new int[maxRowsOf.length];
			assignment.count(own);
			Arrays.setAll(maxRowsOf, (expert) -> Math.max(maxRowsOf[expert], own[expert]));
		}
		Pass any = chunks.getFirst();
		int maxRows = Math.min(any.room(this.jobs.gathered()), this.jobs.sums().maxPairs(any));
		group.compute(needed, true, maxRowsOf, maxRows, (experts, own) -> {
			for (int i = 0; i < chunks.size(); i++) {
				this.jobs.add(chunks.get(i), experts, own, assignments.get(i), inputs.get(i), sums.get(i));
			}
		});
	}

	private void addShared(Pass pass, Weights weights, Tensor x, float[] factors, Tensor sums) {
		SharedExpert shared = this.moe.shared();
		if (shared == null) {
			return;
		}
		Tensor pairs = this.streamSums.pairs(pass, x.rows());
		shared.mlp().forward(pass, weights, RunningSums.addends(pairs), x);
		this.streamSums.add(pass, pairs, IntStream.range(0, factors.length).toArray(), factors, sums);
	}

	/**
	 * What the device answered about some rows.
	 *
	 * @param assignment experts of each row
	 * @param gates weights of the shared expert, if there is one
	 * @param next about the next layer, or null
	 */
	@SuppressWarnings("ArrayRecordComponent") // Made for one pass of a layer.
	private record Answers(ExpertAssignment assignment, float[] gates, RouterLookahead.@Nullable Prediction next) {

		/** Lets the experts of the next layer be read. */
		void expect() {
			if (this.next != null) {
				this.next.expect();
			}
		}

	}

}
