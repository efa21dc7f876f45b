package io.github.flashspring.engine.residency;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Learns how far guesses about the experts of each layer can be trusted: it compares all
 * of them with what was chosen, also those for which nothing was read, by how clear they
 * were. Only those come through that were right often enough; the bound follows how many
 * were wasted. Where hardly any comes through, guesses are asked for rarely.
 */
final class Lookahead {

	/** Guesses are told apart by their margins, in steps of the logarithm. */
	private static final double[] MARGINS = { 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6 };

	/** Guesses of a kind that must have been seen before one is trusted. */
	private static final int MIN_SEEN = 12;

	/** Weight of a new guess in moving averages, at least. */
	private static final double WEIGHT = 0.02;

	/** Share of what comes through that may be wasted. */
	private static final double MAX_WASTED = 0.06;

	private static final double LOWEST_BOUND = 0.7;

	private static final double HIGHEST_BOUND = 0.98;

	/** Guesses about a layer of which none came through, until fewer are asked for. */
	private static final int PATIENCE = 64;

	/** Of so many passes, one asks for guesses about a layer that is hard to guess. */
	private static final int RARELY = 16;

	private final boolean enabled;

	private final Map<Integer, Layer> layers = new HashMap<>();

	private double bound = 0.85;

	private double wasted = MAX_WASTED / 2;

	/**
	 * Begins to learn.
	 * @param enabled whether guesses are wanted at all
	 */
	Lookahead(boolean enabled) {
		this.enabled = enabled;
	}

	/**
	 * Whether guesses about a layer are wanted in this pass.
	 * @param firstGroup names the layer
	 * @return false where they would hardly help
	 */
	boolean wanted(int firstGroup) {
		if (!this.enabled) {
			return false;
		}
		Layer layer = layer(firstGroup);
		return layer.unproductive < PATIENCE || layer.asked++ % RARELY == 0;
	}

	/**
	 * The guesses that can be trusted.
	 * @param firstGroup names the layer
	 * @param guesses one or more for each token
	 * @return experts, the most probable first
	 */
	List<Likely> likely(int firstGroup, List<ExpertGuess> guesses) {
		Layer layer = layer(firstGroup);
		layer.guesses = List.copyOf(guesses);
		Map<Integer, Double> unlikely = new HashMap<>();
		for (ExpertGuess guess : guesses) {
			unlikely.merge(guess.expert(), 1 - layer.precision(kind(guess)), (a, b) -> a * b);
		}
		List<Likely> likely = new ArrayList<>();
		unlikely.forEach((expert, not) -> {
			if (1 - not >= this.bound) {
				likely.add(new Likely(expert, 1 - not));
			}
		});
		likely.sort(Comparator.comparingDouble(Likely::probability).reversed().thenComparingInt(Likely::expert));
		layer.likely = likely;
		layer.unproductive = likely.isEmpty() ? layer.unproductive + 1 : 0;
		return likely;
	}

	/**
	 * Compares guesses with what was chosen.
	 * @param firstGroup names the layer
	 * @param rowsOf how many tokens go to each expert
	 */
	void chosen(int firstGroup, int[] rowsOf) {
		Layer layer = this.layers.get(firstGroup);
		if (layer == null || layer.guesses.isEmpty()) {
			return;
		}
		for (ExpertGuess guess : layer.guesses) {
			layer.learn(kind(guess), rowsOf[guess.expert()] > 0);
		}
		for (Likely likely : layer.likely) {
			this.wasted += WEIGHT * (((rowsOf[likely.expert()] > 0) ? 0 : 1) - this.wasted);
			this.bound = (this.wasted > MAX_WASTED) ? Math.min(HIGHEST_BOUND, this.bound + 0.002)
					: Math.max(LOWEST_BOUND, this.bound - 0.0005);
		}
		layer.guesses = List.of();
		layer.likely = List.of();
	}

	private static int kind(ExpertGuess guess) {
		double log = Math.log(Math.max(1, guess.margin()));
		int kind = 0;
		while (kind < MARGINS.length && log >= MARGINS[kind]) {
			kind++;
		}
		return kind;
	}

	private Layer layer(int firstGroup) {
		return this.layers.computeIfAbsent(firstGroup, (key) -> new Layer());
	}

	/**
	 * An expert that can be counted on.
	 *
	 * @param expert index in its layer
	 * @param probability how often such guesses were right
	 */
	record Likely(int expert, double probability) {

	}

	/** What is known of a layer. */
	private static final class Layer {

		private final double[] right = new double[MARGINS.length + 1];

		private final int[] seen = new int[MARGINS.length + 1];

		private List<ExpertGuess> guesses = List.of();

		private List<Likely> likely = List.of();

		private int unproductive;

		private int asked;

		Layer() {
			Arrays.fill(this.right, 0.5);
		}

		double precision(int kind) {
			return (this.seen[kind] < MIN_SEEN) ? 0 : this.right[kind];
		}

		void learn(int kind, boolean wasRight) {
			this.seen[kind]++;
			double weight = Math.max(WEIGHT, 1.0 / this.seen[kind]);
			this.right[kind] += weight * ((wasRight ? 1 : 0) - this.right[kind]);
		}

	}

}
