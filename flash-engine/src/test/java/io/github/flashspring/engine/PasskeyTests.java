package io.github.flashspring.engine;

import java.nio.file.Path;
import java.util.Random;
import java.util.stream.IntStream;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import io.github.flashspring.engine.cache.KvPrecision;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A key that was hidden in a long text is found at all depths, however precisely keys and
 * values are kept.
 */
class PasskeyTests {

	/** Stands before the key, and asks for it. */
	private static final int MARK = 63;

	private static final int FILLERS = 40;

	private static final int KEY_TOKENS = 5;

	@TempDir
	private static Path folder;

	@BeforeAll
	static void write() throws Exception {
		InductionModel.write(folder);
	}

	@ParameterizedTest
	@EnumSource
	void keyIsFoundAThousandTokensDeep(KvPrecision.Mode mode) {
		assertFound(mode, 1000, 0, 25, 50, 75, 100);
	}

	@ParameterizedTest
	@EnumSource
	void keyIsFoundEightThousandTokensDeep(KvPrecision.Mode mode) {
		assertFound(mode, 8000, 0, 60, 100);
	}

	@ParameterizedTest
	@EnumSource
	@Tag("slow")
	void keyIsFoundThirtyTwoThousandTokensDeep(KvPrecision.Mode mode) {
		assertFound(mode, 32_000, 0, 50);
	}

	private static void assertFound(KvPrecision.Mode mode, int length, int... depths) {
		FlashConfig config = FlashConfig.builder(folder.toString())
			.contextLength(length + 2 * KEY_TOKENS + 8)
			.threads(2)
			.parallel(1)
			.kv(new KvPrecision(mode))
			.build();
		try (FlashEngine engine = FlashEngine.load(config)) {
			Random random = new Random(length);
			for (int depth : depths) {
				int[] key = random.ints(FILLERS, MARK).distinct().limit(KEY_TOKENS).toArray();
				int[] found = Golden.generate(engine, prompt(random, length, depth, key), KEY_TOKENS).tokens();
				assertThat(found).as("%s at %d %% of %d tokens", mode, depth, length).isEqualTo(key);
			}
		}
	}

	/** Filler, the mark and the key somewhere in it, and the mark again. */
	private static int[] prompt(Random random, int length, int depth, int[] key) {
		int[] prompt = random.ints(length, 0, FILLERS).toArray();
		int at = 1 + (length - key.length - 3) * depth / 100;
		prompt[at] = MARK;
		IntStream.range(0, key.length).forEach((i) -> prompt[at + 1 + i] = key[i]);
		prompt[length - 1] = MARK;
		return prompt;
	}

}
