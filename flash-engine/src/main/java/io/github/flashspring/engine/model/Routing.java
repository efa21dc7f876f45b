package io.github.flashspring.engine.model;

import java.util.List;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.residency.ExpertGuess;

/**
 * How a router's logits become experts and their weights. It runs on the host, since what
 * it decides is what must be in memory; in double precision with functions that round
 * alike on every machine.
 *
 * @param experts number of experts
 * @param perToken experts of a token
 * @param scoring what makes scores of logits
 * @param groups from which groups of experts those of a token come
 * @param weighting what makes weights of scores
 * @param scale factor of the weights
 */
record Routing(int experts, int perToken, Scoring scoring, Groups groups, Weighting weighting, float scale) {

	private static final double MIN_SUM = 1e-20;

	/** Rank of what cannot be chosen, or cannot be chosen again. */
	private static final double TAKEN = Double.NaN;

	/**
	 * Routing without groups, whose weights are the scores.
	 * @param experts number of experts
	 * @param perToken experts of a token
	 * @param scoring what makes scores of logits
	 */
	Routing(int experts, int perToken, Scoring scoring) {
		this(experts, perToken, scoring, Groups.NONE, Weighting.SCORES, 1f);
	}

	/** The same with groups. */
	Routing groups(Groups other) {
		return new Routing(this.experts, this.perToken, this.scoring, other, this.weighting, this.scale);
	}

	/** The same with another weighting. */
	Routing weighting(Weighting other) {
		return new Routing(this.experts, this.perToken, this.scoring, this.groups, other, this.scale);
	}

	/** The same with another factor of the weights. */
	Routing scale(float factor) {
		return new Routing(this.experts, this.perToken, this.scoring, this.groups, this.weighting, factor);
	}

	/**
	 * Checks numbers that depend on each other.
	 * @param config the model's config, for messages
	 * @return this
	 */
	Routing checked(ModelConfig config) {
		if (this.groups.count < 1 || this.experts % this.groups.count != 0) {
			throw config.wrong("n_group", "a divisor of the " + this.experts + " experts",
					String.valueOf(this.groups.count));
		}
		if (this.groups.chosen < 1 || this.groups.chosen > this.groups.count) {
			throw config.wrong("topk_group", "a number from 1 to " + this.groups.count,
					String.valueOf(this.groups.chosen));
		}
		int eligible = this.experts / this.groups.count * this.groups.chosen;
		if (this.perToken < 1 || this.perToken > eligible) {
			throw config.wrong("num_experts_per_tok", "a number from 1 to " + eligible, String.valueOf(this.perToken));
		}
		return this;
	}

	/**
	 * Chooses the experts of a token: those with the highest scores, the first of equal
	 * ones.
	 * @param logits of the router
	 * @param from index of the token's first logit
	 * @param correction added to the scores for the choice alone, or null
	 * @param chosen receives the experts, the best first
	 * @param weights receives their weights
	 * @param to index of the token's first expert in both
	 */
	void choose(float[] logits, int from, float @Nullable [] correction, int[] chosen, float[] weights, int to) {
		double[] scores = scores(logits, from);
		double[] ranks = ranks(scores, correction);
		double sum = 0;
		for (int k = 0; k < this.perToken; k++) {
			int best = best(ranks);
			chosen[to + k] = best;
			ranks[best] = TAKEN;
			sum += scores[best];
		}
		double factor = (this.weighting == Weighting.NORMALIZED) ? this.scale / (sum + MIN_SUM) : this.scale;
		for (int k = 0; k < this.perToken; k++) {
			weights[to + k] = (float) (scores[chosen[to + k]] * factor);
		}
	}

	/**
	 * What the choice goes by: scores with their correction, in the best groups alone.
	 * Scores that are no numbers, of damaged weights, come last, so that as many experts
	 * are chosen as ever, and the logits tell.
	 */
	private double[] ranks(double[] scores, float @Nullable [] correction) {
		double[] ranks = scores.clone();
		for (int i = 0; i < ranks.length; i++) {
			ranks[i] += (correction != null) ? correction[i] : 0;
			ranks[i] = Double.isNaN(ranks[i]) ? Double.NEGATIVE_INFINITY : ranks[i];
		}
		if (this.groups.chosen < this.groups.count) {
			excludeGroups(ranks);
		}
		return ranks;
	}

