package io.github.flashspring.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Commands that are ended from outside while they write: nothing is left of what is
 * incomplete, at the latest after the next command.
 */
@DisabledOnOs(OS.WINDOWS)
@Timeout(value = 300, unit = TimeUnit.SECONDS)
class KilledWorkTests {

	/** Twenty megabytes, which take long enough to be ended. */
	private static final String SHAPE = "--layers 2 --hidden 1024 --mlp 2048 --heads 8 --kv-heads 2 --vocabulary 8000";

	@TempDir
	private Path folder;

	@ParameterizedTest
	@CsvSource({ "synthesize --format bf16 --out work/out " + SHAPE,
			"synthesize --format gguf-q4_1 --out work/out " + SHAPE, "import model.gguf --out work/out",
			"repack --model model --out work/out" })
	void nothingIsLeftOfIncompleteWork(String command) throws Exception {
		run("synthesize --format gguf-q4_1 --out model.gguf " + SHAPE);
		run("synthesize --format mlx-4bit --out model " + SHAPE);
		Path work = Files.createDirectory(this.folder.resolve("work"));
		for (boolean forcibly : new boolean[] { false, true }) {
			Process process = start(command);
			awaitTemporary(work, process);
			if (forcibly) {
				process.destroyForcibly();
			}
			else {
				process.destroy();
			}
			int code = process.waitFor();
			assertThat(output(process)).doesNotContain("flash");
			assertThat(code).isEqualTo(forcibly ? 137 : 143);
			if (!forcibly) {
				assertThat(names(work)).isEmpty();
			}
		}
		assertThat(names(work)).isNotEmpty();
		run("plan --model model");
		assertThat(names(work)).isEmpty();
		run(command);
		assertThat(names(work)).containsExactly("out");
	}

	/** Waits until the process has begun to write. */
	private static void awaitTemporary(Path work, Process process) throws Exception {
		try (WatchService watch = work.getFileSystem().newWatchService()) {
			work.register(watch, StandardWatchEventKinds.ENTRY_CREATE);
			while (names(work).stream().noneMatch((name) -> name.endsWith(".tmp"))) {
				WatchKey key = watch.poll(60, TimeUnit.SECONDS);
				assertThat(key).as("something is written").isNotNull();
				for (WatchEvent<?> event : key.pollEvents()) {
					if (String.valueOf(event.context()).endsWith(".tmp")) {
						return;
					}
				}
				key.reset();
				assertThat(process.isAlive()).isTrue();
			}
		}
	}

	private void run(String command) throws Exception {
		Process process = start(command);
		String output = output(process);
		assertThat(process.waitFor()).as(output).isZero();
	}

	private Process start(String command) throws IOException {
		List<String> words = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
				"--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC",
				"-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"), FlashCommand.class.getName()));
		words.addAll(List.of(command.split(" ")));
		ProcessBuilder builder = new ProcessBuilder(words).directory(this.folder.toFile())
			.redirectErrorStream(true)
			.redirectOutput(this.folder.resolve("output").toFile());
		builder.environment().put("FLASH_CACHE_DIR", this.folder.resolve("cache").toString());
		return builder.start();
	}

	private String output(Process process) throws Exception {
		process.waitFor();
		return Files.readString(this.folder.resolve("output"));
	}

	private static List<String> names(Path folder) throws IOException {
		try (Stream<Path> files = Files.list(folder)) {
			return files.map((file) -> file.getFileName().toString()).sorted().toList();
		}
	}

}
