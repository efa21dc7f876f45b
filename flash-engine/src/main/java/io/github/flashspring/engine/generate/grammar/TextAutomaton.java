package io.github.flashspring.engine.generate.grammar;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

import org.jspecify.annotations.Nullable;

/**
 * A deterministic automaton over code points that runs several regular expressions at
 * once. A state's label has a bit for each of them that the text so far satisfies.
 */
final class TextAutomaton {

	/** Entries of the table of steps: 32 MiB. */
	private static final int MAX_ENTRIES = 1 << 23;

	private static final int MAX_STATES = 1 << 16;

	private static final int MAX_NFA_STATES = 1 << 16;

	/** Steps of a construction: a second at most. */
	private static final int MAX_WORK = 1 << 23;

	private static final int DEAD = -1;

	/** First code point of each interval in which all expressions behave alike. */
	private final int[] intervals;

	/** Class of each interval. */
	private final int[] classes;

	/** [states][classes] */
	private final List<int[]> steps;

	private final List<Integer> labels;

	/** Steps that its construction took, for budgets. */
	private int work;

	private TextAutomaton(int[] intervals, int[] classes, List<int[]> steps, List<Integer> labels) {
		this.intervals = intervals;
		this.classes = classes;
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
		TreeSet<Integer> starts = new TreeSet<>(List.of(0));
		List<CodePoints> sets = new ArrayList<>();
		expressions.forEach((each) -> collect(each, sets));
		if (without != null) {
			collect(without, sets);
		}
		for (CodePoints set : sets) {
			for (int i = 0; i < set.bounds().length; i += 2) {
				starts.add(set.bounds()[i]);
				starts.add(set.bounds()[i + 1] + 1);
			}
		}
		starts.remove(Character.MAX_CODE_POINT + 1);
		int[] intervals = starts.stream().mapToInt(Integer::intValue).toArray();
		int[] classes = new int[intervals.length];
		Map<BitSet, Integer> signatures = new HashMap<>();
		List<BitSet> members = new ArrayList<>();
		List<BitSet> contents = sets.stream().map((set) -> intervalsOf(set, intervals)).toList();
		for (int i = 0; i < intervals.length; i++) {
			BitSet signature = new BitSet();
			for (int s = 0; s < contents.size(); s++) {
				signature.set(s, contents.get(s).get(i));
			}
			Integer known = signatures.putIfAbsent(signature, members.size());
			if (known == null) {
				known = members.size();
				members.add(new BitSet());
			}
			classes[i] = known;
			members.get(known).set(i);
		}
		int classCount = members.size();
		List<Component> components = new ArrayList<>();
		List<Subsets> subsets = new ArrayList<>();
		for (Regex each : expressions) {
			subsets.add(new Subsets(each, intervals, members));
		}
		components.addAll(subsets);
		if (without != null) {
			Subsets found = new Subsets(without, intervals, members);
			subsets.add(found);
			components.add(new Without(found));
		}
		if (all && (minLength > 0 || maxLength != Expr.UNBOUNDED)) {
			components.add(new Length(minLength, maxLength));
		}
		TextAutomaton automaton = product(components, all, classCount, intervals, classes);
		automaton.work = automaton.steps.size() * classCount + subsets.stream().mapToInt((each) -> each.work).sum();
		return automaton;
	}

	private static void collect(Regex regex, List<CodePoints> to) {
		switch (regex) {
			case Regex.Chars chars -> {
				if (!to.contains(chars.set())) {
					to.add(chars.set());
				}
			}
			case Regex.Seq seq -> seq.parts().forEach((part) -> collect(part, to));
			case Regex.Alt alt -> alt.choices().forEach((choice) -> collect(choice, to));
			case Regex.Repeat repeat -> collect(repeat.part(), to);
			case Regex.Start _, Regex.End _ -> {
			}
		}
	}

	private static BitSet intervalsOf(CodePoints set, int[] intervals) {
		BitSet in = new BitSet();
		for (int i = 0; i < set.bounds().length; i += 2) {
			int from = Arrays.binarySearch(intervals, set.bounds()[i]);
			int to = Arrays.binarySearch(intervals, set.bounds()[i + 1] + 1);
			in.set(from, (to < 0) ? ~to : to);
		}
		return in;
	}

	private static TextAutomaton product(List<Component> components, boolean all, int classCount, int[] intervals,
			int[] classes) {
		List<int[]> steps = new ArrayList<>();
		List<Integer> labels = new ArrayList<>();
		Map<Key, Integer> numbers = new HashMap<>();
		List<int[]> open = new ArrayList<>();
		int count = components.size();
		int full = (1 << count) - 1;
		int[] first = components.stream().mapToInt(Component::start).toArray();
		numbers.put(new Key(first), 0);
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
				Key key = new Key(next);
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
		return new TextAutomaton(intervals, classes, steps, labels);
	}

