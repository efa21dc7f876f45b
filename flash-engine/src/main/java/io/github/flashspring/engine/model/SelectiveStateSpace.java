package io.github.flashspring.engine.model;

import java.util.Objects;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.RaggedBatch;
import io.github.flashspring.engine.device.StateSpace;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.device.Workload;
import io.github.flashspring.engine.weights.Parameter;
import io.github.flashspring.engine.weights.WeightGroup;
import io.github.flashspring.engine.weights.Weights;

/**
 * The mixer of Mamba-2: a short convolution, then a recurrence whose step, input and
 * output depend on the token, then a norm behind a gate. Of the tokens before, a sequence
 * keeps the last inputs of the convolution and the state of the recurrence.
 *
 * @see <a href="https://arxiv.org/abs/2405.21060">Dao and Gu 2024</a>
 */
final class SelectiveStateSpace implements Sublayer {

	private final Shape shape;

	private final Linear input;

	private final Parameter filters;

	private final @Nullable Parameter filterBias;

	private final Parameter aLog;

	private final Parameter skip;

	private final Parameter stepBias;

	private final Parameter norm;

	private final Linear output;

	private final long convolutionState;

	private final long recurrenceState;

	private final Slots.Slot projected;

	private final Slots.Slot convolved;

	private final Slots.Slot mixed;

	/**
	 * Declares the weights of one layer's mixer.
	 * @param decoder the model
	 * @param unit weights of the layer
	 * @param layerPrefix what the names of its tensors begin with
	 * @param shape sizes
	 */
	SelectiveStateSpace(Decoder decoder, WeightGroup unit, String layerPrefix, Shape shape) {
		this.shape = shape;
		int hidden = decoder.config().hiddenSize();
		int inner = shape.inner();
		int channels = shape.channels();
		int width = inner + channels + shape.heads();
		this.input = Linear.of(unit, "mixer.in_proj", width, hidden, shape.bias());
		this.filters = filters(decoder, unit, layerPrefix);
		this.filterBias = shape.filterBias() ? unit.vector("mixer.conv1d.bias", channels) : null;
		this.stepBias = unit.vector("mixer.dt_bias", shape.heads());
		this.aLog = unit.vector("mixer.A_log", shape.heads());
		this.skip = unit.vector("mixer.D", shape.heads());
		this.norm = unit.vector("mixer.norm.weight", inner);
		this.output = Linear.of(unit, "mixer.out_proj", hidden, inner, shape.bias());
		this.convolutionState = decoder.nextState((shape.taps() - 1L) * channels);
		this.recurrenceState = decoder.nextState((long) inner * shape.stateSize());
		this.projected = decoder.slot("stateSpace.projected", width);
		this.convolved = decoder.slot("stateSpace.convolved", channels);
		this.mixed = decoder.slot("stateSpace.mixed", inner);
		decoder.widen(inner);
		decoder.uses(new Workload.Recurrence(shape.taps(), shape.activation(), shape.stateSize()));
		decoder.uses(new Workload.Gate(Activation.SILU));
	}

	/** Filters are [channels, 1, taps], or [channels, taps, 1] in MLX's checkpoints. */
	private Parameter filters(Decoder decoder, WeightGroup unit, String layerPrefix) {
		String name = "mixer.conv1d.weight";
		int channels = this.shape.channels();
		int taps = this.shape.taps();
		long[] found = decoder.source().has(layerPrefix + name)
				? decoder.source().checkpoint().tensor(layerPrefix + name).shape() : new long[0];
		boolean tapsInside = found.length == 3 && found[2] == 1 && taps != 1;
		return tapsInside ? unit.flat(name, channels, taps, 1) : unit.flat(name, channels, 1, taps);
	}

	@Override
	public void forward(Pass pass, Weights weights, Tensor out, Tensor x) {
		int inner = this.shape.inner();
		Tensor all = pass.get(this.projected);
		this.input.forward(weights, all, x);
		Tensor gate = all.columns(0, inner);
		Tensor result = pass.get(this.mixed);
		for (RaggedBatch.Span span : pass.batch().spans()) {
			advance(pass, weights, span, all.rows(span.firstRow(), span.rows()),
					result.rows(span.firstRow(), span.rows()));
		}
		pass.device().elementwise().gate(result, gate, result, Activation.SILU);
		int groupWidth = inner / this.shape.groups();
		Tensor groups = result.reshape(groupWidth);
		pass.device().rmsNorm(groups, groups, weights.vector(this.norm).reshape(groupWidth), this.shape.epsilon());
		this.output.forward(weights, out, result);
	}

	/** Convolution and recurrence of neighbouring tokens of one sequence. */
	private void advance(Pass pass, Weights weights, RaggedBatch.Span span, Tensor projectedRows, Tensor result) {
		int inner = this.shape.inner();
		int channels = this.shape.channels();
		int groupStates = this.shape.groups() * this.shape.stateSize();
		Buffer states = Objects.requireNonNull(span.state(), "The sequence has no states");
		boolean first = span.position() == 0;
		Tensor convolvedRows = pass.get(this.convolved).rows(span.firstRow(), span.rows());
		pass.device()
			.stateSpace()
			.convolution(convolvedRows, projectedRows.columns(inner, channels),
					weights.vector(this.filters).reshape(this.shape.taps()),
					(this.filterBias != null) ? weights.vector(this.filterBias) : null,
					Tensor.floats(states, this.convolutionState * Float.BYTES, this.shape.taps() - 1, channels), first,
					this.shape.activation());
		StateSpace.ScanInput scan = new StateSpace.ScanInput(convolvedRows.columns(0, inner),
				convolvedRows.columns(inner, groupStates), convolvedRows.columns(inner + groupStates, groupStates),
				projectedRows.columns(inner + channels, this.shape.heads()));
		StateSpace.ScanParameters parameters = new StateSpace.ScanParameters(weights.vector(this.aLog),
				weights.vector(this.skip), weights.vector(this.stepBias), this.shape.minStep(), this.shape.maxStep());
		pass.device()
			.stateSpace()
			.selectiveScan(result, scan, parameters,
					Tensor.floats(states, this.recurrenceState * Float.BYTES, inner, this.shape.stateSize()), first);
	}

	/**
	 * Sizes of a state space.
	 *
	 * @param heads number of heads
	 * @param headDim length of a head
	 * @param groups groups of heads that share input and output of the state
	 * @param stateSize numbers of a state for each value of a head
	 * @param taps tokens that the convolution sees
	 * @param epsilon of the norm behind the gate
	 * @param bias whether the projections have biases
	 * @param filterBias whether the convolution has one
	 * @param minStep least time step
	 * @param maxStep greatest time step
	 * @param activation behind the convolution
	 */
	record Shape(int heads, int headDim, int groups, int stateSize, int taps, float epsilon, boolean bias,
			boolean filterBias, float minStep, float maxStep, Activation activation) {

		/** The same with other limits of the time step. */
		Shape steps(float least, float most) {
			return new Shape(this.heads, this.headDim, this.groups, this.stateSize, this.taps, this.epsilon, this.bias,
					this.filterBias, least, most, this.activation);
		}

		/** The same with another activation. */
		Shape activation(Activation other) {
			return new Shape(this.heads, this.headDim, this.groups, this.stateSize, this.taps, this.epsilon, this.bias,
					this.filterBias, this.minStep, this.maxStep, other);
		}

		int inner() {
			return this.heads * this.headDim;
		}

		int channels() {
			return inner() + 2 * this.groups * this.stateSize;
		}

	}

}
