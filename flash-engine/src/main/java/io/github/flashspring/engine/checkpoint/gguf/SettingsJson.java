package io.github.flashspring.engine.checkpoint.gguf;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

import io.github.flashspring.engine.checkpoint.Quantization;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes a Llama's {@code config.json}, {@code tokenizer_config.json} and
 * {@code generation_config.json} in the names that transformers and mlx-lm use.
 */
final class SettingsJson {

	private final JsonMapper json;

	private final GgufMetadata metadata;

	SettingsJson(JsonMapper json, GgufMetadata metadata) {
		this.json = json;
		this.metadata = metadata;
	}

	ObjectNode config(LlamaShape shape, LlamaTensors tensors, @Nullable GgufVocabulary vocabulary) {
		ObjectNode config = this.json.createObjectNode();
		config.putArray("architectures").add("LlamaForCausalLM");
		config.put("model_type", "llama");
		config.put("hidden_size", shape.hiddenSize());
		config.put("intermediate_size", shape.intermediateSize());
		config.put("num_hidden_layers", shape.layers());
		config.put("num_attention_heads", shape.heads());
		config.put("num_key_value_heads", shape.keyValueHeads());
		config.put("head_dim", shape.headDim());
		config.put("vocab_size", tensors.vocabSize());
		config.put("max_position_embeddings", shape.contextLength());
		config.put("rms_norm_eps", shape.rmsNormEps());
		config.put("rope_theta", shape.ropeTheta());
		rope(config, shape);
		config.put("hidden_act", "silu");
		config.put("attention_bias", tensors.hasAttentionBias());
		config.put("mlp_bias", tensors.hasMlpBias());
		config.put("tie_word_embeddings", !tensors.hasHead());
		if (vocabulary != null) {
			put(config, "bos_token_id", vocabulary.bos());
			put(config, "eos_token_id", vocabulary.eos());
			put(config, "pad_token_id", vocabulary.pad());
		}
		quantization(config, tensors.quantization());
		return config;
	}

	private static void rope(ObjectNode config, LlamaShape shape) {
		RopeFactors.Llama3 llama3 = shape.ropeScaling();
		if (llama3 != null) {
			config.putObject("rope_scaling")
				.put("rope_type", "llama3")
				.put("factor", llama3.factor())
				.put("low_freq_factor", llama3.lowFreqFactor())
				.put("high_freq_factor", llama3.highFreqFactor())
				.put("original_max_position_embeddings", llama3.originalMaxPositionEmbeddings());
		}
		else if (shape.linearFactor() != 1) {
			config.putObject("rope_scaling").put("rope_type", "linear").put("factor", shape.linearFactor());
		}
		else {
			config.putNull("rope_scaling");
		}
	}

	/** The most frequent setting as the default, every other module by name. */
	private static void quantization(ObjectNode config, Map<String, Optional<Quantization>> modules) {
		Map<Quantization, Integer> counts = new LinkedHashMap<>();
		modules.values().forEach((setting) -> setting.ifPresent((value) -> counts.merge(value, 1, Integer::sum)));
		Optional<Quantization> standard = counts.entrySet()
			.stream()
			.max(Comparator.comparingInt(Map.Entry::getValue))
			.map(Map.Entry::getKey);
		if (standard.isEmpty()) {
			return;
		}
		ObjectNode quantization = config.putObject("quantization");
		put(quantization, standard.get());
		modules.forEach((module, setting) -> {
			if (setting.isEmpty()) {
				quantization.put(module, false);
			}
			else if (!setting.equals(standard)) {
				put(quantization.putObject(module), setting.get());
			}
		});
	}

	private static void put(ObjectNode node, Quantization quantization) {
		node.put("group_size", quantization.groupSize());
		node.put("bits", quantization.bits());
		node.put("mode", quantization.mode().toString());
	}

	private static void put(ObjectNode node, String name, OptionalInt value) {
		value.ifPresent((present) -> node.put(name, present));
	}

	ObjectNode tokenizerConfig(LlamaShape shape, GgufVocabulary vocabulary, TokenizerJson tokenizer) {
		ObjectNode config = this.json.createObjectNode();
		config.put("tokenizer_class", vocabulary.byteLevel() ? "PreTrainedTokenizerFast" : "LlamaTokenizer");
		config.put("add_bos_token", vocabulary.addBos());
		config.put("add_eos_token", vocabulary.addEos());
		token(config, "bos_token", vocabulary, vocabulary.bos());
		token(config, "eos_token", vocabulary, vocabulary.eos());
		token(config, "unk_token", vocabulary, vocabulary.unk());
		token(config, "pad_token", vocabulary, vocabulary.pad());
		config.put("clean_up_tokenization_spaces", false);
		config.put("model_max_length", shape.contextLength());
		ObjectNode added = config.putObject("added_tokens_decoder");
		for (int id = 0; id < vocabulary.tokens().size(); id++) {
			if (vocabulary.isAdded(id)) {
				tokenizer.describe(added.putObject(String.valueOf(id)), id);
			}
		}
		this.metadata.findString("tokenizer.chat_template")
			.ifPresent((template) -> config.put("chat_template", template));
		return config;
	}

	private static void token(ObjectNode config, String name, GgufVocabulary vocabulary, OptionalInt id) {
		if (id.isPresent()) {
			config.put(name, vocabulary.text(id));
		}
		else {
			config.putNull(name);
		}
	}

	ObjectNode generationConfig(GgufVocabulary vocabulary) {
		ObjectNode config = this.json.createObjectNode();
		put(config, "bos_token_id", vocabulary.bos());
		ArrayNode ends = config.putArray("eos_token_id");
		vocabulary.turnEnds(this.metadata).forEach(ends::add);
		put(config, "pad_token_id", vocabulary.pad());
		number(config, "temperature", "general.sampling.temp");
		number(config, "top_p", "general.sampling.top_p");
		number(config, "min_p", "general.sampling.min_p");
		number(config, "repetition_penalty", "general.sampling.penalty_repeat");
		put(config, "top_k", this.metadata.findInt("general.sampling.top_k", 0, Integer.MAX_VALUE));
		if (config.has("temperature") || config.has("top_p") || config.has("top_k")) {
			config.put("do_sample", true);
		}
		return config;
	}

	private void number(ObjectNode config, String name, String key) {
		Double value = this.metadata.findDouble(key);
		if (value != null) {
			config.put(name, value);
		}
	}

}
