package io.github.flashspring.cli;

import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.checkpoint.Checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Tests for {@code flash repack}.
 */
class RepackCommandTests {

	@TempDir
	private Path folder;

	private Call call(String... args) {
		return Call.of(FlashEngine::load, args);
	}

	@Test
	void writesACheckpointAndSaysSo() {
		String model = this.folder.resolve("model").toString();
		String packed = this.folder.resolve("packed").toString();
		assertThat(call("synthesize", "--format", "mlx-4bit", "--layers", "2", "--hidden", "128", "--mlp", "256",
				"--heads", "4", "--kv-heads", "2", "--vocabulary", "320", "--moe", "--experts", "4",
				"--experts-per-token", "2", "--expert-mlp", "128", "--out", model)
			.code()).isZero();
		Call call = call("repack", "--model", model, "--out", packed);
		assertThat(call.code()).as(call.err()).isZero();
		assertThat(call.err()).contains("Wrote and checked ", "flash run --model " + packed);
		Call plan = call("plan", "--model", packed, "--ram", "min");
		assertThat(plan.code()).isZero();
		assertThat(plan.out()).contains("layers.1.experts");
		Call compatible = call("repack", "--compatible", "--model", model, "--out", packed + "-compatible");
		assertThat(compatible.code()).as(compatible.err()).isZero();
		try (Checkpoint names = Checkpoint.open(this.folder.resolve("packed-compatible"))) {
			assertThat(names.tensors()).containsKey("model.layers.0.mlp.switch_mlp.up_proj.scales");
		}
		Call again = call("repack", "--model", model, "--out", packed);
		assertThat(again.code()).isEqualTo(1);
		assertThat(again.err()).contains("is not empty", "delete it first");
	}

}
