package io.github.flashspring.engine.residency;

import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class LookaheadTests {

	private static final int EXPERTS = 16;

	private final Random random = new Random(5);

	/**
	 * Lets a layer choose two experts of which one is guessed clearly and right at some
	 * rate, the other dimly and right half of the time.
	 */
	private int[] play(Lookahead lookahead, int passes, double right) {
		int counted = 0;
		int inVain = 0;
		int asked = 0;
		for (int pass = 0; pass < passes; pass++) {
			int[] rowsOf = new int[EXPERTS];
			int clear = this.random.nextInt(8);
			int dim = 8 + this.random.nextInt(7);
			rowsOf[(this.random.nextDouble() < right) ? clear : 15]++;
			rowsOf[this.random.nextBoolean() ? dim : 15]++;
			if (lookahead.wanted(1)) {
				asked++;
				for (Lookahead.Likely likely : lookahead.likely(1,
						List.of(new ExpertGuess(clear, 4), new ExpertGuess(dim, 1.01)))) {
					counted++;
					inVain += (rowsOf[likely.expert()] > 0) ? 0 : 1;
				}
			}
			lookahead.chosen(1, rowsOf);
		}
		return new int[] { asked, counted, inVain };
	}

	@Test
	void clearGuessesThatAreRightComeThroughAndOthersDoNot() {
		int[] found = play(new Lookahead(true), 2000, 0.97);
		assertThat(found[1]).isBetween(1900, 2000);
		assertThat((double) found[2] / found[1]).isLessThan(0.06);
	}

	@Test
	void whereGuessesAreWrongTheyAreAskedForRarely() {
		int[] found = play(new Lookahead(true), 2000, 0.3);
		assertThat(found[0]).isLessThan(64 + 2000 / 16 + 2);
		assertThat(found[1]).isLessThan(20);
	}

	@Test
	void guessesComeBackWhenTheyBecomeRight() {
		Lookahead lookahead = new Lookahead(true);
		play(lookahead, 1000, 0.3);
		play(lookahead, 4000, 0.98);
		assertThat(play(lookahead, 500, 0.98)[1]).isGreaterThan(450);
	}

	@Test
	void severalTokensMakeAnExpertMoreProbable() {
		Lookahead lookahead = new Lookahead(true);
		for (int pass = 0; pass < 200; pass++) {
			int[] rowsOf = new int[EXPERTS];
			rowsOf[(pass % 4 == 0) ? 2 : 1]++;
			lookahead.likely(1, List.of(new ExpertGuess(1, 2)));
			lookahead.chosen(1, rowsOf);
		}
		assertThat(lookahead.likely(1, List.of(new ExpertGuess(1, 2)))).isEmpty();
		assertThat(lookahead.likely(1, List.of(new ExpertGuess(1, 2), new ExpertGuess(1, 2), new ExpertGuess(4, 2))))
			.extracting(Lookahead.Likely::expert)
			.containsExactly(1);
	}

	@Test
	void itCanBeSwitchedOff() {
		assertThat(new Lookahead(false).wanted(1)).isFalse();
	}

}
