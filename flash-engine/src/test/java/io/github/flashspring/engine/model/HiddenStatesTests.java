package io.github.flashspring.engine.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.Safetensors;
import io.github.flashspring.engine.checkpoint.TensorInfo;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The residual stream behind every layer against a reference implementation, so that a
 * failure names the layer.
 */
class HiddenStatesTests {

	/**
	 * Twice that of logits: a stream has no norm that evens it out, and squared ReLU
	 * doubles relative errors, those of the reference too (5.05e-5 in Nemotron).
	 */
	private static final double TOLERANCE = 1e-4;

	@ParameterizedTest
	@ValueSource(strings = { "deepseek_v2", "deepseek_v3", "gemma2", "gemma3_text", "gpt_oss", "granite", "llama",
			"mamba2", "mistral", "mixtral", "nemotron", "nemotron_h", "olmo2", "phi3", "qwen2", "qwen2_moe", "qwen3",
			"qwen3_moe" })
	void hiddenStatesAgreeWithReferenceAfterEveryLayer(String name) throws Exception {
		Path folder = TestModel.folder("golden/" + name);
		int[] prompt = ModelConfig.read(folder.resolve("golden.json"))
			.getInts("prompt")
			.stream()
			.mapToInt(Integer::intValue)
			.toArray();
		Map<String, TensorInfo> tensors = Safetensors.readHeader(folder.resolve("golden.safetensors")).tensors();
		List<float[]> streams = new ArrayList<>();
		try (TestModel test = new TestModel(folder)) {
			test.model().observe((hidden, layers) -> {
				float[] values = new float[hidden.rows() * hidden.columns()];
				test.device().read(hidden, values);
				streams.add(values);
			});
			test.forward(prompt, 0, prompt.length);
		}
		// the last one of the reference is behind the final norm; that of Mamba-2 leaves
		// out
		// the embedding
		int layers = streams.size() - 1;
		assertThat(tensors).containsKey("hidden_" + layers).doesNotContainKey("hidden_" + (layers + 1));
		int first = name.equals("mamba2") ? 1 : 0;
		for (int layer = first; layer < layers + first; layer++) {
			TensorInfo tensor = Objects.requireNonNull(tensors.get("hidden_" + (layer - first)));
			float[] expected = values(folder.resolve("golden.safetensors"), tensor);
			assertThat(worst(streams.get(layer), expected)).as("stream behind %d of %d layers", layer, layers)
				.isLessThan(TOLERANCE);
		}
	}

	private static double worst(float[] actual, float[] expected) {
		assertThat(actual).hasSameSizeAs(expected);
		double worst = 0;
		for (int i = 0; i < expected.length; i++) {
			worst = Math.max(worst, Math.abs(actual[i] - expected[i]) / Math.max(1, Math.abs(expected[i])));
		}
		return worst;
	}

	private static float[] values(Path file, TensorInfo tensor) throws Exception {
		float[] values = new float[(int) tensor.elements()];
		try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
			ByteBuffer bytes = ByteBuffer.allocate((int) tensor.byteSize()).order(ByteOrder.LITTLE_ENDIAN);
			channel.read(bytes, tensor.offset());
			bytes.flip().asFloatBuffer().get(values);
		}
		return values;
	}

}
