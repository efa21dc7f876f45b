package io.github.flashspring.engine.checkpoint;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/**
 * Names that look like the one asked for, by edit distance, for messages.
 */
public final class NearMisses {

	private static final int LIMIT = 3;

	private static final int LONGEST = 200;

	private NearMisses() {
	}

	/**
	 * The names nearest to one.
	 * @param wanted what was asked for
	 * @param names what there is
	 * @return at most three, in quotes, the nearest first
	 */
	public static List<String> of(String wanted, Collection<String> names) {
		int furthest = Math.min(16, wanted.length() / 2);
		record Candidate(String name, int distance) {
		}
		return names.stream()
			.filter((name) -> name.length() <= LONGEST && wanted.length() <= LONGEST
					&& Math.abs(name.length() - wanted.length()) <= furthest)
			.map((name) -> new Candidate(name, distance(wanted, name)))
			.filter((candidate) -> candidate.distance() <= furthest)
			.sorted(Comparator.comparingInt(Candidate::distance).thenComparing(Candidate::name))
			.limit(LIMIT)
			.map((candidate) -> CheckpointException.quote(candidate.name()))
			.toList();
	}

	/** Levenshtein distance, one row at a time. */
	static int distance(String a, String b) {
		int[] row = new int[b.length() + 1];
		for (int j = 0; j <= b.length(); j++) {
			row[j] = j;
		}
		for (int i = 1; i <= a.length(); i++) {
			int diagonal = row[0];
			row[0] = i;
			for (int j = 1; j <= b.length(); j++) {
				int substituted = diagonal + ((a.charAt(i - 1) == b.charAt(j - 1)) ? 0 : 1);
				diagonal = row[j];
				row[j] = Math.min(substituted, Math.min(row[j], row[j - 1]) + 1);
			}
		}
		return row[b.length()];
	}

}
