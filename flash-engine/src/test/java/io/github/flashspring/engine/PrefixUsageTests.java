package io.github.flashspring.engine;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import io.github.flashspring.engine.metrics.PrefixMetrics;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What an engine tells of its prefix cache.
 */
@Timeout(120)
class PrefixUsageTests {

	private static final int[] PROMPT = IntStream.range(0, 100).map((i) -> 3 + i * 7 % 500).toArray();

	@TempDir
	Path parent;

	private static FlashConfig.Builder config() throws Exception {
		return FlashConfig.builder(Golden.path("models/stories260K/bf16").toString()).contextLength(200).warmUp(false);
	}

	@Test
	void usageTellsWhatWasFoundAndWhatIsKept() throws Exception {
		try (FlashEngine engine = FlashEngine.load(config().build())) {
			GenerationEvent.Finished first = Golden.generate(engine, PROMPT, 8);
			assertThat(first.usage().cacheReadTokens()).isZero();
			assertThat(first.usage().cacheWriteTokens()).isEqualTo(96);
			GenerationEvent.Finished second = Golden.generate(engine, PROMPT, 8);
			assertThat(second.usage().cacheReadTokens()).isEqualTo(96);
			assertThat(second.usage().cacheWriteTokens()).isZero();
			assertThat(second.tokens()).isEqualTo(first.tokens());
			PrefixMetrics metrics = engine.snapshot().prefixes();
			assertThat(metrics).extracting("hits", "misses", "hitTokens").containsExactly(1L, 1L, 96L);
			assertThat(metrics.bytes()).isPositive().isLessThanOrEqualTo(engine.plan().prefixBytes());
			assertThat(engine.snapshot().memoryOf("prefix")).isEqualTo(engine.plan().prefixBytes()).isPositive();
			List<float[]> all = Golden.logits(engine, PROMPT);
			assertThat(all).as("of a text, all logits are computed").hasSize(PROMPT.length);
		}
	}

	@Test
	void nothingIsKeptWhereThatIsNotWanted() throws Exception {
		try (FlashEngine engine = FlashEngine.load(config().prefixCache(PrefixCacheConfig.NONE).build())) {
			Golden.generate(engine, PROMPT, 8);
			assertThat(Golden.generate(engine, PROMPT, 8).usage().cacheReadTokens()).isZero();
			assertThat(engine.snapshot().prefixes()).isEqualTo(PrefixMetrics.NONE);
			assertThat(engine.plan().prefixBytes()).isZero();
		}
	}

	@Test
	void engineFindsWhatAnotherLeftOnDiskButNotThatOfAnotherModel() throws Exception {
		Path folder = this.parent.resolve("prefixes");
		PrefixCacheConfig onDisk = PrefixCacheConfig.DEFAULT.on(new PrefixCacheConfig.Disk(folder, null, 32));
		int[] tokens;
		try (FlashEngine engine = FlashEngine.load(config().prefixCache(onDisk).build())) {
			tokens = Golden.generate(engine, PROMPT, 8).tokens();
		}
		try (Stream<Path> files = Files.list(folder)) {
			assertThat(files).isNotEmpty();
		}
		try (FlashEngine engine = FlashEngine.load(config().prefixCache(onDisk).build())) {
			GenerationEvent.Finished found = Golden.generate(engine, PROMPT, 8);
			assertThat(found.usage().cacheReadTokens()).isEqualTo(96);
			assertThat(found.tokens()).isEqualTo(tokens);
			assertThat(engine.snapshot().prefixes().disk().hitTokens()).isEqualTo(96);
		}
		try (FlashEngine other = FlashEngine.load(config().prefixCache(onDisk).contextLength(190).build())) {
			int[] short190 = Arrays.copyOf(PROMPT, PROMPT.length);
			assertThat(Golden.generate(other, short190, 8).usage().cacheReadTokens()).isZero();
		}
	}

}
