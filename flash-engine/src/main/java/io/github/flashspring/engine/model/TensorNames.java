package io.github.flashspring.engine.model;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

import io.github.flashspring.engine.checkpoint.Checkpoint;

/**
 * Where checkpoints of an architecture have what the model code asks for. This class and
 * its subclass in an architecture's file are the only ones that know foreign names and
 * layouts, and that look which of them a checkpoint has. The names here are Llama's.
 */
class TensorNames {

	private static final String HEAD = "lm_head";

	private final Checkpoint checkpoint;

	private final List<String> unused = new ArrayList<>(List.of(".rotary_emb.inv_freq"));

	TensorNames(Checkpoint checkpoint) {
		this.checkpoint = checkpoint;
	}

	/** Module of the token embedding. */
	String embedding() {
		return "model.embed_tokens";
	}

	/** What the names of a layer's tensors begin with. */
	String layer(int index) {
		return "model.layers." + index + ".";
	}

	/** Module of the final norm. */
	String norm() {
		return "model.norm";
	}

	/**
	 * Module of the head. A head that the checkpoint has is used even if
	 * {@code tie_word_embeddings} is set, as in transformers. Whether it is a copy of the
	 * embedding would show only once both were read.
	 * @param config says whether the head is the embedding
	 * @return {@code lm_head}, or the embedding's
	 */
	final String head(DecoderConfig config) {
		if (!config.tieWordEmbeddings() || has(HEAD + ".weight")) {
			return HEAD;
		}
		this.unused.addAll(List.of(HEAD + ".weight", HEAD + ".scales", HEAD + ".biases"));
		return embedding();
	}

	/** Ends of names of tensors that the checkpoint may hold although none is used. */
	final List<String> unused() {
		return Collections.unmodifiableList(this.unused);
	}

	/** Lets the checkpoint hold a tensor that is not used. */
	final void ignore(String tensor) {
		this.unused.add(tensor);
	}

	/** Lets the checkpoint hold tensors whose names begin in the same way. */
	final void ignoreAll(String prefix) {
		this.checkpoint.tensors().keySet().stream().filter((name) -> name.startsWith(prefix)).forEach(this::ignore);
	}

	final boolean has(String tensor) {
		return this.checkpoint.has(tensor);
	}

	/** Whether a layer has a tensor, named below the layer's prefix. */
	final boolean has(LayerBuilder layer, String tensor) {
		return has(layer(layer.index()) + tensor);
	}

	final Checkpoint checkpoint() {
		return this.checkpoint;
	}

}
