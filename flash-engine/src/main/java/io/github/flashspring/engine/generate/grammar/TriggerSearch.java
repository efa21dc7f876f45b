package io.github.flashspring.engine.generate.grammar;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Finds the first of some texts in an answer that is free before it.
 */
final class TriggerSearch {

	private TriggerSearch() {
	}

	/**
	 * Anything, special tokens too, up to the first occurrence of one of some texts and
	 * with it.
	 * @param triggers the texts
	 * @param optional whether none of them need come
	 * @return the expression
	 * @see <a href="https://doi.org/10.1145/360825.360855">Aho, Corasick: Efficient
	 * String Matching</a>
	 */
	static Expr until(List<Trigger> triggers, boolean optional) {
		List<int[]> next = new ArrayList<>();
		List<Integer> ends = new ArrayList<>();
		next.add(new int[256]);
		ends.add(-1);
		boolean lines = false;
		for (int i = 0; i < triggers.size(); i++) {
			Trigger trigger = triggers.get(i);
			lines |= trigger.beginsLine();
			int state = 0;
			for (byte each : ((trigger.beginsLine() ? "\n" : "") + trigger.text()).getBytes(StandardCharsets.UTF_8)) {
				if (next.get(state)[each & 0xff] == 0) {
					next.get(state)[each & 0xff] = next.size();
					next.add(new int[256]);
					ends.add(-1);
				}
				state = next.get(state)[each & 0xff];
			}
			ends.set(state, i);
		}
		complete(next, ends);
		// an answer begins a line
		int start = lines ? next.getFirst()['\n'] : 0;
		MachineBuilder machine = new MachineBuilder();
		machine.reserve(next.size() + 1);
		for (int state = 0; state < next.size(); state++) {
			machine.define(state + 1, edges(next.get(state), ends.get(state), state),
					(ends.get(state) >= 0) ? ends.get(state) : optional ? triggers.size() : -1);
		}
		machine.define(0, edges(next.get(start), ends.get(start), start), optional ? triggers.size() : -1);
		List<Expr> exits = new ArrayList<>(triggers.stream().map(Trigger::after).toList());
		exits.add(Expr.EMPTY);
		return machine.build(exits);
	}

	/** Adds steps for what does not go on in the trie of texts. */
	private static void complete(List<int[]> next, List<Integer> ends) {
		int[] fallback = new int[next.size()];
		Deque<Integer> open = new ArrayDeque<>(List.of(0));
		while (!open.isEmpty()) {
			int state = open.remove();
			int[] steps = next.get(state);
			for (int value = 0; value < steps.length; value++) {
				int other = (state == 0) ? 0 : next.get(fallback[state])[value];
				if (steps[value] == 0) {
					steps[value] = other;
				}
				else {
					fallback[steps[value]] = (state == 0) ? 0 : other;
					open.add(steps[value]);
				}
			}
			if (ends.get(state) < 0) {
				ends.set(state, ends.get(fallback[state]));
			}
		}
	}

	private static List<int[]> edges(int[] steps, int end, int state) {
		List<int[]> edges = new ArrayList<>();
		for (int value = 0; end < 0 && value < steps.length; value++) {
			// the byte before special tokens is no part of their texts
			int target = ((value == 0xff) ? state : steps[value]) + 1;
			int last = edges.size() - 1;
			if (last >= 0 && edges.get(last)[2] == target) {
				edges.get(last)[1] = value;
			}
			else {
				edges.add(new int[] { value, value, target });
			}
		}
		return edges;
	}

	/**
	 * A text from which on something else holds.
	 *
	 * @param text the text
	 * @param beginsLine whether it counts only at the beginning of a line
	 * @param after what follows it
	 */
	record Trigger(String text, boolean beginsLine, Expr after) {

	}

}
