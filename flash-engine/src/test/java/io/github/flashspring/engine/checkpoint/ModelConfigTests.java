package io.github.flashspring.engine.checkpoint;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Configs of models in old and new spellings, and what is refused in them.
 */
class ModelConfigTests {

	@Test
	void readsTypedValues() {
		ModelConfig config = parse("""
				{"model_type": "llama", "hidden_size": 64, "sliding_window": null, "factor": 2, "eps": 1e-5,
				 "tie": true, "architectures": ["A", "B"], "eos": [1, 2], "one": 3, "whole": 8192.0, "big": 1e300,
				 "text_config": {"num_hidden_layers": 2, "deep": {"x": "y"}}, "negative": -1}""");
		assertThat(config.modelType()).isEqualTo("llama");
		assertThat(config.getInt("hidden_size")).isEqualTo(64);
		assertThat(config.getInt("whole")).isEqualTo(8192);
		assertThat(config.getInt("negative")).isEqualTo(-1);
		assertThat(config.has("sliding_window")).isFalse();
		assertThat(config.findInt("sliding_window")).isEmpty();
		assertThat(config.getInt("sliding_window", 7)).isEqualTo(7);
		assertThat(config.getDouble("factor")).isEqualTo(2.0);
		assertThat(config.getFloat("eps")).isEqualTo(1e-5f);
		assertThat(config.getDouble("big")).isEqualTo(1e300);
		assertThat(config.getBoolean("tie")).isTrue();
		assertThat(config.getBoolean("other", true)).isTrue();
		assertThat(config.getStrings("architectures")).containsExactly("A", "B");
		assertThat(config.getInts("eos")).containsExactly(1, 2);
		assertThat(config.getInts("one")).containsExactly(3);
		assertThat(config.getInts("none")).isEmpty();
		assertThat(config.child("text_config").orElseThrow().getInt("num_hidden_layers")).isEqualTo(2);
		assertThat(config.child("none")).isEmpty();
		assertThat(config.names()).contains("hidden_size").doesNotContain("sliding_window");
	}

