package io.github.flashspring.engine.generate;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Divides the rows of a pass among sequences. Those that generate need one row each and
 * come first, so that prompts do not hold them up; prompts share the rows that are left
 * equally, up to a limit if a sequence generates. The sequence whose turn it is gets a
 * row in any case, so that everyone gets on in passes shorter than there are sequences.
 */
final class BatchPlanner {

	private BatchPlanner() {
	}

	/**
	 * Plans a pass.
	 * @param sequences what each could compute; the first is the one whose turn it is
	 * @param maxRows most rows of the pass
	 * @param prefillRows most rows of prompts if a sequence generates
	 * @return rows of each sequence
	 */
	static int[] rows(List<Pending> sequences, int maxRows, int prefillRows) {
		int[] rows = new int[sequences.size()];
		int left = maxRows;
		boolean decodes = false;
		List<Integer> prompts = new ArrayList<>();
		for (int i = 0; i < rows.length; i++) {
			if (!sequences.get(i).decoding()) {
				prompts.add(i);
			}
		}
		boolean promptsTurn = !prompts.isEmpty() && prompts.getFirst() == 0;
		for (int i = 0; i < rows.length; i++) {
			if (sequences.get(i).decoding() && left > (promptsTurn ? 1 : 0)) {
				rows[i] = 1;
				left--;
				decodes = true;
			}
		}
		share(sequences, prompts, decodes ? Math.min(left, Math.max(1, prefillRows)) : left, rows);
		return rows;
	}

	/**
	 * Gives each prompt an equal part; what short ones do not need goes to the others.
	 */
	private static void share(List<Pending> sequences, List<Integer> prompts, int rows, int[] result) {
		List<Integer> shortest = prompts.stream()
			.sorted(Comparator.comparingInt((Integer i) -> sequences.get(i).tokens()))
			.toList();
		int left = rows;
		int part = 0;
		boolean complete = true;
		for (int k = 0; k < shortest.size(); k++) {
			int i = shortest.get(k);
			if (complete) {
				part = left / (shortest.size() - k);
				complete = sequences.get(i).tokens() <= part;
			}
			result[i] = Math.min(sequences.get(i).tokens(), part);
			left -= result[i];
		}
		// what cannot be divided goes to those whose turn comes first
		for (int i : prompts) {
			if (left > 0 && result[i] < sequences.get(i).tokens()) {
				result[i]++;
				left--;
			}
		}
	}

	/**
	 * What a sequence could compute.
	 *
	 * @param tokens known tokens that are not computed, at least 1
	 * @param decoding whether that is one token, which the sequence has generated
	 */
	record Pending(int tokens, boolean decoding) {

	}

}
