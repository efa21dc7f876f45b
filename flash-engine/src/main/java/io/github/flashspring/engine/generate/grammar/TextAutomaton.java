package io.github.flashspring.engine.generate.grammar;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * A deterministic automaton over code points that runs several regular expressions at
 * once. A state's label has a bit for each of them that the text so far satisfies.
 */
final class TextAutomaton {

	/** Entries of the table of steps: 32 MiB. */
	private static final int MAX_ENTRIES = 1 << 23;

	static final int MAX_STATES = 1 << 16;

	private static final int DEAD = TextComponent.DEAD;

	private final CharacterClasses characters;

	/** [states][classes] */
	private final List<int[]> steps;

	private final List<Integer> labels;

	/** Steps that its construction took, for budgets. */
	private int work;

	private TextAutomaton(CharacterClasses characters, List<int[]> steps, List<Integer> labels) {
		this.characters = characters;
		this.steps = steps;
		this.labels = labels;
	}

	/**
	 * Runs expressions side by side.
	 * @param expressions at most 30; each matches anywhere in a text unless it is
	 * anchored
	 * @param all whether only texts that satisfy all of them matter
	 * @param minLength least code points, if {@code all}
	 * @param maxLength most code points, if {@code all}
	 * @return the automaton
	 * @throws GrammarException if it would be too large
	 */
	static TextAutomaton of(List<Regex> expressions, boolean all, int minLength, int maxLength) {
		return of(expressions, null, all, minLength, maxLength);
	}

	/**
	 * As {@link #of(List, boolean, int, int)}, for texts that an expression does not
	 * match.
	 * @param expressions expressions
	 * @param without what does not match anywhere in a text; null: anything may. Only if
	 * {@code all}
	 * @param all whether only texts that satisfy all of them matter
	 * @param minLength least code points, if {@code all}
	 * @param maxLength most code points, if {@code all}
	 * @return the automaton
	 * @throws GrammarException if it would be too large
	 */
	static TextAutomaton of(List<Regex> expressions, @Nullable Regex without, boolean all, int minLength,
			int maxLength) {
		List<Regex> together = new ArrayList<>(expressions);
		if (without != null) {
			together.add(without);
		}
		CharacterClasses characters = CharacterClasses.of(together);
		List<TextComponent> components = new ArrayList<>();
		List<SubsetConstruction> subsets = new ArrayList<>();
		for (Regex each : expressions) {
			subsets.add(new SubsetConstruction(each, characters));
		}
		components.addAll(subsets);
		if (without != null) {
			SubsetConstruction found = new SubsetConstruction(without, characters);
			subsets.add(found);
			components.add(new TextComponent.Without(found));
		}
		if (all && (minLength > 0 || maxLength != Expr.UNBOUNDED)) {
			components.add(new TextComponent.Length(minLength, maxLength));
		}
		TextAutomaton automaton = product(components, all, characters);
		automaton.work = automaton.steps.size() * characters.count()
				+ subsets.stream().mapToInt(SubsetConstruction::work).sum();
		return automaton;
	}

	private static TextAutomaton product(List<TextComponent> components, boolean all, CharacterClasses characters) {
		int classCount = characters.count();
		List<int[]> steps = new ArrayList<>();
		List<Integer> labels = new ArrayList<>();
		Map<IntTuple, Integer> numbers = new HashMap<>();
		List<int[]> open = new ArrayList<>();
		int count = components.size();
		int full = (1 << count) - 1;
		int[] first = components.stream().mapToInt(TextComponent::start).toArray();
		numbers.put(new IntTuple(first), 0);
		open.add(first);
		for (int state = 0; state < open.size(); state++) {
			int[] parts = open.get(state);
			int label = 0;
			for (int c = 0; c < count; c++) {
				if (parts[c] != DEAD && components.get(c).accepts(parts[c])) {
					label |= 1 << c;
				}
			}
			labels.add(all ? (label == full) ? 1 : 0 : label);
			int[] step = new int[classCount];
			for (int each = 0; each < classCount; each++) {
				int[] next = new int[count];
				boolean dead = false;
				for (int c = 0; c < count; c++) {
					next[c] = (parts[c] == DEAD) ? DEAD : components.get(c).step(parts[c], each);
					dead |= next[c] == DEAD;
				}
				if (all && dead) {
					step[each] = DEAD;
					continue;
				}
				IntTuple key = new IntTuple(next);
				Integer number = numbers.get(key);
				if (number == null) {
					number = open.size();
					if (number == MAX_STATES || (long) number * classCount > MAX_ENTRIES) {
						throw new GrammarException(
								"it is too complex, also together with length and other patterns: it needs more than %d states"
									.formatted(number));
					}
					numbers.put(key, number);
					open.add(next);
				}
				step[each] = number;
			}
			steps.add(step);
		}
		return new TextAutomaton(characters, steps, labels);
	}

