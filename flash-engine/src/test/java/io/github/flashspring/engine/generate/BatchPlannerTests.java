package io.github.flashspring.engine.generate;

import java.util.List;
import java.util.stream.IntStream;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Tests for {@link BatchPlanner}.
 */
class BatchPlannerTests {

	private static final BatchPlanner.Pending DECODING = new BatchPlanner.Pending(1, true);

	private static BatchPlanner.Pending prompt(int tokens) {
		return new BatchPlanner.Pending(tokens, false);
	}

	private static int[] rows(int maxRows, int prefillRows, BatchPlanner.Pending... sequences) {
		return BatchPlanner.rows(List.of(sequences), maxRows, prefillRows);
	}

	@Test
	void promptAloneFillsThePass() {
		assertThat(rows(512, 64, prompt(4000))).containsExactly(512);
		assertThat(rows(512, 64, prompt(300))).containsExactly(300);
	}

	@Test
	void promptIsLimitedNextToDecoding() {
		assertThat(rows(512, 64, DECODING, prompt(4000), DECODING)).containsExactly(1, 64, 1);
		assertThat(rows(32, 64, DECODING, prompt(4000), DECODING)).containsExactly(1, 30, 1);
	}

	@Test
	void promptsShareEquallyAndShortOnesLeaveTheRest() {
		assertThat(rows(300, 64, prompt(4000), prompt(20), prompt(4000))).containsExactly(140, 20, 140);
		assertThat(rows(100, 10, prompt(4000), DECODING, prompt(2), prompt(3))).containsExactly(5, 1, 2, 3);
		assertThat(rows(5, 64, prompt(10), prompt(10), prompt(10))).containsExactly(2, 2, 1);
	}

	@Test
	void promptOfOneTokenIsAPrompt() {
		assertThat(rows(4, 1, DECODING, prompt(1), prompt(1))).containsExactly(1, 1, 0);
		assertThat(rows(2, 64, DECODING, DECODING, prompt(1))).as("decoding comes first").containsExactly(1, 1, 0);
	}

	@Test
	void sequenceWhoseTurnItIsGetsARow() {
		assertThat(rows(1, 64, prompt(9), DECODING)).containsExactly(1, 0);
		assertThat(rows(1, 64, DECODING, prompt(9))).containsExactly(1, 0);
		assertThat(rows(2, 64, prompt(9), DECODING, DECODING, DECODING)).containsExactly(1, 1, 0, 0);
		assertThat(rows(2, 64, DECODING, DECODING, DECODING, prompt(9))).containsExactly(1, 1, 0, 0);
	}

	@Property
	void passIsFullOrHoldsAllThatIsAllowed(
			@ForAll @Size(min = 1, max = 9) List<@IntRange(min = 0, max = 40) Integer> tokens,
			@ForAll @IntRange(min = 1, max = 64) int maxRows, @ForAll @IntRange(min = 1, max = 64) int prefillRows) {
		List<BatchPlanner.Pending> sequences = tokens.stream().map((n) -> (n == 0) ? DECODING : prompt(n)).toList();
		int[] rows = BatchPlanner.rows(sequences, maxRows, prefillRows);
		int decoded = 0;
		int prompts = 0;
		int wanted = 0;
		for (int i = 0; i < rows.length; i++) {
			assertThat(rows[i]).isBetween((i == 0) ? 1 : 0, sequences.get(i).tokens());
			decoded += sequences.get(i).decoding() ? rows[i] : 0;
			prompts += sequences.get(i).decoding() ? 0 : rows[i];
			wanted += sequences.get(i).decoding() ? 0 : sequences.get(i).tokens();
		}
		assertThat(decoded + prompts).isLessThanOrEqualTo(maxRows);
		long decoding = sequences.stream().filter(BatchPlanner.Pending::decoding).count();
		if (decoded + prompts < maxRows) {
			assertThat(decoded).isEqualTo((int) decoding);
			assertThat(prompts).isEqualTo((decoded > 0) ? Math.min(prefillRows, wanted) : wanted);
		}
		int most = IntStream.of(rows).max().orElse(0);
		for (int i = 0; i < rows.length; i++) {
			boolean complete = rows[i] == sequences.get(i).tokens();
			assertThat(complete || sequences.get(i).decoding() || rows[i] >= most - 1).as("fair share").isTrue();
		}
	}

}