	@Test
	void readsInfinityInEverySpelling() {
		ModelConfig config = parse("""
				{"new": {"__float__": "Infinity"}, "old": Infinity, "low": {"__float__": "-Infinity"},
				 "nan": {"__float__": "NaN"}, "limits": [0.0, {"__float__": "Infinity"}]}""");
		assertThat(config.getDouble("new")).isEqualTo(Double.POSITIVE_INFINITY);
		assertThat(config.getDouble("old")).isEqualTo(Double.POSITIVE_INFINITY);
		assertThat(config.getFloat("low")).isEqualTo(Float.NEGATIVE_INFINITY);
		assertThat(config.getDouble("nan")).isNaN();
		assertThat(config.getDoubles("limits")).containsExactly(0.0, Double.POSITIVE_INFINITY);
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
			{"hidden_size": "64"}           | expected a whole number, found the text '64'
			{"hidden_size": 64.5}           | expected a whole number, found the number '64.5'
			{"hidden_size": true}           | expected a whole number, found true
			{"hidden_size": [64]}           | expected a whole number, found an array
			{"hidden_size": {}}             | expected a whole number, found an object
			{"hidden_size": 0}              | expected a whole number from 1 to 16777216, found the number '0'
			{"hidden_size": 2147483648}     | expected a whole number from 1 to 16777216
			{"hidden_size": 1e300}          | expected a whole number from 1 to 16777216
			{"hidden_size": 99999999999999999999999} | expected a whole number from 1 to 16777216
			{"hidden_size": NaN}            | expected a whole number, found the number 'NaN'
			{"hidden_size": null}           | expected a whole number, found nothing
			{}                              | expected a whole number, found nothing
			""")
	void refusesBadWholeNumbers(String json, String message) {
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> parse(json).getInt("hidden_size"))
			.withMessageContaining("Property 'hidden_size' of some/config.json: " + message);
	}

	@Test
	void boundsLayers() {
		assertThat(parse("{\"num_hidden_layers\": 10000}").getInt("num_hidden_layers")).isEqualTo(10_000);
		assertThatExceptionOfType(CheckpointException.class)
			.isThrownBy(() -> parse("{\"num_hidden_layers\": 10001}").getInt("num_hidden_layers"))
			.withMessageContaining("from 1 to 10000");
	}

	@Test
	void namesNestedProperties() {
		ModelConfig config = parse("{\"a\": {\"b\": {\"c\": 1}}}");
		assertThatExceptionOfType(CheckpointException.class)
			.isThrownBy(() -> config.child("a").orElseThrow().child("b").orElseThrow().getString("c"))
			.withMessageContaining("Property 'a.b.c'");
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> config.getBoolean("a"))
			.withMessageContaining("expected true or false, found an object");
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> config.getDouble("a"));
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> config.getStrings("a"));
		assertThatExceptionOfType(CheckpointException.class)
			.isThrownBy(() -> parse("{\"x\": {\"__float__\": \"1\"}}").getDouble("x"));
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> parse("{\"x\": 1e300}").getFloat("x"))
			.withMessageContaining("range of single precision");
	}

	@ParameterizedTest
	@ValueSource(
			strings = { "", "[]", "1", "{", "{\"a\":1}{", "{\"a\":1,\"a\":2}", "{\"a\":01}", "{'a':1}", "{\"a\":1,}" })
	void refusesAnythingButStrictJsonObjects(String json) {
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> parse(json))
			.withMessageContaining("some/config.json");
	}

	@ParameterizedTest
	@ValueSource(strings = { """
			{"rope_parameters": {"rope_type": "llama3", "rope_theta": 5e5, "factor": 8, "low_freq_factor": 1,
			  "high_freq_factor": 4, "original_max_position_embeddings": 64}}""", """
			{"rope_theta": 500000, "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1,
			  "high_freq_factor": 4, "original_max_position_embeddings": 64}}""", """
			{"rope_theta": 500000, "rope_scaling": {"type": "llama3", "factor": 8.0, "low_freq_factor": 1,
			  "high_freq_factor": 4}, "original_max_position_embeddings": 64}""", """
			{"rope_theta": 1, "rope_scaling": {"type": "linear", "factor": 2}, "rope_parameters":
			  {"rope_type": "llama3", "type": "x", "rope_theta": 5e5, "factor": 8, "low_freq_factor": 1,
			  "high_freq_factor": 4, "original_max_position_embeddings": 64}}""" })
	void unifiesSpellingsOfRope(String json) {
		RopeParameters rope = parse(json).ropeParameters();
		assertThat(rope.type()).isEqualTo("llama3");
		assertThat(rope.theta()).isEqualTo(500_000);
		assertThat(rope.partialRotaryFactor()).isEqualTo(1);
		assertThat(rope.factor()).isEqualTo(8);
		assertThat(rope.lowFreqFactor()).isEqualTo(1);
		assertThat(rope.highFreqFactor()).isEqualTo(4);
		assertThat(rope.originalMaxPositionEmbeddings()).hasValue(64);
	}

	@Test
	void ropeHasDefaultsAndKeepsUnknownKinds() {
		RopeParameters plain = parse("{\"rope_scaling\": null}").ropeParameters();
		assertThat(plain.type()).isEqualTo("default");
		assertThat(plain.theta()).isEqualTo(10_000);
		assertThat(plain.originalMaxPositionEmbeddings()).isEmpty();
		assertThat(parse("{\"rope_scaling\": {\"type\": \"su\"}}").ropeParameters().type()).isEqualTo("longrope");
		assertThat(parse("{\"rope_scaling\": {\"type\": \"future\"}}").ropeParameters().type()).isEqualTo("future");
		assertThat(parse("{\"partial_rotary_factor\": 0.5}").ropeParameters().partialRotaryFactor()).isEqualTo(0.5);
	}

	@Test
	void topLevelOriginalPositionsTakePrecedence() {
		RopeParameters rope = parse("""
				{"original_max_position_embeddings": 32, "rope_parameters": {"rope_type": "yarn", "factor": 2,
				 "original_max_position_embeddings": 64}}""").ropeParameters();
		assertThat(rope.originalMaxPositionEmbeddings()).hasValue(32);
	}

	@Test
	void nullDiffersFromAbsent() {
		ModelConfig config = parse("{\"sliding_window\": null, \"q_lora_rank\": 7}");
		assertThat(config.isNull("sliding_window")).isTrue();
		assertThat(config.has("sliding_window")).isFalse();
		assertThat(config.isNull("q_lora_rank")).isFalse();
		assertThat(config.isNull("n_group")).isFalse();
		assertThat(config.getInt("sliding_window", 4096, 0)).isZero();
		assertThat(config.getInt("q_lora_rank", 4096, 0)).isEqualTo(7);
		assertThat(config.getInt("n_group", 8, 0)).isEqualTo(8);
		assertThat(config.getFloat("sliding_window", 30f, 0f)).isZero();
		assertThat(config.getFloat("q_lora_rank", 30f, 0f)).isEqualTo(7f);
		assertThat(config.getFloat("n_group", 30f, 0f)).isEqualTo(30f);
	}

	@Test
	void ropePerLayerType() {
		ModelConfig config = parse("""
				{"rope_parameters": {"full_attention": {"rope_theta": 1e6, "rope_type": "default"},
				 "sliding_attention": {"rope_theta": 1e4, "rope_type": "default"}}}""");
		assertThat(config.ropeParameters("full_attention", 5).theta()).isEqualTo(1e6);
		assertThat(config.ropeParameters("sliding_attention", 5).theta()).isEqualTo(1e4);
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> config.ropeParameters())
			.withMessageContaining("values per layer type [full_attention, sliding_attention]");
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> config.ropeParameters("other", 5));
		assertThat(parse("{\"rope_theta\": 7}").ropeParameters("full_attention", 5).theta()).isEqualTo(7);
		assertThat(parse("{\"rope_scaling\": {}}").ropeParameters("full_attention", 5).theta()).isEqualTo(5);
		assertThat(parse("{}").ropeParameters(3).theta()).isEqualTo(3);
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', quoteCharacter = '`',
			textBlock = """
					{"rope_theta": 0}                                            | 'rope_theta'
					{"rope_theta": NaN}                                          | 'rope_theta'
					{"rope_parameters": {"rope_theta": -1}}                      | 'rope_parameters.rope_theta'
					{"rope_scaling": {"rope_type": 1}}                           | 'rope_scaling.rope_type'
					{"rope_scaling": {"type": "llama3"}}                         | 'rope_scaling.factor'
					{"rope_scaling": {"type": "llama3", "factor": 0}}            | 'rope_scaling.factor'
					{"rope_scaling": {"factor": 8, "low_freq_factor": 4, "high_freq_factor": 4}} | 'rope_scaling.high_freq_factor'
					{"partial_rotary_factor": 1.5}                               | 'partial_rotary_factor'
					""")
	void refusesBadRope(String json, String property) {
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> {
			RopeParameters rope = parse(json).ropeParameters();
			rope.factor();
			rope.highFreqFactor();
		}).withMessageContaining("Property " + property);
	}

	@Test
	void readsQuantizationWithOverrides() {
		QuantizationConfig config = parse(
				"""
						{"quantization": {"group_size": 64, "bits": 4, "mode": "affine", "model.a": {"group_size": 32, "bits": 8},
						 "model.b": false, "model.c": true, "model.d": {"mode": "nvfp4"}, "model.e": {"bits": 6}}}""")
			.quantization();
		Quantization standard = new Quantization(Quantization.Mode.AFFINE, 4, 64);
		assertThat(config.isPresent()).isTrue();
		assertThat(config.standard()).contains(standard);
		assertThat(config.of("model.x")).contains(standard);
		assertThat(config.of("model.a")).contains(new Quantization(Quantization.Mode.AFFINE, 8, 32));
		assertThat(config.of("model.b")).isEqualTo(Optional.empty());
		assertThat(config.of("model.c")).contains(standard);
		assertThat(config.of("model.d")).contains(new Quantization(Quantization.Mode.NVFP4, 4, 16));
		assertThat(config.of("model.e")).contains(new Quantization(Quantization.Mode.AFFINE, 6, 64));
		assertThat(parse("{\"quantization_config\": {\"group_size\": 32, \"bits\": 8}}").quantization().standard())
			.contains(new Quantization(Quantization.Mode.AFFINE, 8, 32));
		assertThat(parse("{}").quantization()).isSameAs(QuantizationConfig.none());
	}

	@ParameterizedTest
	@ValueSource(strings = { "gptq", "awq", "bitsandbytes", "compressed-tensors", "bitnet", "modelopt" })
	void refusesForeignQuantization(String method) {
		ModelConfig config = parse("{\"quantization_config\": {\"quant_method\": \"" + method + "\", \"bits\": 4}}");
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(config::quantization)
			.withMessageContaining("is quantised by the method '" + method
					+ "' (property 'quantization_config.quant_method'), which is not supported")
			.withMessageContaining("mlx-community");
	}

	@Test
	void refusesForeignQuantizationThatIsOtherwiseNamed() {
		assertThatExceptionOfType(CheckpointException.class)
			.isThrownBy(() -> parse("{\"compression_config\": {\"format\": \"pack-quantized\"}}").quantization())
			.withMessageContaining("'compressed-tensors' (property 'compression_config')");
		assertThatExceptionOfType(CheckpointException.class)
			.isThrownBy(() -> parse("{\"quantization\": {\"w_bit\": 4}}").quantization())
			.withMessageContaining("'unknown' (property 'quantization')");
	}

	@Test
	void readsTheQuantizationOfOriginals() {
		QuantizationConfig blocks = parse("{\"quantization_config\": {\"quant_method\": \"mxfp4\"}}").quantization();
		assertThat(blocks.standard()).contains(new Quantization(Quantization.Mode.MXFP4, 4, 32));
		assertThat(blocks.naming()).isEqualTo(QuantizationConfig.Naming.BLOCKS);
		QuantizationConfig rectangles = parse(
				"{\"quantization_config\": {\"quant_method\": \"fp8\", \"weight_block_size\": [64, 128]}}")
			.quantization();
		assertThat(rectangles.standard()).contains(new Quantization(Quantization.Mode.FP8, 8, 128, 64));
		assertThat(rectangles.standard().orElseThrow()).hasToString("fp8, 8 bits, blocks of 64 by 128");
		assertThat(rectangles.naming()).isEqualTo(QuantizationConfig.Naming.RECTANGLES);
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', quoteCharacter = '`',
			value = { "'weight_block_size': null | weight_block_size | nothing",
					"'weight_block_size': [128] | weight_block_size | [128]",
					"'weight_block_size': [128, 24] | weight_block_size | [128, 24]",
					"'weight_block_size': [0, 128] | weight_block_size | 0",
					"'weight_block_size': [128, 128], 'fmt': 'e5m2' | fmt | 'e5m2'",
					"'weight_block_size': [128, 128], 'activation_scheme': 'static' | activation_scheme | 'static'" })
	void refusesOtherEightBitFloats(String settings, String property, String found) {
		ModelConfig config = parse(
				"{\"quantization_config\": {\"quant_method\": \"fp8\", " + settings.replace('\'', '"') + "}}");
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(config::quantization)
			.withMessageContaining("Property 'quantization_config." + property + "'")
			.withMessageContaining(found);
	}

	@Test
	void refusesImpossibleQuantization() {
		for (String settings : List.of("{\"bits\": 7, \"group_size\": 32}", "{\"bits\": 4, \"group_size\": 48}",
				"{\"bits\": 4, \"mode\": \"other\"}", "{\"mode\": \"fp8\"}", "{\"mode\": \"mxfp4\", \"bits\": 8}",
				"{\"mode\": \"nvfp4\", \"group_size\": 32}", "{\"bits\": \"4\"}", "{\"bits\": 4, \"m\": {\"bits\": 9}}",
				"{\"bits\": 4, \"group_size\": 1000000000000}")) {
			assertThatExceptionOfType(CheckpointException.class)
				.isThrownBy(() -> parse("{\"quantization\": " + settings + "}").quantization())
				.withMessageContaining("Property 'quantization.");
		}
	}

	private static ModelConfig parse(String json) {
		return ModelConfig.parse(Path.of("some/config.json"), json);
	}

}
