package io.github.flashspring.engine.residency;

/**
 * How much the experts in memory are worth, all layers together, so that the layers whose
 * experts are used more evenly give memory to those with favourites.
 */
sealed interface ExpertRanking {

	/**
	 * Begins a pass.
	 * @param rows its tokens
	 */
	void passed(int rows);

	/**
	 * Notes that an expert is used.
	 * @param group its group
	 * @param share share of the tokens of the pass
	 */
	void used(int group, double share);

	/**
	 * Worth of an expert.
	 * @param group its group
	 * @return from 0; comparable with a probability, at least in its order
	 */
	double worth(int group);

	/**
	 * The probability that the next token needs an expert, as measured: a mixture of how
	 * often it was used in the long run and just now, each forgotten exponentially.
	 * Frequency alone keeps yesterday's favourites when the subject changes, recency
	 * alone throws them away after one token that does not need them.
	 */
	final class Measured implements ExpertRanking {

		/** Tokens after which a use counts half, in the long run. */
		private static final double LONG_RUN = 256;

		/** Tokens after which a use counts half, just now. */
		private static final double JUST_NOW = 6;

		/** Weight of what happened just now. */
		private static final double RECENCY = 0.25;

		private final double[] often;

		private final double[] lately;

		private final double[] worth;

		/** What is left of older uses after the pass. */
		private double oftenLeft = 1;

		private double latelyLeft = 1;

		/** Share of the long run that was seen at all: less than 1 at the beginning. */
		private double seen;

		Measured(int groups) {
			this.often = new double[groups];
			this.lately = new double[groups];
			this.worth = new double[groups];
		}

		@Override
		public void passed(int rows) {
			this.oftenLeft = Math.pow(0.5, rows / LONG_RUN);
			this.latelyLeft = Math.pow(0.5, rows / JUST_NOW);
			this.seen = this.seen * this.oftenLeft + 1 - this.oftenLeft;
			for (int i = 0; i < this.worth.length; i++) {
				this.often[i] *= this.oftenLeft;
				this.lately[i] *= this.latelyLeft;
				rate(i);
			}
		}

		@Override
		public void used(int group, double share) {
			this.often[group] += share * (1 - this.oftenLeft);
			this.lately[group] += share * (1 - this.latelyLeft);
			rate(group);
		}

		private void rate(int group) {
			this.worth[group] = (1 - RECENCY) * this.often[group] / this.seen + RECENCY * this.lately[group];
		}

		@Override
		public double worth(int group) {
			return this.worth[group];
		}

	}

	/** Experts used last are worth most. */
	final class LastUse implements ExpertRanking {

		private final double[] last;

		private long uses = 1;

		LastUse(int groups) {
			this.last = new double[groups];
		}

		@Override
		public void passed(int rows) {
			// Order is all that counts.
		}

		@Override
		public void used(int group, double share) {
			this.last[group] = 1 - 1.0 / ++this.uses;
		}

		@Override
		public double worth(int group) {
			return this.last[group];
		}

	}

}
