package io.github.flashspring.engine;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.NonFiniteScan;
import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.memory.RamBudget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Weights of which one number is none: the error says which.
 */
@Timeout(120)
class DamagedWeightsTests {

	@TempDir
	private Path folder;

	/** Overwrites an element with bits that are no number. */
	private Golden damage(String name, String tensor, int element) throws Exception {
		Golden golden = Golden.load(name);
		for (String file : List.of("config.json", "model.safetensors")) {
			Files.copy(golden.folder().resolve(file), this.folder.resolve(file));
		}
		TensorInfo found;
		try (Checkpoint checkpoint = Checkpoint.open(this.folder)) {
			found = checkpoint.tensor(tensor);
		}
		byte[] ones = new byte[found.dtype().bytes()];
		Arrays.fill(ones, (byte) -1);
		try (FileChannel channel = FileChannel.open(found.file(), StandardOpenOption.WRITE)) {
			channel.write(ByteBuffer.wrap(ones), found.offset() + (long) element * ones.length);
		}
		return golden;
	}

	@ParameterizedTest
	@CsvSource({ "golden-mlx/llama-4bit-g32, model.layers.0.mlp.down_proj.scales, 3",
			"golden-mlx/llama-4bit-g32, model.layers.1.self_attn.o_proj.biases, 0",
			"golden-mlx/llama-mxfp4, model.layers.0.mlp.down_proj.scales, 5",
			"golden-mlx/llama-nvfp4, model.layers.0.mlp.down_proj.scales, 5",
			"golden/llama, model.layers.0.input_layernorm.weight, 1" })
	void theErrorNamesFileTensorAndElement(String name, String tensor, int element) throws Exception {
		Golden golden = damage(name, tensor, element);
		FlashConfig config = FlashConfig.builder(this.folder.toString())
			.contextLength(64)
			.threads(1)
			.ramBudget(RamBudget.MINIMUM)
			.build();
		try (FlashEngine engine = FlashEngine.load(config)) {
			assertThatExceptionOfType(CheckpointException.class)
				.isThrownBy(() -> Golden.generate(engine, golden.prompt(), 4))
				.withMessageContainingAll("logits are not numbers",
						"Element " + element + " of the tensor '" + tensor + "'", "model.safetensors is NaN",
						"expected a finite number", "convert the model again");
		}
	}

	@Test
	void soundWeightsAreNumbers() throws Exception {
		for (String name : List.of("golden/llama", "golden-mlx/llama-mixed", "golden-mlx/llama-mxfp8",
				"golden-mlx/deepseek_v3-fp8", "golden-mlx/gpt_oss-mxfp4-original")) {
			try (Checkpoint checkpoint = Checkpoint.open(Golden.load(name).folder())) {
				assertThat(NonFiniteScan.find(checkpoint)).as(name).isEmpty();
			}
		}
	}

}
