package io.github.flashspring.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

import io.github.flashspring.engine.checkpoint.Safetensors;
import io.github.flashspring.engine.checkpoint.TensorSource;

/**
 * A checkpoint that repeats what followed the same token before, at any distance. Its
 * weights are constructed: the first layer attends to the token before and notes its
 * code; the second looks for a note that is the token's own code, and passes on the code
 * of the token that has it.
 *
 * <p>
 * The residual stream holds the code of the token (64 numbers ±1, orthogonal), the note,
 * the result and a constant. Of a head's 64 rotated pairs the first ones turn fast enough
 * to tell neighbours apart; the last ones turn by less than 0.05 rad within 32,768 tokens
 * and compare codes.
 */
final class InductionModel {

	/** Tokens, each with a code. */
	static final int VOCABULARY = 64;

	static final int MAX_LENGTH = 33000;

	private static final int HIDDEN = 256;

	private static final int HEAD = 128;

	private static final int NOTE = 64;

	private static final int RESULT = 128;

	private static final int CONSTANT = 192;

	private static final double THETA = 1e12;

	/** Pairs of a head that find the token before. */
	private static final int FAST_PAIRS = 31;

	/**
	 * Factor of a query. The score of the token before is some 1,300 above that of its
	 * neighbours then, and keys in 8 bits change scores by at most 410.
	 */
	private static final float SHARPNESS = 1200f;

	private InductionModel() {
	}

	/**
	 * Writes the checkpoint.
	 * @param folder an empty folder
	 */
	static void write(Path folder) throws IOException {
		Files.writeString(folder.resolve("config.json"), """
				{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": %d,
				"intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 1, "num_key_value_heads": 1,
				"head_dim": %d, "vocab_size": %d, "max_position_embeddings": %d, "rms_norm_eps": 1e-6,
				"rope_theta": %s, "hidden_act": "silu", "tie_word_embeddings": false}
				""".formatted(HIDDEN, HEAD, VOCABULARY, MAX_LENGTH, THETA));
		Map<String, TensorSource> tensors = new LinkedHashMap<>();
		float[] embedding = new float[VOCABULARY * HIDDEN];
		float[] head = new float[VOCABULARY * HIDDEN];
		for (int token = 0; token < VOCABULARY; token++) {
			for (int i = 0; i < VOCABULARY; i++) {
				embedding[token * HIDDEN + i] = code(token, i);
				head[token * HIDDEN + RESULT + i] = code(token, i);
			}
			embedding[token * HIDDEN + CONSTANT] = 8;
		}
		tensors.put("model.embed_tokens.weight", TensorSource.of(embedding, VOCABULARY, HIDDEN));
		layer(tensors, 0, previousQueries(), previousKeys(), NOTE);
		layer(tensors, 1, codeQueries(0), codeQueries(NOTE), RESULT);
		tensors.put("model.norm.weight", ones());
		tensors.put("lm_head.weight", TensorSource.of(head, VOCABULARY, HIDDEN));
		Safetensors.write(folder.resolve("model.safetensors"), tensors, Map.of());
	}

	/** Rows of a Hadamard matrix: orthogonal. */
	private static float code(int token, int i) {
		return (Integer.bitCount(token & i) % 2 == 0) ? 1f : -1f;
	}

	private static void layer(Map<String, TensorSource> tensors, int layer, float[] queries, float[] keys, int target) {
		float[] values = new float[HEAD * HIDDEN];
		float[] output = new float[HIDDEN * HEAD];
		for (int i = 0; i < VOCABULARY; i++) {
			values[i * HIDDEN + i] = 1;
			output[(target + i) * HEAD + i] = 1;
		}
		String prefix = "model.layers." + layer + ".";
		tensors.put(prefix + "input_layernorm.weight", ones());
		tensors.put(prefix + "self_attn.q_proj.weight", TensorSource.of(queries, HEAD, HIDDEN));
		tensors.put(prefix + "self_attn.k_proj.weight", TensorSource.of(keys, HEAD, HIDDEN));
		tensors.put(prefix + "self_attn.v_proj.weight", TensorSource.of(values, HEAD, HIDDEN));
		tensors.put(prefix + "self_attn.o_proj.weight", TensorSource.of(output, HIDDEN, HEAD));
		tensors.put(prefix + "post_attention_layernorm.weight", ones());
		tensors.put(prefix + "mlp.gate_proj.weight", TensorSource.of(new float[16 * HIDDEN], 16, HIDDEN));
		tensors.put(prefix + "mlp.up_proj.weight", TensorSource.of(new float[16 * HIDDEN], 16, HIDDEN));
		tensors.put(prefix + "mlp.down_proj.weight", TensorSource.of(new float[HIDDEN * 16], HIDDEN, 16));
	}

	/** A constant, turned back by one position: it meets the key of the token before. */
	private static float[] previousQueries() {
		float[] weights = new float[HEAD * HIDDEN];
		for (int pair = 0; pair < FAST_PAIRS; pair++) {
			double angle = Math.pow(THETA, -2.0 * pair / HEAD);
			weights[pair * HIDDEN + CONSTANT] = (float) (SHARPNESS / 8 * Math.cos(angle));
			weights[(pair + HEAD / 2) * HIDDEN + CONSTANT] = (float) (-SHARPNESS / 8 * Math.sin(angle));
		}
		return weights;
	}

	private static float[] previousKeys() {
		float[] weights = new float[HEAD * HIDDEN];
		for (int pair = 0; pair < FAST_PAIRS; pair++) {
			weights[pair * HIDDEN + CONSTANT] = 1;
		}
		return weights;
	}

	/** A code from the stream, in the pairs that hardly turn. */
	private static float[] codeQueries(int from) {
		float[] weights = new float[HEAD * HIDDEN];
		for (int i = 0; i < VOCABULARY; i++) {
			int number = (i < 32) ? 32 + i : 64 + i;
			weights[number * HIDDEN + from + i] = 8;
		}
		return weights;
	}

	private static TensorSource ones() {
		float[] values = new float[HIDDEN];
		Arrays.fill(values, 1f);
		return TensorSource.of(values, HIDDEN);
	}

}
