package io.github.flashspring.engine.model;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.cache.PrefixStore;
import io.github.flashspring.engine.cache.disk.PageHash;
import io.github.flashspring.engine.cache.disk.PrefixFolder;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Prefixes that one engine leaves on disk and another finds there.
 */
@Timeout(300)
class PrefixDiskTests {

	private static final int PAGE = ScheduledModel.PAGE;

	private static final long OWN = 8 << 20;

	@TempDir
	Path parent;

	private ScheduledModel open(String name) throws Exception {
		PrefixStore store = new PrefixStore(PrefixFolder.open(this.parent.resolve("prefixes"), 1 << 26),
				PageHash.of(name.getBytes(StandardCharsets.UTF_8)), 2 * PAGE);
		return new ScheduledModel(TestModel.folder(name), ScheduledModel.Options.DEFAULT, ScheduledModel.keeping(OWN),
				store);
	}

	private long files() throws Exception {
		try (Stream<Path> files = Files.list(this.parent.resolve("prefixes"))) {
			return files.filter((file) -> file.toString().endsWith(".prefix")).count();
		}
	}

	/** Waits until all that was left is on disk. */
	private void written(ScheduledModel model, int segments) throws Exception {
		long end = System.nanoTime() + 60_000_000_000L;
		while (files() < segments && System.nanoTime() < end) {
			Thread.sleep(5);
		}
		assertThat(files()).isEqualTo(segments);
		assertThat(model.prefixes().disk().dropped()).isZero();
	}

	@ParameterizedTest
	@ValueSource(strings = { "golden/llama", "golden/gemma2", "golden/gpt_oss", "golden/deepseek_v3", "golden/mamba2",
			"golden/nemotron_h" })
	void anotherEngineResumesBehindWhatIsOnDisk(String name) throws Exception {
		int[] prompt = new Random(9).ints(200, 3, 60).toArray();
		ScheduledModel.Run expected;
		try (ScheduledModel model = open(name)) {
			expected = model.generate(prompt, 20);
			assertThat(expected.sequence.cacheReadTokens()).isZero();
			// eight pages, the four of the prompt behind them, and these and the answer's
			written(model, 3);
		}
		for (int tokens : List.of(200, 150)) {
			try (ScheduledModel model = open(name)) {
				ScheduledModel.Run run = model.generate(Arrays.copyOf(prompt, tokens), 20);
				if (tokens == 200) {
					assertThat(run.sequence.cacheReadTokens()).isEqualTo(192);
					assertThat(run.tokens).isEqualTo(expected.tokens);
					for (int i = 0; i < expected.logits.size(); i++) {
						assertThat(run.logits.get(i)).isEqualTo(expected.logits.get(i));
					}
				}
				assertThat(model.prefixes().disk().hitTokens()).isEqualTo(run.sequence.cacheReadTokens());
				assertThat(model.prefixes().disk().damaged()).isZero();
			}
		}
	}

	@Test
	void damagedFileIsRemovedAndItsTokensAreComputed() throws Exception {
		int[] prompt = new Random(9).ints(200, 3, 60).toArray();
		ScheduledModel.Run expected;
		try (ScheduledModel model = open("golden/llama")) {
			expected = model.generate(prompt, 20);
			written(model, 3);
		}
		try (Stream<Path> files = Files.list(this.parent.resolve("prefixes"))) {
			for (Path file : files.toList()) {
				byte[] bytes = Files.readAllBytes(file);
				bytes[5000] ^= 1;
				Files.write(file, bytes);
			}
		}
		try (ScheduledModel model = open("golden/llama")) {
			ScheduledModel.Run run = model.generate(prompt, 20);
			assertThat(run.sequence.cacheReadTokens()).isZero();
			assertThat(run.tokens).isEqualTo(expected.tokens);
			assertThat(model.prefixes().disk().damaged()).isEqualTo(1);
		}
	}

}
