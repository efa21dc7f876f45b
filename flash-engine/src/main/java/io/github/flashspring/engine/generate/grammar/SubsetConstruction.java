package io.github.flashspring.engine.generate.grammar;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * Makes one expression deterministic: its states are the subsets of states of a
 * nondeterministic automaton.
 */
final class SubsetConstruction implements TextComponent {

	private static final int MAX_NFA_STATES = 1 << 16;

	/** Steps of a construction: a second at most. */
	private static final int MAX_WORK = 1 << 23;

	private final CharacterClasses characters;

	private final List<Nfa> nfa = new ArrayList<>();

	private final List<int[]> subsets = new ArrayList<>();

	private final Map<IntTuple, Integer> numbers = new HashMap<>();

	private final List<int[]> steps = new ArrayList<>();

	private final int match;

	/** In which round each entry was seen last. */
	private int[] seen = new int[0];

	private int round;

	private int work;

	SubsetConstruction(Regex regex, CharacterClasses characters) {
		this.characters = characters;
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
			case Regex.Chars chars -> add(new Nfa(this.characters.classesOf(chars.set()), next, 0, Kind.CHARS));
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

	/**
	 * Follows what takes no character. Entries are twice the state, plus 1 behind the end
	 * of the text.
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
		IntTuple key = new IntTuple(subset);
		Integer known = this.numbers.get(key);
		if (known == null) {
			known = this.subsets.size();
			if (known == TextAutomaton.MAX_STATES) {
				throw new GrammarException(
						"it is too complex: it needs more than %d states".formatted(TextAutomaton.MAX_STATES));
			}
			this.numbers.put(key, known);
			this.subsets.add(subset);
			int[] unknown = new int[this.characters.count()];
			Arrays.fill(unknown, DEAD - 1);
			this.steps.add(unknown);
		}
		return known;
	}

	/** Steps that its construction took until now. */
	int work() {
		return this.work;
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

	private enum Kind {

		CHARS, ANY, MATCH, SPLIT, START, END

	}

	/** A state of a nondeterministic automaton. */
	private record Nfa(@Nullable BitSet classes, int next, int other, Kind kind) {

	}

}
