package io.github.flashspring.engine.checkpoint.gguf;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import io.github.flashspring.engine.checkpoint.FuzzOutcomes;
import io.github.flashspring.engine.checkpoint.Mutator;

/**
 * Damaged GGUF files: they are refused, or the import completes.
 */
@Timeout(value = 900, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class GgufFuzzTests {

	private static final int CASES = 1_000;

	/** For a run by hand, with other cases. */
	private static final int MANY = 10_000;

	@TempDir
	private Path folder;

	@Test
	void mutatedFiles() throws IOException {
		mutate(20_261_129, CASES);
	}

	@Test
	@Tag("slow")
	void manyMutatedFiles() throws IOException {
		mutate(20_261_130, MANY);
	}

	private void mutate(long seed, int cases) throws IOException {
		Path file = this.folder.resolve("model.gguf");
		GgufBuilder.llama().write(file);
		byte[] original = Files.readAllBytes(file);
		importFile(file);
		// tensors are random bits in any case: damage what comes before them
		int header = original.length - GgufBuilder.llama().dataBytes();
		Mutator mutator = new Mutator(new Random(seed));
		FuzzOutcomes outcomes = new FuzzOutcomes();
		for (int i = 0; i < cases; i++) {
			Files.write(file, mutator.binary(original, header));
			outcomes.run(i, () -> importFile(file));
		}
		outcomes.verify();
	}

	private void importFile(Path file) {
		Path out = this.folder.resolve("out");
		try {
			GgufImporter.importFile(file, out, (tensor, done, total) -> {
			});
			try (Stream<Path> files = Files.list(out)) {
				for (Path written : files.toList()) {
					Files.delete(written);
				}
			}
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

}