	/**
	 * The label of a whole text.
	 * @param text a text
	 * @return a bit for each expression that it satisfies; of all together 1 or 0
	 */
	int label(String text) {
		int state = 0;
		for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
			state = this.steps.get(state)[this.characters.classOf(text.codePointAt(i))];
			if (state == DEAD) {
				return 0;
			}
		}
		return this.labels.get(state);
	}

	int work() {
		return this.work;
	}

	/**
	 * All labels that texts have.
	 * @return the labels, each once
	 */
	List<Integer> labels() {
		return this.labels.stream().distinct().sorted().toList();
	}

	/**
	 * The content of a JSON string, followed by what belongs to its label. Escapes are
	 * admitted only where JSON needs them, so that a text has one spelling, but for those
	 * whose label is certain: what follows there is free.
	 * @param exits label to what follows; others do not match
	 * @return the expression
	 */
	Expr.Machine toJson(Map<Integer, Expr> exits) {
		BitSet certain = certain();
		List<Expr> expressions = new ArrayList<>();
		Map<List<Object>, Integer> indexes = new HashMap<>();
		MachineBuilder machine = new MachineBuilder();
		machine.reserve(this.steps.size());
		for (int state = 0; state < this.steps.size(); state++) {
			Expr exit = exits.get(this.labels.get(state));
			boolean free = certain.get(state);
			int index = -1;
			if (exit != null) {
				index = indexes.computeIfAbsent(List.of(this.labels.get(state), free), (_) -> {
					expressions.add(free ? Expr.seq(new Expr.JsonText(0, Expr.UNBOUNDED), exit) : exit);
					return expressions.size() - 1;
				});
			}
			machine.defineCharacters(state, free ? List.of() : edges(this.steps.get(state)), index, true);
		}
		return machine.build(expressions);
	}

	/**
	 * A text as it is, followed by what belongs to its label.
	 * @param exits label to what follows; others do not match
	 * @return the expression
	 */
	Expr.Machine toText(Map<Integer, Expr> exits) {
		List<Expr> expressions = new ArrayList<>();
		Map<Integer, Integer> indexes = new HashMap<>();
		MachineBuilder machine = new MachineBuilder();
		machine.reserve(this.steps.size());
		for (int state = 0; state < this.steps.size(); state++) {
			Expr exit = exits.get(this.labels.get(state));
			int index = -1;
			if (exit != null) {
				index = indexes.computeIfAbsent(this.labels.get(state), (_) -> {
					expressions.add(exit);
					return expressions.size() - 1;
				});
			}
			machine.defineCharacters(state, edges(this.steps.get(state)), index, false);
		}
		return machine.build(expressions);
	}

	private List<int[]> edges(int[] step) {
		int[] intervals = this.characters.intervals();
		List<int[]> edges = new ArrayList<>();
		for (int i = 0; i < intervals.length; i++) {
			int target = step[this.characters.classes()[i]];
			int high = (i + 1 < intervals.length) ? intervals[i + 1] - 1 : Character.MAX_CODE_POINT;
			int last = edges.size() - 1;
			if (target == DEAD) {
				continue;
			}
			if (last >= 0 && edges.get(last)[2] == target && edges.get(last)[1] == intervals[i] - 1) {
				edges.get(last)[1] = high;
			}
			else {
				edges.add(new int[] { intervals[i], high, target });
			}
		}
		return edges;
	}

	/** States from which every text has the same label. */
	private BitSet certain() {
		BitSet certain = new BitSet();
		certain.set(0, this.steps.size());
		List<List<Integer>> from = new ArrayList<>();
		this.steps.forEach((_) -> from.add(new ArrayList<>(2)));
		Deque<Integer> queue = new ArrayDeque<>();
		for (int state = 0; state < this.steps.size(); state++) {
			for (int target : this.steps.get(state)) {
				boolean same = target != DEAD && this.labels.get(target).equals(this.labels.get(state));
				if (same) {
					from.get(target).add(state);
				}
				else if (certain.get(state)) {
					certain.clear(state);
					queue.add(state);
				}
			}
		}
		while (!queue.isEmpty()) {
			for (int source : from.get(queue.remove())) {
				if (certain.get(source)) {
					certain.clear(source);
					queue.add(source);
				}
			}
		}
		return certain;
	}

}
