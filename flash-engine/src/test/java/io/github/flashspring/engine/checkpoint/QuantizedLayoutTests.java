package io.github.flashspring.engine.checkpoint;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * The tensors of quantised modules in every layout, and an answer of its own to each way
 * in which they can disagree with the settings.
 */
class QuantizedLayoutTests {

	private static final String OPENAI = "{\"quantization_config\": {\"quant_method\": \"mxfp4\"}}";

	private static final String DEEPSEEK = """
			{"quantization_config": {"quant_method": "fp8", "weight_block_size": [4, 16]}}""";

	@TempDir
	private Path folder;

	private final Map<String, TensorSource> tensors = new LinkedHashMap<>();

	private String config = "{}";

	@BeforeEach
	void begin() {
		this.tensors.clear();
	}

	@ParameterizedTest
	@CsvSource({ "2, 4", "3, 6", "4, 8", "5, 10", "6, 12", "8, 16" })
	void affineCodesOfAllSizes(int bits, long words) throws IOException {
		mlx("{\"bits\": " + bits + ", \"group_size\": 32}");
		put("m.weight", DType.U32, 3, words);
		put("m.scales", DType.F16, 3, 2);
		put("m.biases", DType.F16, 3, 2);
		QuantizedTensors tensors = accepts();
		assertThat(tensors.quantization()).isEqualTo(new Quantization(Quantization.Mode.AFFINE, bits, 32));
		assertThat(tensors.columns()).isEqualTo(64);
	}

	@ParameterizedTest
	@CsvSource({ "mxfp4, 4, 32, 8, 2", "mxfp8, 8, 32, 16, 2", "nvfp4, 4, 16, 8, 4" })
	void floatsWithoutBiases(String mode, int bits, int groupSize, long words, long groups) throws IOException {
		mlx("{\"mode\": \"" + mode + "\"}");
		put("m.weight", DType.U32, 5, 3, words);
		put("m.scales", DType.U8, 5, 3, groups);
		QuantizedTensors tensors = accepts();
		assertThat(tensors.quantization())
			.isEqualTo(new Quantization(Quantization.Mode.of(mode).orElseThrow(), bits, groupSize));
		assertThat(tensors.columns()).isEqualTo(64);
		assertThat(tensors.biases()).isNull();
	}

	@Test
	void blocksOfBytesAreRowsOfCodes() throws IOException {
		this.config = OPENAI;
		put("m_blocks", DType.U8, 5, 3, 2, 16);
		put("m_scales", DType.U8, 5, 3, 2);
		QuantizedTensors tensors = accepts();
		assertThat(tensors.codes().shape()).containsExactly(5, 3, 32);
		assertThat(tensors.columns()).isEqualTo(64);
	}

	@Test
	void theLastRectanglesMayBeIncomplete() throws IOException {
		this.config = DEEPSEEK;
		put("m.weight", DType.F8_E4M3, 9, 33);
		put("m.weight_scale_inv", DType.F32, 3, 3);
		assertThat(accepts().columns()).isEqualTo(33);
	}

	@Test
	void modulesWithoutScalesArePlain() throws IOException {
		for (String settings : new String[] { "{}", OPENAI, DEEPSEEK, "{\"quantization\": {\"bits\": 4}}" }) {
			this.config = settings;
			put("m.weight", DType.BF16, 9, 33);
			assertThat(quantized()).as(settings).isNull();
		}
	}

	@Test
	void affineNeedsMatchingScalesAndBiases() throws IOException {
		mlx("{\"bits\": 4, \"group_size\": 32}");
		put("m.weight", DType.U32, 2, 8);
		put("m.scales", DType.F16, 2, 2);
		refuses("Tensor 'm.biases' is missing");
		put("m.biases", DType.BF16, 2, 2);
		refuses("needs scales and biases of one type, F32, F16 or BF16; found F16 and BF16");
		put("m.biases", DType.F16, 2, 1);
		refuses("'m.biases' must have the shape [2, 2]; found [2, 1]");
		put("m.biases", DType.F16, 2, 2);
		put("m.scales", DType.U8, 2, 2);
		refuses("needs scales and biases of one type, F32, F16 or BF16; found U8 and F16");
		put("m.scales", DType.F16, 2, 1);
		refuses("'m.scales' must have the shape [2, 2]; found [2, 1]");
		put("m.scales", DType.F16, 2, 2);
		put("m.weight", DType.F32, 2, 8);
		refuses("must be U32 with two dimensions or more; found F32[2, 8]");
		put("m.weight", DType.U32, 16);
		refuses("must be U32 with two dimensions or more; found U32[16]");
	}

	@Test
	void rowsConsistOfWholeGroups() throws IOException {
		put("m.weight", DType.U32, 2, 6);
		put("m.scales", DType.F16, 2, 1);
		put("m.biases", DType.F16, 2, 1);
		mlx("{\"bits\": 4, \"group_size\": 32}");
		refuses("has 48 columns in 'm.weight' of U32[2, 6], which is no multiple of the group size 32");
		mlx("{\"bits\": 5, \"group_size\": 32}");
		refuses("has 38.4 columns in 'm.weight' of U32[2, 6], which is no multiple of the group size 32");
	}

