package io.github.flashspring.engine.model;

import java.util.List;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.residency.StreamingProxy;
import io.github.flashspring.engine.weights.Weights;

/**
 * A layer: each of its branches reads the residual stream and adds to it.
 *
 * @param buffers where branches compute
 * @param branches in order
 */
record Residual(Buffers buffers, List<Branch> branches) implements StreamingProxy.Layer<Pass> {

	@Override
	public void forward(Pass pass, Weights weights) {
		forward(List.of(pass), weights);
	}

	/**
	 * All rows go through one branch before the next, so that a MoE layer sees all of
	 * them at once.
	 */
	@Override
	public void forward(List<Pass> chunks, Weights weights) {
		for (Branch branch : this.branches) {
			branch.sublayer().forward(chunks, weights, new Connection(this.buffers, branch));
		}
	}

	/**
	 * Buffers that all layers share.
	 *
	 * @param stream the residual stream
	 * @param normed input of a branch
	 * @param delta output of a branch
	 */
	record Buffers(Slots.Slot stream, Slots.Slot normed, Slots.Slot delta) {

	}

	/**
	 * A part of a layer: {@code stream += multiplier · after(sublayer(before(stream)))}.
	 *
	 * @param before norm of the input, or null
	 * @param sublayer what is computed
	 * @param after norm of the output, or null
	 * @param multiplier of what is added
	 */
	record Branch(@Nullable Norm before, Sublayer sublayer, @Nullable Norm after, float multiplier) {

		/** {@code stream += sublayer(before(stream))}. */
		static Branch preNorm(Norm before, Sublayer sublayer) {
			return new Branch(before, sublayer, null, 1f);
		}

		/** {@code stream += after(sublayer(stream))}. */
		static Branch postNorm(Sublayer sublayer, Norm after) {
			return new Branch(null, sublayer, after, 1f);
		}

		/** {@code stream += after(sublayer(before(stream)))}. */
		static Branch sandwich(Norm before, Sublayer sublayer, Norm after) {
			return new Branch(before, sublayer, after, 1f);
		}

		/** The same with a factor of what is added. */
		Branch times(float factor) {
			return new Branch(this.before, this.sublayer, this.after, factor);
		}

	}

	/** Connects a sublayer with the residual stream. */
	record Connection(Buffers buffers, Branch branch) {

		/**
		 * The normed stream.
		 * @param pass the rows
		 * @param weights of the layer
		 * @return F32 [rows, hiddenSize], until the next call
		 */
		Tensor input(Pass pass, Weights weights) {
			return input(pass, weights, this.buffers.normed());
		}

		/**
		 * The normed stream in a buffer of the caller's.
		 * @param pass the rows
		 * @param weights of the layer
		 * @param buffer receives it, unless there is no norm
		 * @return F32 [rows, hiddenSize]
		 */
		Tensor input(Pass pass, Weights weights, Slots.Slot buffer) {
			Tensor stream = pass.get(this.buffers.stream());
			if (this.branch.before() == null) {
				return stream;
			}
			Tensor input = pass.get(buffer);
			this.branch.before().forward(pass, weights, input, stream);
			return input;
		}

		/** A buffer for the output, F32 [rows, hiddenSize]. */
		Tensor output(Pass pass) {
			return pass.get(this.buffers.delta());
		}

		/**
		 * Adds to the stream.
		 * @param pass the rows
		 * @param weights of the layer
		 * @param output F32 [rows, hiddenSize]; overwritten
		 */
		void add(Pass pass, Weights weights, Tensor output) {
			if (this.branch.after() != null) {
				this.branch.after().forward(pass, weights, output, output);
			}
			if (this.branch.multiplier() == 1f) {
				pass.device().add(pass.get(this.buffers.stream()), output);
			}
			else {
				pass.device()
					.elementwise()
					.addScaled(pass.get(this.buffers.stream()), output, this.branch.multiplier());
			}
		}

	}

}
