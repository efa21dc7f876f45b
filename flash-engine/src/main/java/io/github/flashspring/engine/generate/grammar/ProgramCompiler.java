package io.github.flashspring.engine.generate.grammar;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;

/**
 * Compiles a {@link Grammar}. What can never be completed is left out, so that an
 * admitted beginning can always be completed; rules that call themselves without a byte
 * before are refused.
 */
final class ProgramCompiler {

	private final Grammar grammar;

	private final GrammarAnalysis analysis;

	private final int[] entries;

	private final ProgramCode code = new ProgramCode();

	private int maxReserve;

	private ProgramCompiler(Grammar grammar) {
		this.grammar = grammar;
		this.analysis = GrammarAnalysis.of(grammar);
		this.entries = new int[grammar.size()];
	}

	/**
	 * Compiles a grammar.
	 * @param grammar its first rule begins
	 * @return the program
	 * @throws GrammarException if nothing matches it, a rule begins with itself, or it is
	 * too large
	 */
	static Program compile(Grammar grammar) {
		return new ProgramCompiler(grammar).compile();
	}

	private Program compile() {
		if (!this.analysis.isProductive(0)) {
			throw new GrammarException("No text matches " + this.grammar.name(0) + ": it contradicts itself");
		}
		this.analysis.refuseLeftRecursion();
		// Calls are emitted with the rule's index and patched when all entries are known.
		List<Integer> calls = new ArrayList<>();
		for (int rule = 0; rule < this.entries.length; rule++) {
			if (this.analysis.isProductive(rule)) {
				this.entries[rule] = this.code.size();
				emit(this.grammar.rule(rule), calls);
				this.code.add(Program.RETURN);
			}
		}
		for (int at : calls) {
			this.code.set(at, this.entries[this.code.get(at)]);
		}
		return new Program(this.code.toArray(), this.entries[0], this.maxReserve);
	}

	/** Emits an expression that can be completed; the next instruction follows it. */
	private void emit(Expr expression, List<Integer> calls) {
		switch (expression) {
			case Expr.Seq seq -> seq.parts().forEach((part) -> emit(part, calls));
			case Expr.Alt alt -> {
				List<Expr> choices = alt.choices().stream().filter(this.analysis::isProductive).toList();
				List<Integer> ends = new ArrayList<>();
				int split = this.code.split(choices.size());
				for (int i = 0; i < choices.size(); i++) {
					this.code.set(split + i, this.code.size());
					emit(choices.get(i), calls);
					if (i < choices.size() - 1) {
						this.code.add(Program.JUMP);
						ends.add(this.code.size());
						this.code.add(0);
					}
				}
				ends.forEach((end) -> this.code.set(end, this.code.size()));
			}
			case Expr.Literals literals -> literals(literals.texts());
			case Expr.Repeat repeat -> repeat(repeat, calls);
			case Expr.Rule rule -> {
				this.code.add(Program.CALL);
				calls.add(this.code.size());
				this.code.add(rule.index());
			}
			case Expr.JsonText text -> new JsonTextEmitter(this.code).emit(text);
			case Expr.Machine machine -> machine(machine, calls);
			case Expr.Counted counted -> {
				this.code.add(Program.COUNT);
				this.code.add(0);
				this.code.add(counted.max());
				emit(counted.part(), calls);
				this.code.add(Program.DROP);
			}
			case Expr.Tick tick -> {
				this.maxReserve = Math.max(this.maxReserve, tick.reserve());
				this.code.add(Program.TICK | tick.reserve() << 8);
			}
			case Expr.TickLeft _ -> this.code.add(Program.TICK_LEFT);
		}
	}

	private void repeat(Expr.Repeat repeat, List<Integer> calls) {
		Expr part = repeat.part();
		if (repeat.max() == 0 || !this.analysis.isProductive(part)) {
			return;
		}
		if (repeat.min() == 0 && repeat.max() == 1) {
			emit(Expr.optional(part), calls);
			return;
		}
		if (repeat.min() == 1 && repeat.max() == 1) {
			emit(part, calls);
			return;
		}
		boolean empty = this.analysis.isNullable(part);
		int min = empty ? 0 : repeat.min();
		if (min == 0 && repeat.max() == Expr.UNBOUNDED) {
			int loop = this.code.size();
			int split = this.code.split(2);
			this.code.set(split, this.code.size());
			emit(part, calls);
			this.code.add(Program.JUMP);
			this.code.add(loop);
			this.code.set(split + 1, this.code.size());
			return;
		}
		this.code.add(Program.COUNT);
		this.code.add(min);
		this.code.add(repeat.max());
		int loop = this.code.size();
		this.code.add(Program.LOOP | (empty ? 1 << 8 : 0));
		int exit = this.code.size();
		this.code.add(0);
		emit(part, calls);
		this.code.add(Program.JUMP);
		this.code.add(loop);
		this.code.set(exit, this.code.size());
	}

