package io.github.flashspring.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The start script with made-up JDKs whose {@code java} prints its name and arguments.
 */
@DisabledOnOs(OS.WINDOWS)
class StartScriptTests {

	@TempDir
	Path folder;

	private Path script = Path.of("flash");

	@BeforeEach
	void copyScriptAwayFromTheSources() throws IOException {
		this.script = Files.copy(Path.of("..", "flash"), this.folder.resolve("flash"));
		assertThat(this.script.toFile().setExecutable(true)).isTrue();
	}

	@Test
	void newEnoughJavaHomeRunsWithTheFlags() throws Exception {
		Path jdk = jdk("jdk", "25.0.1");
		Path jar = this.folder.toRealPath().resolve("flash-cli/target/flash-cli.jar");
		Result result = flash(Map.of("JAVA_HOME", jdk.toString(), "FLASH_JAVA_OPTS", "-Xmx1g -Da=b"), "run", "--prompt",
				"two words");
		assertThat(result.code()).isZero();
		assertThat(result.lines())
			.startsWith("jdk", "--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED")
			.containsSequence("-Xmx1g", "-Da=b", "-jar", jar.toString(), "run", "--prompt", "two words");
	}

	@Test
	void warningOfTheIncubatorModuleIsFiltered() throws Exception {
		Path jdk = jdk("jdk", "25");
		Path java = jdk.resolve("bin/java");
		Files.writeString(java, Files.readString(java) + """

				echo 'WARNING: Using incubator modules: jdk.incubator.vector' >&2
				echo 'OutOfMemoryError' >&2
				echo 'past the filter' >&3
				""");
		assertThat(flash(Map.of("JAVA_HOME", jdk.toString())).lines()).contains("OutOfMemoryError", "past the filter")
			.noneMatch((line) -> line.contains("incubator modules"));
	}

	@Test
	void olderJavaHomeIsPassedOver() throws Exception {
		Path old = jdk("old", "17.0.9");
		Path right = jdk("right", "25");
		Result result = flash(
				Map.of("JAVA_HOME", old.toString(), "PATH", right.resolve("bin") + ":" + System.getenv("PATH")));
		assertThat(result.lines()).startsWith("right");
	}

	@Test
	void javaOnThePathIsFollowedThroughLinks() throws Exception {
		Path right = jdk("right", "25.0.2");
		Path bin = Files.createDirectories(this.folder.resolve("bin"));
		Files.createSymbolicLink(bin.resolve("java"), right.resolve("bin/java"));
		assertThat(flash(Map.of("PATH", bin + ":" + System.getenv("PATH"))).lines()).startsWith("right");
	}

	@Test
	void scriptWorksThroughALink() throws Exception {
		Path link = Files.createSymbolicLink(this.folder.resolve("link"), Path.of("flash"));
		Path jdk = jdk("jdk", "25");
		assertThat(start(link, Map.of("JAVA_HOME", jdk.toString())).lines()).startsWith("jdk");
	}

	@Test
	void chosenJdkThatIsTooOldIsRefused() throws Exception {
		Path old = jdk("old", "21.0.1");
		Result result = flash(Map.of("FLASH_JAVA_HOME", old.toString()));
		assertThat(result.code()).isOne();
		assertThat(result.lines())
			.containsExactly("flash: FLASH_JAVA_HOME is " + old + ", which is JDK 21, not a JDK 25 or newer.");
	}

	@Test
	void classCacheOfTheJdkAndTheBuildIsMadeOnceAndUsed() throws Exception {
		Path jdk = jdk("jdk", "25.0.1");
		Files.writeString(jdk.resolve("bin/java"),
				"""
						#!/bin/sh
						for option; do
							case $option in -XX:AOTCacheOutput=*) echo made > "${option#*=}" ;; */model) mkdir -p "$option" ;; esac
						done
						printf '%s\\n' "$@"
						""");
		Path target = Files.createDirectories(this.folder.toRealPath().resolve("flash-cli/target"));
		Files.writeString(target.resolve("flash-cli.jar"), "first build");
		Map<String, String> environment = Map.of("JAVA_HOME", jdk.toString());
		assertThat(flash(environment, "run").lines())
			.startsWith("flash: preparing faster starts, some seconds, once ...")
			.contains("-XX:AOTCache=" + cache(target));
		String first = cache(target);
		assertThat(flash(environment, "run").lines()).startsWith("--add-modules").contains("-XX:AOTCache=" + first);
		Files.writeString(target.resolve("flash-cli.jar"), "second build");
		assertThat(flash(environment, "run").lines()).contains("-XX:AOTCache=" + cache(target));
		assertThat(cache(target)).isNotEqualTo(first);
		assertThat(flash(Map.of("JAVA_HOME", jdk.toString(), "FLASH_AOT", "off"), "run").lines())
			.noneMatch((line) -> line.startsWith("-XX:AOT"));
	}

	/** The only cache. */
	private static String cache(Path target) throws IOException {
		try (Stream<Path> files = Files.list(target)) {
			List<String> found = files.map(Path::toString).filter((file) -> file.endsWith(".aot")).toList();
			assertThat(found).hasSize(1);
			return found.getFirst();
		}
	}

	private Path jdk(String name, String version) throws IOException {
		Path home = this.folder.resolve(name);
		Files.createDirectories(home.resolve("bin"));
		Files.writeString(home.resolve("release"), "IMPLEMENTOR=\"Nobody\"\nJAVA_VERSION=\"" + version + "\"\n");
		for (String tool : List.of("java", "javac")) {
			Path file = Files.writeString(home.resolve("bin").resolve(tool),
					"#!/bin/sh\nprintf '%s\\n' " + name + " \"$@\"\n");
			assertThat(file.toFile().setExecutable(true)).isTrue();
		}
		return home;
	}

	private Result flash(Map<String, String> environment, String... args) throws Exception {
		return start(this.script, environment, args);
	}

	private Result start(Path script, Map<String, String> environment, String... args) throws Exception {
		ProcessBuilder builder = new ProcessBuilder(script.toString()).redirectErrorStream(true);
		builder.command().addAll(List.of(args));
		Map<String, String> all = new HashMap<>(Map.of("PATH", System.getenv("PATH"), "HOME", this.folder.toString()));
		all.putAll(environment);
		builder.environment().clear();
		builder.environment().putAll(all);
		Process process = builder.start();
		process.getOutputStream().close();
		List<String> lines = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines()
			.toList();
		assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
		return new Result(process.exitValue(), lines);
	}

	private record Result(int code, List<String> lines) {

	}

}
