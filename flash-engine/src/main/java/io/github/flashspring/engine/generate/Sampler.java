package io.github.flashspring.engine.generate;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

import org.jspecify.annotations.Nullable;

/**
 * Draws the tokens of one sequence. The same seed and logits give the same tokens on
 * every machine: sums are in double precision, exponentials are {@link StrictMath}'s.
 */
public final class Sampler {

	/**
	 * Tokens less likely than the best by more than e⁻⁴⁰ are left out: together they
	 * change no probability by as much as double precision resolves.
	 */
	private static final double NEGLIGIBLE = 40;

	private final Sampling sampling;

	private final SplittableRandom random;

	/** Occurrences in the output, and 0 for tokens that occurred in the prompt only. */
	private final Map<Integer, Integer> occurrences = new HashMap<>();

	/**
	 * Starts a sequence.
	 * @param sampling how to draw
	 * @param prompt tokens that the repetition penalty counts
	 */
	public Sampler(Sampling sampling, int[] prompt) {
		this.sampling = sampling;
		Long seed = sampling.seed();
		this.random = (seed != null) ? new SplittableRandom(seed) : new SplittableRandom();
		if (penalises()) {
			for (int token : prompt) {
				this.occurrences.putIfAbsent(token, 0);
			}
		}
	}

	private boolean penalises() {
		return this.sampling.repetitionPenalty() != 1 || this.sampling.presencePenalty() != 0
				|| this.sampling.frequencyPenalty() != 0;
	}

	/**
	 * Draws the next token.
	 * @param logits [vocab]; changed by penalties
	 * @return its id
	 * @throws NonFiniteLogitsException if the logits are not numbers
	 */
	public int next(float[] logits) {
		return next(logits, null, Set.of());
	}

	/**
	 * Draws the next token among those that a constraint admits. The others are removed
	 * first, so that the admitted ones keep their proportions, and top-k, top-p and min-p
	 * choose among them. One number is drawn for each token, admitted by whatever.
	 * @param logits [vocab]; changed by penalties and the constraint
	 * @param constraint admits tokens; null: all
	 * @param endTokens tokens that end the turn, admitted where it may end
	 * @return its id
	 * @throws NonFiniteLogitsException if the logits are not numbers
	 * @throws NoTokenException if no token is admitted
	 */
	public int next(float[] logits, @Nullable Constraint constraint, Set<Integer> endTokens) {
		penalise(logits);
		if (constraint != null) {
			restrict(logits, constraint, endTokens);
		}
		int token = (this.sampling.temperature() == 0) ? best(logits) : draw(logits);
		if (penalises()) {
			this.occurrences.merge(token, 1, Integer::sum);
		}
		return token;
	}

	private static void restrict(float[] logits, Constraint constraint, Set<Integer> endTokens) {
		long[] admitted = constraint.admitted();
		if (constraint.mayEnd()) {
			admitted = admitted.clone();
			for (int token : endTokens) {
				if (token < 64 * admitted.length) {
					admitted[token >> 6] |= 1L << token;
				}
			}
		}
		boolean any = false;
		for (int word = 0; 64 * word < logits.length; word++) {
			long bits = (word < admitted.length) ? admitted[word] : 0;
			int from = 64 * word;
			int to = Math.min(from + 64, logits.length);
			any |= bits != 0;
			if (bits == 0) {
				Arrays.fill(logits, from, to, Float.NEGATIVE_INFINITY);
			}
			else if (bits != -1) {
				for (int i = from; i < to; i++) {
					if ((bits >>> i & 1) == 0) {
						logits[i] = Float.NEGATIVE_INFINITY;
					}
				}
			}
		}
		if (!any) {
			throw new NoTokenException();
		}
	}

	private void penalise(float[] logits) {
		this.occurrences.forEach((token, count) -> {
			float logit = logits[token];
			logit = (logit > 0) ? logit / this.sampling.repetitionPenalty() : logit * this.sampling.repetitionPenalty();
			if (count > 0) {
				logit -= this.sampling.presencePenalty() + count * this.sampling.frequencyPenalty();
			}
			logits[token] = logit;
		});
	}

	private static int best(float[] logits) {
		int best = 0;
		for (int i = 1; i < logits.length; i++) {
			if (logits[i] > logits[best] || Float.isNaN(logits[best])) {
				best = i;
			}
		}
		// Tokens that are not admitted are infinitely unlikely: a NaN beside them counts.
		if (!(logits[best] > Float.NEGATIVE_INFINITY)) {
			throw new NonFiniteLogitsException();
		}
		return best;
	}

	private int draw(float[] logits) {
		double temperature = this.sampling.temperature();
		float max = logits[best(logits)];
		Candidates candidates = new Candidates(logits, max - NEGLIGIBLE * temperature);
		int count = candidates.count();
		double sum = 0;
		if (this.sampling.topK() > 0) {
			count = Math.min(count, this.sampling.topK());
			for (int i = 0; i < count; i++) {
				sum += weight(logits[candidates.token(i)], max);
			}
		}
		else {
			for (float logit : logits) {
				sum += (logit >= max - NEGLIGIBLE * temperature) ? weight(logit, max) : 0;
			}
		}
		double total = sum;
		if (this.sampling.topP() < 1 || this.sampling.minP() > 0) {
			int kept = 0;
			boolean all = this.sampling.topP() >= 1;
			for (total = 0; kept < count && (all || total < this.sampling.topP() * sum); kept++) {
				double weight = weight(logits[candidates.token(kept)], max);
				if (kept > 0 && weight < this.sampling.minP()) {
					break;
				}
				total += weight;
			}
			count = kept;
		}
		double point = this.random.nextDouble() * total;
		for (int i = 0; i < count - 1; i++) {
			point -= weight(logits[candidates.token(i)], max);
			if (point < 0) {
				return candidates.token(i);
			}
		}
		return candidates.token(count - 1);
	}

	/** The probability over that of the best token. */
	private double weight(float logit, float max) {
		return StrictMath.exp((logit - max) / this.sampling.temperature());
	}

}