	/** A trie of texts. Not recursive: texts may be prefixes of each other many times. */
	private void literals(List<byte[]> texts) {
		if (texts.size() == 1) {
			for (byte each : texts.getFirst()) {
				this.code.add(single(each));
			}
			return;
		}
		List<byte[]> sorted = new ArrayList<>(texts);
		sorted.sort(Arrays::compareUnsigned);
		List<Integer> ends = new ArrayList<>();
		Deque<int[]> open = new ArrayDeque<>();
		open.push(new int[] { 0, sorted.size(), 0, -1 });
		while (!open.isEmpty()) {
			int[] node = open.pop();
			int from = node[0];
			int to = node[1];
			int depth = node[2];
			if (node[3] >= 0) {
				this.code.set(node[3], this.code.size());
			}
			while (sorted.get(from).length > depth && sorted.get(from)[depth] == ((sorted.get(to - 1).length > depth)
					? sorted.get(to - 1)[depth] : ~sorted.get(from)[depth])) {
				this.code.add(single(sorted.get(from)[depth]));
				depth++;
			}
			boolean ended = false;
			while (from < to && sorted.get(from).length == depth) {
				ended = true;
				from++;
			}
			if (from == to) {
				this.code.add(Program.JUMP);
				ends.add(this.code.size());
				this.code.add(0);
				continue;
			}
			if (ended) {
				int split = this.code.split(2);
				ends.add(split + 1);
				this.code.set(split, this.code.size());
			}
			branch(sorted, from, to, depth, open);
		}
		ends.forEach((end) -> this.code.set(end, this.code.size()));
	}

	private void branch(List<byte[]> sorted, int begin, int to, int depth, Deque<int[]> open) {
		int header = this.code.size();
		this.code.add(0);
		int count = 0;
		int from = begin;
		while (from < to) {
			byte label = sorted.get(from)[depth];
			int next = from + 1;
			while (next < to && sorted.get(next)[depth] == label) {
				next++;
			}
			this.code.add((label & 0xff) * 0x101);
			open.push(new int[] { from, next, depth + 1, this.code.size() });
			this.code.add(0);
			count++;
			from = next;
		}
		this.code.set(header, Program.BRANCH | count << 8);
	}

	private static int single(byte value) {
		return range(value & 0xff, value & 0xff);
	}

	private static int range(int low, int high) {
		return Program.BYTE | low << 8 | high << 16;
	}

	private void machine(Expr.Machine machine, List<Integer> calls) {
		BitSet alive = this.analysis.alive(machine);
		List<Expr.Machine.State> states = machine.states();
		int[] at = new int[states.size()];
		Arrays.fill(at, -1);
		List<Integer> targets = new ArrayList<>();
		List<Integer> toExit = new ArrayList<>();
		for (int i = alive.nextSetBit(0); i >= 0; i = alive.nextSetBit(i + 1)) {
			Expr.Machine.State state = states.get(i);
			at[i] = this.code.size();
			int count = 0;
			for (int target : state.targets()) {
				count += alive.get(target) ? 1 : 0;
			}
			boolean exits = state.exit() >= 0 && this.analysis.isProductive(machine.exits().get(state.exit()));
			if (exits && count > 0) {
				int split = this.code.split(2);
				toExit.add(split);
				this.code.set(split, state.exit());
				this.code.set(split + 1, this.code.size());
			}
			else if (exits) {
				this.code.add(Program.JUMP);
				toExit.add(this.code.size());
				this.code.add(state.exit());
				continue;
			}
			this.code.add(Program.BRANCH | count << 8);
			for (int t = 0; t < state.targets().length; t++) {
				if (alive.get(state.targets()[t])) {
					this.code.add(state.lows()[t] | state.highs()[t] << 8);
					targets.add(this.code.size());
					this.code.add(state.targets()[t]);
				}
			}
		}
		targets.forEach((target) -> this.code.set(target, at[this.code.get(target)]));
		int[] exitAt = new int[machine.exits().size()];
		List<Integer> ends = new ArrayList<>();
		for (int i = 0; i < exitAt.length; i++) {
			if (this.analysis.isProductive(machine.exits().get(i))) {
				exitAt[i] = this.code.size();
				emit(machine.exits().get(i), calls);
				this.code.add(Program.JUMP);
				ends.add(this.code.size());
				this.code.add(0);
			}
		}
		toExit.forEach((exit) -> this.code.set(exit, exitAt[this.code.get(exit)]));
		ends.forEach((end) -> this.code.set(end, this.code.size()));
	}

}
