package io.github.flashspring.engine;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.Mutator;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Damaged settings of every architecture and precision, all the way to logits: a model is
 * refused with a {@link CheckpointException}, or it computes.
 */
@Timeout(value = 600, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DamagedSettingsTests {

	private static final int CASES = Integer.getInteger("flash.test.cases", 3_000);

	private static final long SEED = Long.getLong("flash.test.seed", 20_261_124);

	@TempDir
	Path folder;

	@Test
	void modelsAreRefusedOrCompute() throws Exception {
		List<Path> models = new ArrayList<>();
		for (String group : List.of("golden", "golden-mlx", "golden-variants")) {
			models.addAll(models(group));
		}
		assertThat(models).hasSizeGreaterThan(70);
		Mutator mutator = new Mutator(new Random(SEED));
		int computed = 0;
		int refused = 0;
		for (int i = 0; i < CASES; i++) {
			Path model = models.get(i % models.size());
			byte[] config = mutator.text(Files.readAllBytes(model.resolve("config.json")));
			try {
				compute(copy(model, config));
				computed++;
			}
			catch (CheckpointException ex) {
				refused++;
			}
			catch (Throwable ex) {
				throw new AssertionError("%s with these settings ended in %s%n%s".formatted(model, ex,
						new String(config, StandardCharsets.UTF_8)), ex);
			}
		}
		assertThat(computed).isPositive();
		assertThat(refused).isGreaterThan(computed / 4);
	}

	/** Computes as many tokens as the context has room for, at most three. */
	private static void compute(Path model) {
		try (FlashEngine engine = FlashEngine
			.load(FlashConfig.builder(model.toString()).threads(1).parallel(1).build())) {
			int[] tokens = new int[Math.min(3, engine.model().contextLength())];
			engine.logits(tokens, (position, logits) -> {
			});
		}
	}

	private static List<Path> models(String group) throws Exception {
		try (Stream<Path> folders = Files.list(Golden.path(group))) {
			return folders.filter((folder) -> Files.exists(folder.resolve("config.json"))).sorted().toList();
		}
	}

	private Path copy(Path model, byte[] config) throws IOException {
		Path copy = this.folder.resolve(model.getFileName());
		if (!Files.exists(copy)) {
			Files.createDirectory(copy);
			try (Stream<Path> files = Files.list(model)) {
				for (Path file : files.filter((each) -> each.getFileName().toString().startsWith("model.")).toList()) {
					Files.copy(file, copy.resolve(file.getFileName()));
				}
			}
		}
		Files.write(copy.resolve("config.json"), config);
		return copy;
	}

}
