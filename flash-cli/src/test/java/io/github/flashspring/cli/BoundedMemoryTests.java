package io.github.flashspring.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.memory.RamBudget;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Keeps the promise of the budget in a process that the kernel ends if it is broken: a
 * model of more than 1 GB, under a quarter of its size.
 */
@EnabledOnOs(OS.LINUX)
@Timeout(value = 30, unit = TimeUnit.MINUTES)
class BoundedMemoryTests {

	/** What the JVM needs besides: heap, classes, compiled code, stacks. */
	private static final long JVM = 200L << 20;

	@TempDir
	private Path folder;

	@Test
	void theBoundEndsAProcessThatTakesMore() throws Exception {
		long bound = 400L << 20;
		for (MemoryBound made : List.of(MemoryBound.of(bound), MemoryBound.ofData(bound))) {
			try (MemoryBound each = made) {
				assertThat(run(each, "hoard", Long.toString(bound))).as(each.kind()).isNotZero();
				assertThat(run(each, "hoard", Long.toString(bound / 4))).as(each.kind()).isZero();
			}
		}
	}

	@Test
	@Tag("slow")
	void aModelRunsUnderAQuarterOfItsSize() throws Exception {
		Path target = Files.createDirectories(Path.of("target").toAbsolutePath());
		Path model = target.resolve("bounded-memory-model");
		try {
			assertThat(Call
				.of(FlashEngine::load, "synthesize", "--format", "bf16", "--layers", "9", "--vocabulary", "2048",
						"--out", model.toString())
				.code()).isZero();
			Path weights = model.resolve("model.safetensors");
			long size = Files.size(weights);
			assertThat(size).isGreaterThan(1_000_000_000);
			int count = Integer.getInteger("flash.test.tokens", 200);
			Path tokens = this.folder.resolve("tokens");
			long start = System.nanoTime();
			try (MemoryBound bound = MemoryBound.of(size / 4 + JVM)) {
				assertThat(run(bound, "generate", model.toString(), Long.toString(size / 4), Integer.toString(count),
						tokens.toString()))
					.isZero();
			}
			System.out.printf("%d tokens in %.1f s%n", count, (System.nanoTime() - start) / 1e9);
			assertThat(Files.readString(tokens)).isEqualTo(Arrays
				.toString(BoundedEngine.generate(BoundedEngine.config(model.toString(), RamBudget.UNLIMITED), count)));
		}
		finally {
			Files.deleteIfExists(model.resolve("model.safetensors"));
			Files.deleteIfExists(model.resolve("config.json"));
			Files.deleteIfExists(model);
		}
	}

	/** Runs a child within a bound, and gives its exit code. */
	private int run(MemoryBound bound, String... arguments) throws IOException, InterruptedException {
		Path output = Files.createTempFile(this.folder, "output", ".txt");
		Process process = bound.start(output, BoundedEngine.class, arguments);
		int code;
		try {
			code = process.waitFor();
		}
		finally {
			process.destroyForcibly().waitFor();
		}
		System.out.println(bound.kind() + ", exit code " + code + ": " + Files.readString(output).strip());
		return code;
	}

}
