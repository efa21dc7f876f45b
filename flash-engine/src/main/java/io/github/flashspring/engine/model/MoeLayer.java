package io.github.flashspring.engine.model;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.weights.Parameter;
import io.github.flashspring.engine.weights.WeightGroup;

/**
 * A MoE layer: a router sends each token to a few of many experts, whose outputs are
 * added with the router's weights; a shared expert sees every token. Experts work on the
 * stream or in a {@link LatentSpace}, the shared one on the stream. {@link MoeExecutor}
 * computes it.
 *
 * @param router chooses the experts
 * @param experts what they compute
 * @param firstExpert weights of the first expert; those of the others follow
 * @param shared what every token sees, or null
 * @param latent where experts work if not on the stream, or null
 * @see <a href="https://arxiv.org/abs/1701.06538">Shazeer et al. 2017</a>
 */
record MoeLayer(Router router, List<Expert> experts, WeightGroup firstExpert, @Nullable SharedExpert shared,
		@Nullable LatentSpace latent) {

	/** Declares the weights of an expert. */
	@FunctionalInterface
	interface ExpertFactory {

		/**
		 * Declares them.
		 * @param expert gets them
		 * @return what it computes
		 */
		Expert create(ExpertBuilder expert);

	}

	/** Options of a MoE layer. */
	static final class Builder {

		private final LayerBuilder layer;

		private final Routing routing;

		private final Linear router;

		private @Nullable Parameter correction;

		private @Nullable Linear sharedGate;

		private @Nullable SharedExpert shared;

		private @Nullable LatentSpace latent;

		Builder(LayerBuilder layer, Routing routing, String router, Bias bias) {
			this.layer = layer;
			this.routing = routing;
			this.router = layer.linear(router, routing.experts(), layer.hiddenSize(), bias);
		}

		/** What is added to the scores for the choice alone. */
		Builder correction(String tensor) {
			this.correction = this.layer.vector(tensor, this.routing.experts());
			return this;
		}

		/** The weight of what every token sees; asked together with the router. */
		Builder sharedGate(String module) {
			this.sharedGate = this.layer.linear(module, 1, this.layer.hiddenSize(), Bias.ABSENT);
			return this;
		}

		/** What every token sees. */
		Builder shared(Sublayer mlp) {
			this.shared = new SharedExpert(mlp, this.sharedGate, this.layer.slots().shared("experts.gate", 1));
			return this;
		}

		/** Where experts work, if not on the stream. */
		Builder latent(LatentSpace space) {
			this.latent = space;
			return this;
		}

		/**
		 * Ends with the experts.
		 * @param factory declares the weights of each
		 * @return what computes the layer
		 */
		Sublayer experts(ExpertFactory factory) {
			List<Expert> experts = new ArrayList<>();
			WeightGroup first = null;
			for (int i = 0; i < this.routing.experts(); i++) {
				ExpertBuilder expert = this.layer.expert(i, this.routing);
				experts.add(factory.create(expert));
				first = (first != null) ? first : expert.group();
			}
			if (first == null) {
				throw new IllegalArgumentException("A MoE layer needs at least one expert");
			}
			Router chosen = new Router(this.router, this.correction, this.routing, this.layer.slots());
			return new MoeExecutor(new MoeLayer(chosen, List.copyOf(experts), first, this.shared, this.latent),
					this.layer);
		}

	}

}
