package io.github.flashspring.engine.model;

import java.util.List;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.device.Activation;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.RaggedBatch;
import io.github.flashspring.engine.device.StateSpace;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.device.Workload;
import io.github.flashspring.engine.weights.Parameter;
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
	 * @param layer gets them
	 * @param names finds the filters of the convolution
	 * @param shape sizes
	 */
	SelectiveStateSpace(LayerBuilder layer, BackboneNames names, Shape shape) {
		this.shape = shape;
		int hidden = layer.hiddenSize();
		int inner = shape.inner();
		int channels = shape.channels();
		int width = inner + channels + shape.heads();
		this.input = layer.linear("mixer.in_proj", width, hidden, shape.bias());
		this.filters = names.filters(layer, "mixer.conv1d.weight", channels, shape.taps());
		this.filterBias = (shape.filterBias() == Bias.PRESENT) ? layer.vector("mixer.conv1d.bias", channels) : null;
		this.stepBias = layer.vector("mixer.dt_bias", shape.heads());
		this.aLog = layer.vector("mixer.A_log", shape.heads());
		this.skip = layer.vector("mixer.D", shape.heads());
		this.norm = layer.vector("mixer.norm.weight", inner);
		this.output = layer.linear("mixer.out_proj", hidden, inner, shape.bias());
		Requirements requirements = layer.requirements();
		this.convolutionState = requirements.nextState((shape.taps() - 1L) * channels);
		this.recurrenceState = requirements.nextState((long) inner * shape.stateSize());
		this.projected = layer.slots().shared("stateSpace.projected", width);
		this.convolved = layer.slots().shared("stateSpace.convolved", channels);
		this.mixed = layer.slots().shared("stateSpace.mixed", inner);
		requirements.widen(inner);
		requirements.uses(new Workload.Recurrence(shape.taps(), shape.activation(), shape.stateSize()));
		requirements.uses(new Workload.Gate(Activation.SILU));
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
		Buffer snapshot = span.snapshot();
		if (snapshot != null) {
			copy(pass, snapshot, states, this.convolutionState, (this.shape.taps() - 1) * channels);
			copy(pass, snapshot, states, this.recurrenceState, inner * this.shape.stateSize());
		}
	}

	private static void copy(Pass pass, Buffer to, Buffer from, long offset, int floats) {
		pass.device()
			.copy(Tensor.floats(to, offset * Float.BYTES, 1, floats),
					Tensor.floats(from, offset * Float.BYTES, 1, floats));
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
	 * @param bias of the projections
	 * @param filterBias of the convolution
	 * @param minStep minimum of the time step
	 * @param maxStep maximum of the time step
	 * @param activation behind the convolution
	 */
	record Shape(int heads, int headDim, int groups, int stateSize, int taps, float epsilon, Bias bias, Bias filterBias,
			float minStep, float maxStep, Activation activation) {

		/**
		 * Reads the properties whose names do not differ between architectures.
		 * @param config the model's config
		 * @param names of the others
		 * @return the sizes, without biases of projections, with SiLU
		 */
		static Shape of(ModelConfig config, Names names) {
			int heads = config.getPositiveInt(names.heads());
			int groups = config.getInt("n_groups", 8);
			if (groups < 1 || heads % groups != 0) {
				throw config.wrong("n_groups", "a divisor of the " + heads + " heads", String.valueOf(groups));
			}
			List<Double> limits = config.getDoubles("time_step_limit");
			if (!limits.isEmpty() && (limits.size() != 2 || !(limits.get(0) <= limits.get(1)))) {
				throw config.wrong("time_step_limit", "two ascending numbers", limits.toString());
			}
			float minStep = limits.isEmpty() ? 0f : limits.get(0).floatValue();
			float maxStep = limits.isEmpty() ? Float.POSITIVE_INFINITY : limits.get(1).floatValue();
			return new Shape(heads, config.getPositiveInt(names.headDim()), groups,
					config.getPositiveInt(names.stateSize()), config.getInt("conv_kernel", 4),
					config.getFloat("layer_norm_epsilon", 1e-5f), Bias.ABSENT,
					Bias.of(config.getBoolean("use_conv_bias", true)), minStep, maxStep, Activation.SILU);
		}

		/** The same with other limits of the time step. */
		Shape steps(float min, float max) {
			return new Shape(this.heads, this.headDim, this.groups, this.stateSize, this.taps, this.epsilon, this.bias,
					this.filterBias, min, max, this.activation);
		}

		/** The same with another activation. */
		Shape activation(Activation other) {
			return new Shape(this.heads, this.headDim, this.groups, this.stateSize, this.taps, this.epsilon, this.bias,
					this.filterBias, this.minStep, this.maxStep, other);
		}

		/** The same with or without biases of the projections. */
		Shape bias(Bias other) {
			return new Shape(this.heads, this.headDim, this.groups, this.stateSize, this.taps, this.epsilon, other,
					this.filterBias, this.minStep, this.maxStep, this.activation);
		}

		int inner() {
			return this.heads * this.headDim;
		}

		int channels() {
			return inner() + 2 * this.groups * this.stateSize;
		}

		/**
		 * Names of properties.
		 *
		 * @param heads number of heads
		 * @param headDim length of a head
		 * @param stateSize size of a state
		 */
		record Names(String heads, String headDim, String stateSize) {

		}

	}

}