	/**
	 * Predicts which experts these logits would choose, and how clearly.
	 * @param logits of the router
	 * @param from index of the token's first logit
	 * @param correction added to the scores for the choice alone, or null
	 * @param guesses receives the experts
	 */
	void guess(float[] logits, int from, float @Nullable [] correction, List<ExpertGuess> guesses) {
		double[] ranks = ranks(scores(logits, from), correction);
		int[] experts = new int[this.perToken];
		double[] found = new double[this.perToken];
		for (int k = 0; k < this.perToken; k++) {
			experts[k] = best(ranks);
			found[k] = ranks[experts[k]];
			ranks[experts[k]] = TAKEN;
		}
		int left = best(ranks);
		double next = (left < 0) ? Double.MIN_NORMAL : Math.max(ranks[left], Double.MIN_NORMAL);
		for (int k = 0; k < this.perToken; k++) {
			guesses.add(new ExpertGuess(experts[k], Math.max(1, found[k] / next)));
		}
	}

	private double[] scores(float[] logits, int from) {
		double[] scores = new double[this.experts];
		if (this.scoring == Scoring.SIGMOID) {
			for (int i = 0; i < scores.length; i++) {
				scores[i] = sigmoid(logits[from + i]);
			}
			return scores;
		}
		double most = Double.NEGATIVE_INFINITY;
		for (int i = 0; i < scores.length; i++) {
			most = Math.max(most, logits[from + i]);
		}
		double sum = 0;
		for (int i = 0; i < scores.length; i++) {
			scores[i] = StrictMath.exp(logits[from + i] - most);
			sum += scores[i];
		}
		for (int i = 0; i < scores.length; i++) {
			scores[i] /= sum;
		}
		return scores;
	}

	/**
	 * The logistic function.
	 * @param x any number
	 * @return {@code 1 / (1 + exp(−x))}
	 */
	static double sigmoid(double x) {
		return 1 / (1 + StrictMath.exp(-x));
	}

	/** Leaves the experts of the best groups only. */
	private void excludeGroups(double[] ranks) {
		int size = this.experts / this.groups.count;
		double[] groupRanks = new double[this.groups.count];
		for (int group = 0; group < this.groups.count; group++) {
			double first = Double.NEGATIVE_INFINITY;
			double second = Double.NEGATIVE_INFINITY;
			for (int i = group * size; i < (group + 1) * size; i++) {
				second = Math.max(second, Math.min(first, ranks[i]));
				first = Math.max(first, ranks[i]);
			}
			double both = (this.groups.score == GroupScore.HIGHEST || size == 1) ? first : first + second;
			groupRanks[group] = Double.isNaN(both) ? Double.NEGATIVE_INFINITY : both;
		}
		boolean[] open = new boolean[this.groups.count];
		for (int k = 0; k < this.groups.chosen; k++) {
			int best = best(groupRanks);
			open[best] = true;
			groupRanks[best] = TAKEN;
		}
		for (int i = 0; i < ranks.length; i++) {
			ranks[i] = open[i / size] ? ranks[i] : TAKEN;
		}
	}

	/** The first of the highest that are not taken; −1 if all are. */
	private static int best(double[] ranks) {
		int best = -1;
		for (int i = 0; i < ranks.length; i++) {
			best = (!Double.isNaN(ranks[i]) && (best < 0 || ranks[i] > ranks[best])) ? i : best;
		}
		return best;
	}

	/**
	 * Groups of neighbouring experts.
	 *
	 * @param count number of groups
	 * @param chosen groups of a token, from which its experts come
	 * @param score what makes a group's score of its experts'
	 */
	record Groups(int count, int chosen, GroupScore score) {

		static final Groups NONE = new Groups(1, 1, GroupScore.HIGHEST);

	}

	/** What makes weights of the scores of a token's experts. */
	enum Weighting {

		/** The scores themselves. */
		SCORES,

		/** Scores over their sum. */
		NORMALIZED;

		/**
		 * From {@code norm_topk_prob}.
		 * @param normTopkProb its value
		 * @return {@link #NORMALIZED} if true
		 */
		static Weighting of(boolean normTopkProb) {
			return normTopkProb ? NORMALIZED : SCORES;
		}

	}

	/** What makes scores of logits. */
	enum Scoring {

		/** Scores of all experts add up to 1. */
		SOFTMAX,

		/** Each expert's score is its own. */
		SIGMOID

	}

	/** What makes a group's score of its experts'. */
	enum GroupScore {

		/** The highest. */
		HIGHEST,

		/** The sum of the two highest. */
		TWO_HIGHEST

	}

}