	@Test
	void floatsNeedBytesAsScales() throws IOException {
		mlx("{\"mode\": \"mxfp4\"}");
		put("m.weight", DType.U32, 2, 8);
		put("m.scales", DType.F16, 2, 2);
		refuses("is quantised as mxfp4, 4 bits, groups of 32, so its scales must be U8; found F16[2, 2]");
		put("m.scales", DType.U8, 2, 4);
		refuses("'m.scales' must have the shape [2, 2]; found [2, 4]");
		put("m.scales", DType.U8, 2, 2);
		put("m.biases", DType.U8, 2, 2);
		refuses("which has no biases, but there is 'm.biases'");
	}

	@Test
	void configAndTensorsMustAgree() throws IOException {
		put("m.weight", DType.U32, 2, 8);
		put("m.scales", DType.F16, 2, 2);
		put("m.biases", DType.F16, 2, 2);
		refuses("has scales, but config.json has no property 'quantization'");
		mlx("{\"bits\": 4, \"group_size\": 32, \"m\": false}");
		refuses("has scales, but config.json says that it is not quantised");
		this.tensors.remove("m.scales");
		refuses("has a weight of U32, but config.json says that it is not quantised");
		mlx("{\"bits\": 4, \"group_size\": 32}");
		refuses("has a weight of U32, but it has no scales");
		mlx("{\"bits\": 4, \"group_size\": 32, \"m\": {\"bits\": 4, \"group_size\": 32}}");
		refuses("Tensor 'm.scales' is missing");
	}

	@Test
	void blocksHaveSixteenBytesAndScales() throws IOException {
		this.config = OPENAI;
		put("m_blocks", DType.U8, 5, 3, 2, 16);
		refuses("Tensor 'm_scales' is missing");
		put("m_scales", DType.F16, 5, 3, 2);
		refuses("so 'm_scales' must be U8; found F16[5, 3, 2]");
		put("m_scales", DType.U8, 5, 3, 4);
		refuses("'m_scales' must have the shape [5, 3, 2]; found [5, 3, 4]");
		put("m_blocks", DType.U8, 5, 3, 2, 8);
		refuses("'m_blocks' must be U8[…, rows, groups, 16]; found U8[5, 3, 2, 8]");
		put("m_blocks", DType.I8, 5, 3, 2, 16);
		refuses("'m_blocks' must be U8[…, rows, groups, 16]; found I8[5, 3, 2, 16]");
		this.config = "{}";
		refuses("has a tensor 'm_blocks', but config.json has no quantization_config with a quant_method for it");
	}

	@Test
	void rectanglesNeedTheirScales() throws IOException {
		this.config = DEEPSEEK;
		put("m.weight", DType.F8_E4M3, 9, 33);
		refuses("has a weight of F8_E4M3, but it has no weight_scale_inv");
		put("m.weight_scale_inv", DType.I32, 3, 3);
		refuses("must be F32, F16, BF16 or F8_E8M0; found I32[3, 3]");
		put("m.weight_scale_inv", DType.F32, 2, 3);
		refuses("'m.weight_scale_inv' must have the shape [3, 3]; found [2, 3]");
		put("m.weight_scale_inv", DType.F32, 3, 3);
		put("m.weight", DType.F8_E5M2, 9, 33);
		refuses("must be F8_E4M3 with two dimensions; found F8_E5M2[9, 33]");
		put("m.weight", DType.F8_E4M3, 9, 33, 1);
		refuses("must be F8_E4M3 with two dimensions; found F8_E4M3[9, 33, 1]");
		this.config = "{}";
		refuses("has a tensor 'm.weight_scale_inv', but config.json has no quantization_config");
	}

	@ParameterizedTest
	@ValueSource(strings = { "m.qweight", "m.weight_packed", "m.weight_scale", "m.SCB",
			"m.weight.quant_state.bitsandbytes__nf4" })
	void layoutsOfOtherProgramsAreNamed(String tensor) throws IOException {
		put(tensor, DType.I32, 9, 33);
		refuses("is quantised by a program whose layout is not supported: it has a tensor '" + tensor + "'");
		refuses("Use a conversion of the model to MLX's layout");
	}

	private void mlx(String settings) {
		this.config = "{\"quantization\": " + settings + "}";
	}

	private void put(String name, DType dtype, long... shape) {
		byte[] zeros = new byte[Math.toIntExact(TensorInfo.byteSize(dtype, shape))];
		this.tensors.put(name, TensorSource.of(dtype, MemorySegment.ofArray(zeros), shape));
	}

	private QuantizedTensors accepts() throws IOException {
		QuantizedTensors found = quantized();
		assertThat(found).isNotNull();
		return Objects.requireNonNull(found);
	}

	private @Nullable QuantizedTensors quantized() throws IOException {
		Files.writeString(this.folder.resolve("config.json"), this.config);
		Safetensors.write(this.folder.resolve("model.safetensors"), this.tensors, Map.of());
		try (Checkpoint checkpoint = Checkpoint.open(this.folder)) {
			return checkpoint.quantized("m").orElse(null);
		}
	}

	private void refuses(String message) {
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(this::quantized).withMessageContaining(message);
	}

}
