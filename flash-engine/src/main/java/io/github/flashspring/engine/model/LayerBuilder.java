package io.github.flashspring.engine.model;

import java.util.ArrayList;
import java.util.List;

import io.github.flashspring.engine.weights.Parameter;
import io.github.flashspring.engine.weights.WeightGroup;

/**
 * A layer of a decoder while it is defined. Weights are declared in the order in which
 * they are used, since that is the order in which they are read.
 */
final class LayerBuilder {

	private final Decoder decoder;

	private final int index;

	private final WeightGroup group;

	private final List<WeightGroup> experts = new ArrayList<>();

	private final List<Residual.Branch> branches = new ArrayList<>();

	LayerBuilder(Decoder decoder, int index) {
		this.decoder = decoder;
		this.index = index;
		this.group = new WeightGroup("layers." + index, decoder.names().layer(index));
	}

	/**
	 * Adds {@code stream += sublayer(norm(stream))}.
	 * @param norm of the input
	 * @param sublayer what is computed
	 */
	void add(Norm norm, Sublayer sublayer) {
		add(Residual.Branch.preNorm(norm, sublayer));
	}

	void add(Residual.Branch branch) {
		this.branches.add(branch);
		branch.sublayer().attach(branch.before());
	}

	/**
	 * Declares a norm of the residual stream.
	 * @param module its name
	 * @param kind how norms of this model are made
	 * @return the norm
	 */
	Norm norm(String module, Norm.Kind kind) {
		return kind.of(this.group, module, hiddenSize());
	}

	Linear linear(String module, int outputs, int inputs, Bias bias) {
		return Linear.of(this.group, module, outputs, inputs, bias);
	}

	Parameter vector(String tensor, int length) {
		return this.group.vector(tensor, length);
	}

	/**
	 * Starts self-attention.
	 * @param module its name
	 * @return options as in Llama
	 */
	Attention.Builder attention(String module) {
		return new Attention.Builder(this, module);
	}

	/**
	 * Declares an MLP.
	 * @param module its name
	 * @param shape sizes and activation
	 * @return the MLP
	 */
	Mlp mlp(String module, Mlp.Shape shape) {
		return Mlp.of(this.group, module, shape, Mlp.Activations.of(this, shape));
	}

	/**
	 * Starts a MoE layer.
	 * @param routing how the router's logits become experts
	 * @param router name of the router's module
	 * @param bias whether the router has one
	 * @return options without shared experts
	 */
	MoeLayer.Builder moe(Routing routing, String router, Bias bias) {
		return new MoeLayer.Builder(this, routing, router, bias);
	}

	/**
	 * Starts an expert, whose names begin like those of the layer.
	 * @param expert its index
	 * @param routing how many experts there are, and how many a token needs
	 * @return the expert without weights
	 */
	ExpertBuilder expert(int expert, Routing routing) {
		slots().experts(routing.perToken());
		WeightGroup weights = new WeightGroup("layers." + this.index + ".experts." + expert,
				this.decoder.names().layer(this.index), routing.perToken(), routing.experts());
		this.experts.add(weights);
		return new ExpertBuilder(this, weights, expert, routing.experts());
	}

	int index() {
		return this.index;
	}

	WeightGroup group() {
		return this.group;
	}

	DecoderConfig config() {
		return this.decoder.config();
	}

	int hiddenSize() {
		return config().hiddenSize();
	}

	Slots slots() {
		return this.decoder.slots();
	}

	Requirements requirements() {
		return this.decoder.requirements();
	}

	Decoder decoder() {
		return this.decoder;
	}

	ModelDefinition.Part build() {
		return new ModelDefinition.Part(this.group, this.experts,
				new Residual(this.decoder.buffers(), List.copyOf(this.branches)));
	}

}
