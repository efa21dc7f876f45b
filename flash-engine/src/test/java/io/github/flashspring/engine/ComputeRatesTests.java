package io.github.flashspring.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.flashspring.engine.metrics.EngineSnapshot.Pass;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** What is remembered of a device's compute. */
class ComputeRatesTests {

	private static final Pass DECODED = new Pass(1, 30_000_000, 1 << 20, 10_000_000);

	@TempDir
	Path folder;

	private ComputeRates rates() {
		return new ComputeRates(this.folder.resolve("cache"));
	}

	@Test
	void medianOfDecodedPassesWithoutTheirWaitsIsKept() {
		List<Pass> passes = new ArrayList<>(Collections.nCopies(8, DECODED));
		passes.add(new Pass(1, 900_000_000, 0, 0));
		passes.add(new Pass(200, 1, 0, 0));
		rates().learn("cpu, 2 threads", "4-bit", passes, 100_000_000);
		assertThat(rates().find("cpu, 2 threads", "4-bit")).isCloseTo(5e9, within(1.0));
		assertThat(rates().find("cpu, 4 threads", "4-bit")).isZero();
		assertThat(rates().find("cpu, 2 threads", "8-bit")).isZero();
	}

	@Test
	void fewPassesTeachNothing() {
		rates().learn("cpu", "F32", Collections.nCopies(7, DECODED), 1000);
		assertThat(rates().find("cpu", "F32")).isZero();
	}

	@Test
	void damagedFilesAreIgnored() throws IOException {
		rates().learn("cpu", "F32", Collections.nCopies(8, DECODED), 1000);
		Path file;
		try (Stream<Path> files = Files.list(this.folder.resolve("cache"))) {
			file = files.findFirst().orElseThrow();
		}
		Files.writeString(file, "{\"version\":1,");
		assertThat(rates().find("cpu", "F32")).isZero();
	}

}