	/**
	 * The label of a whole text.
	 * @param text a text
	 * @return a bit for each expression that it satisfies; of all together 1 or 0
	 */
	int label(String text) {
		int state = 0;
		for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
			int interval = Arrays.binarySearch(this.intervals, text.codePointAt(i));
			state = this.steps.get(state)[this.classes[(interval < 0) ? ~interval - 1 : interval]];
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
		List<int[]> edges = new ArrayList<>();
		for (int i = 0; i < this.intervals.length; i++) {
			int target = step[this.classes[i]];
			int high = (i + 1 < this.intervals.length) ? this.intervals[i + 1] - 1 : Character.MAX_CODE_POINT;
			int last = edges.size() - 1;
			if (target == DEAD) {
				continue;
			}
			if (last >= 0 && edges.get(last)[2] == target && edges.get(last)[1] == this.intervals[i] - 1) {
				edges.get(last)[1] = high;
			}
			else {
				edges.add(new int[] { this.intervals[i], high, target });
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

	/** A tuple of numbers, by value. */
	private record Key(int[] parts) {

		@Override
		public boolean equals(@Nullable Object other) {
			return other instanceof Key that && Arrays.equals(this.parts, that.parts);
		}

		@Override
		public int hashCode() {
			return Arrays.hashCode(this.parts);
		}

	}

	/** A deterministic automaton whose states are found as they are reached. */
	private interface Component {

		int start();

		int step(int state, int character);

		boolean accepts(int state);

	}

	/** Counts characters. */
	private record Length(int min, int max) implements Component {

		@Override
		public int start() {
			return 0;
		}

		@Override
		public int step(int state, int character) {
			if (state == this.max) {
				return DEAD;
			}
			return (this.max == Expr.UNBOUNDED) ? Math.min(state + 1, this.min) : state + 1;
		}

		@Override
		public boolean accepts(int state) {
			return state >= this.min;
		}

	}

	/** What another one does not accept. */
	private record Without(Subsets found) implements Component {

		/** The other one will never accept. */
		private static final int NEVER = Integer.MAX_VALUE;

		@Override
		public int start() {
			return (this.found.start() == DEAD) ? NEVER : this.found.start();
		}

		@Override
		public int step(int state, int character) {
			int next = (state == NEVER) ? DEAD : this.found.step(state, character);
			return (next == DEAD) ? NEVER : this.found.hasMatched(next) ? DEAD : next;
		}

		@Override
		public boolean accepts(int state) {
			return state == NEVER || !this.found.accepts(state);
		}

	}

	/** The subsets of states of a nondeterministic automaton. */
	private static final class Subsets implements Component {

		private final int[] intervals;

		private final List<BitSet> members;

		private final List<Nfa> nfa = new ArrayList<>();

		private final List<int[]> subsets = new ArrayList<>();

		private final Map<Key, Integer> numbers = new HashMap<>();

		private final List<int[]> steps = new ArrayList<>();

		private final int match;

		/** In which round each entry was seen last. */
		private int[] seen = new int[0];

		private int round;

		private int work;

		Subsets(Regex regex, int[] intervals, List<BitSet> members) {
			this.intervals = intervals;
			this.members = members;
			// Anything may come before and after.
			this.match = add(new Nfa(null, 0, 0, Kind.MATCH));
			int entry = emit(regex, this.match);
			int loop = add(new Nfa(null, 0, 0, Kind.SPLIT));
			int skip = add(new Nfa(new BitSet(), loop, 0, Kind.ANY));
			this.nfa.set(loop, new Nfa(null, entry, skip, Kind.SPLIT));
			number(closure(new int[] { 2 * loop }, true));
		}

		private int add(Nfa state) {
			if (this.nfa.size() == MAX_NFA_STATES) {
				throw new GrammarException("it is too long once its repetitions are written out");
			}
			this.nfa.add(state);
			return this.nfa.size() - 1;
		}

		/** Emits backwards; gives the entry. */
		private int emit(Regex regex, int next) {
			return switch (regex) {
				case Regex.Chars chars -> add(new Nfa(classesOf(chars.set()), next, 0, Kind.CHARS));
				case Regex.Start _ -> add(new Nfa(null, next, 0, Kind.START));
				case Regex.End _ -> add(new Nfa(null, next, 0, Kind.END));
				case Regex.Seq seq -> {
					int entry = next;
					for (Regex part : seq.parts().reversed()) {
						entry = emit(part, entry);
					}
					yield entry;
				}
				case Regex.Alt alt -> {
					int entry = emit(alt.choices().getLast(), next);
					for (int i = alt.choices().size() - 2; i >= 0; i--) {
						entry = add(new Nfa(null, emit(alt.choices().get(i), next), entry, Kind.SPLIT));
					}
					yield entry;
				}
				case Regex.Repeat repeat -> {
					int entry = next;
					if (repeat.max() == Expr.UNBOUNDED) {
						int loop = add(new Nfa(null, 0, 0, Kind.SPLIT));
						this.nfa.set(loop, new Nfa(null, emit(repeat.part(), loop), next, Kind.SPLIT));
						entry = loop;
					}
					else {
						for (int i = repeat.min(); i < repeat.max(); i++) {
							entry = add(new Nfa(null, emit(repeat.part(), entry), next, Kind.SPLIT));
						}
					}
					for (int i = 0; i < repeat.min(); i++) {
						int before = entry;
						entry = emit(repeat.part(), before);
						if (entry == before) {
							break;
						}
					}
					yield entry;
				}
			};
		}

		private BitSet classesOf(CodePoints set) {
			BitSet in = intervalsOf(set, this.intervals);
			BitSet classes = new BitSet();
			for (int each = 0; each < this.members.size(); each++) {
				classes.set(each, in.get(this.members.get(each).nextSetBit(0)));
			}
			return classes;
		}

		/**
		 * Follows what takes no character. Entries are twice the state, plus 1 behind the
		 * end of the text.
		 */
		private int[] closure(int[] from, boolean atStart) {
			if (this.seen.length < 2 * this.nfa.size()) {
				this.seen = new int[2 * this.nfa.size()];
			}
			this.round++;
			int[] found = new int[8];
			int size = 0;
			Deque<Integer> open = new ArrayDeque<>();
			for (int each : from) {
				open.push(each);
			}
			while (!open.isEmpty()) {
				int each = open.pop();
				if (this.seen[each] == this.round) {
					continue;
				}
				this.seen[each] = this.round;
				if (++this.work > MAX_WORK) {
					throw new GrammarException("it is too complex");
				}
				Nfa state = this.nfa.get(each >> 1);
				int ended = each & 1;
				switch (state.kind()) {
					case SPLIT -> {
						open.push(2 * state.next() | ended);
						open.push(2 * state.other() | ended);
					}
					case START -> {
						if (atStart) {
							open.push(2 * state.next() | ended);
						}
					}
					case END -> open.push(2 * state.next() | 1);
					default -> {
						found = (size == found.length) ? Arrays.copyOf(found, 2 * size) : found;
						found[size++] = each;
					}
				}
			}
			// Once it has matched, whatever follows matches too.
			if (this.seen[2 * this.match] == this.round) {
				return new int[] { 2 * this.match };
			}
			Arrays.sort(found, 0, size);
			return Arrays.copyOf(found, size);
		}

		private int number(int[] subset) {
			if (subset.length == 0) {
				return DEAD;
			}
			Key key = new Key(subset);
			Integer known = this.numbers.get(key);
			if (known == null) {
				known = this.subsets.size();
				if (known == MAX_STATES) {
					throw new GrammarException("it is too complex: it needs more than %d states".formatted(MAX_STATES));
				}
				this.numbers.put(key, known);
				this.subsets.add(subset);
				int[] unknown = new int[this.members.size()];
				Arrays.fill(unknown, DEAD - 1);
				this.steps.add(unknown);
			}
			return known;
		}

		@Override
		public int start() {
			return this.subsets.isEmpty() ? DEAD : 0;
		}

		@Override
		public int step(int state, int character) {
			int known = this.steps.get(state)[character];
			if (known < DEAD) {
				int[] next = Arrays.stream(this.subsets.get(state))
					.filter((each) -> (each & 1) == 0 && takes(each >> 1, character))
					.map((each) -> 2 * ((each >> 1 == this.match) ? this.match : this.nfa.get(each >> 1).next()))
					.toArray();
				known = number(closure(next, false));
				this.steps.get(state)[character] = known;
			}
			return known;
		}

		/** Whether it accepts whatever follows. */
		boolean hasMatched(int state) {
			int[] subset = this.subsets.get(state);
			return subset.length == 1 && subset[0] == 2 * this.match;
		}

		private boolean takes(int state, int character) {
			Nfa nfa = this.nfa.get(state);
			return nfa.kind() != Kind.CHARS || nfa.classes() != null && nfa.classes().get(character);
		}

		@Override
		public boolean accepts(int state) {
			int[] subset = this.subsets.get(state);
			return Arrays.stream(subset).anyMatch((each) -> each >> 1 == this.match);
		}

	}

	private enum Kind {

		CHARS, ANY, MATCH, SPLIT, START, END

	}

	/** A state of a nondeterministic automaton. */
	private record Nfa(@Nullable BitSet classes, int next, int other, Kind kind) {

	}

}
