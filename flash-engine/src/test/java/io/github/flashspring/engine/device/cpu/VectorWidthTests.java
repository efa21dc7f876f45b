package io.github.flashspring.engine.device.cpu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/**
 * JVMs with and without vectors, and with vectors of every width, write the same file of
 * results, byte for byte.
 */
class VectorWidthTests {

	@TempDir
	static Path folder;

	private static byte[] expected = new byte[0];

	@BeforeAll
	static void computeInPlainJava() throws Exception {
		Run run = run(List.of());
		assertThat(run.device()).contains("portable");
		assertThat(run.results()).isNotEmpty();
		expected = run.results();
	}

	@Test
	void ofThisProcessor() throws Exception {
		Run run = run(List.of("--add-modules", "jdk.incubator.vector"));
		assertThat(run.device()).contains("vector");
		assertThat(run.results()).isEqualTo(expected);
	}

	@Test
	void of128BitsInHardware() throws Exception {
		Run run = run(List.of("--add-modules", "jdk.incubator.vector", "-XX:MaxVectorSize=16"));
		assertThat(run.device()).contains("vector (128 bits)");
		assertThat(run.results()).isEqualTo(expected);
	}

	@ParameterizedTest
	@ValueSource(ints = { 128, 256, 512 })
	void ofAllWidthsInSoftware(int bits) throws Exception {
		Run run = run(List.of("--add-modules", "jdk.incubator.vector", "-D" + Lanes.WIDTH_PROPERTY + "=" + bits));
		assertThat(run.device()).contains("vector (" + bits + " bits)");
		assertThat(run.results()).isEqualTo(expected);
	}

	@ParameterizedTest
	@ValueSource(ints = { 2, 1 })
	void ofOlderX86Processors(int level) throws Exception {
		assumeTrue(System.getProperty("os.arch").equals("amd64"), "only x86 has these levels");
		Run run = run(List.of("--add-modules", "jdk.incubator.vector", "-XX:UseAVX=" + level));
		assertThat(run.results()).isEqualTo(expected);
	}

	private static Run run(List<String> options) throws IOException, InterruptedException {
		Path results = Files.createTempFile(folder, "results", ".bin");
		Path output = Files.createTempFile(folder, "output", ".txt");
		List<String> command = new ArrayList<>();
		command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
		command.addAll(options);
		command.addAll(List.of("-XX:+UseSerialGC", "-Xmx256m", "-cp", System.getProperty("java.class.path"),
				KernelResults.class.getName(), results.toString()));
		Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile()).start();
		boolean ended = process.waitFor(5, TimeUnit.MINUTES);
		process.destroyForcibly();
		String said = Files.readString(output);
		assertThat(ended).as(said).isTrue();
		assertThat(process.exitValue()).as(said).isZero();
		return new Run(said, Files.readAllBytes(results));
	}

	/** What a JVM said and computed. */
	private record Run(String device, byte[] results) {

	}

}
