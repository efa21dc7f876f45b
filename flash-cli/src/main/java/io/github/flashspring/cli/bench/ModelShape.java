package io.github.flashspring.cli.bench;

import java.util.LinkedHashMap;
import java.util.SequencedMap;

/**
 * The shape of a Llama model.
 *
 * @param layers number of layers
 * @param hiddenSize width of the residual stream
 * @param intermediateSize width inside the MLP
 * @param heads number of query heads
 * @param keyValueHeads number of key-value heads
 * @param headDim length of a head
 * @param vocabularySize number of tokens
 * @param tied whether the head is the embedding
 */
record ModelShape(int layers, int hiddenSize, int intermediateSize, int heads, int keyValueHeads, int headDim,
		int vocabularySize, boolean tied) {

	/** Llama 3.2 1B with a vocabulary of 32,000 tokens and a head of its own. */
	static final ModelShape LLAMA_1B = new ModelShape(16, 2048, 8192, 32, 8, 64, 32_000, false);

	/**
	 * The matrices, under the names that Hugging Face gives them.
	 * @return name to {rows, columns}, in the order of a forward pass
	 */
	SequencedMap<String, int[]> matrices() {
		SequencedMap<String, int[]> matrices = new LinkedHashMap<>();
		matrices.put("model.embed_tokens", new int[] { this.vocabularySize, this.hiddenSize });
		for (int i = 0; i < this.layers; i++) {
			String layer = "model.layers." + i + ".";
			matrices.put(layer + "self_attn.q_proj", new int[] { this.heads * this.headDim, this.hiddenSize });
			matrices.put(layer + "self_attn.k_proj", new int[] { this.keyValueHeads * this.headDim, this.hiddenSize });
			matrices.put(layer + "self_attn.v_proj", new int[] { this.keyValueHeads * this.headDim, this.hiddenSize });
			matrices.put(layer + "self_attn.o_proj", new int[] { this.hiddenSize, this.heads * this.headDim });
			matrices.put(layer + "mlp.gate_proj", new int[] { this.intermediateSize, this.hiddenSize });
			matrices.put(layer + "mlp.up_proj", new int[] { this.intermediateSize, this.hiddenSize });
			matrices.put(layer + "mlp.down_proj", new int[] { this.hiddenSize, this.intermediateSize });
		}
		if (!this.tied) {
			matrices.put("lm_head", new int[] { this.vocabularySize, this.hiddenSize });
		}
		return matrices;
	}

	/**
	 * The vectors of the norms.
	 * @return names of vectors of {@link #hiddenSize} values
	 */
	Iterable<String> norms() {
		SequencedMap<String, Integer> norms = new LinkedHashMap<>();
		for (int i = 0; i < this.layers; i++) {
			norms.put("model.layers." + i + ".input_layernorm", i);
			norms.put("model.layers." + i + ".post_attention_layernorm", i);
		}
		norms.put("model.norm", this.layers);
		return norms.sequencedKeySet();
	}

}
