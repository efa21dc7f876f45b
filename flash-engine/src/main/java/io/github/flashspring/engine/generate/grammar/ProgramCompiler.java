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

	/** Instructions of a program: 8 MiB. */
	static final int MAX_CODE = 1 << 21;

	private final Grammar grammar;

	private final BitSet productive = new BitSet();

	private final BitSet nullable = new BitSet();

	private final int[] entries;

	private int[] code = new int[256];

	private int size;

	private int maxReserve;

	private ProgramCompiler(Grammar grammar) {
		this.grammar = grammar;
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
		analyse();
		if (!this.productive.get(0)) {
			throw new GrammarException("No text matches " + this.grammar.name(0) + ": it contradicts itself");
		}
		refuseLeftRecursion();
		// Calls are emitted with the rule's index and patched when all entries are known.
		List<Integer> calls = new ArrayList<>();
		for (int rule = 0; rule < this.entries.length; rule++) {
			if (this.productive.get(rule)) {
				this.entries[rule] = this.size;
				emit(this.grammar.rule(rule), calls);
				add(Program.RETURN);
			}
		}
		for (int at : calls) {
			this.code[at] = this.entries[this.code[at]];
		}
		return new Program(Arrays.copyOf(this.code, this.size), this.entries[0], this.maxReserve);
	}

	/**
	 * Finds rules that can be completed, and those that can be empty. A rule is looked at
	 * again when one that it uses has changed.
	 */
	private void analyse() {
		List<List<Integer>> users = new ArrayList<>();
		for (int rule = 0; rule < this.entries.length; rule++) {
			users.add(new ArrayList<>(2));
		}
		for (int rule = 0; rule < this.entries.length; rule++) {
			markUses(this.grammar.rule(rule), rule, users);
		}
		BitSet queue = new BitSet();
		queue.set(0, this.entries.length);
		while (!queue.isEmpty()) {
			int rule = queue.length() - 1;
			queue.clear(rule);
			Expr expression = this.grammar.rule(rule);
			boolean changed = false;
			if (!this.productive.get(rule) && isProductive(expression)) {
				this.productive.set(rule);
				changed = true;
			}
			if (!this.nullable.get(rule) && isNullable(expression)) {
				this.nullable.set(rule);
				changed = true;
			}
			if (changed) {
				users.get(rule).forEach(queue::set);
			}
		}
	}

	private static void markUses(Expr expression, int user, List<List<Integer>> users) {
		switch (expression) {
			case Expr.Seq seq -> seq.parts().forEach((part) -> markUses(part, user, users));
			case Expr.Alt alt -> alt.choices().forEach((choice) -> markUses(choice, user, users));
			case Expr.Repeat repeat -> markUses(repeat.part(), user, users);
			case Expr.Rule rule -> users.get(rule.index()).add(user);
			case Expr.Machine machine -> machine.exits().forEach((exit) -> markUses(exit, user, users));
			case Expr.Counted counted -> markUses(counted.part(), user, users);
			default -> {
			}
		}
	}

	private boolean isProductive(Expr expression) {
		return switch (expression) {
			case Expr.Seq seq -> seq.parts().stream().allMatch(this::isProductive);
			case Expr.Alt alt -> alt.choices().stream().anyMatch(this::isProductive);
			case Expr.Literals literals -> !literals.texts().isEmpty();
			case Expr.Repeat repeat ->
				repeat.min() <= repeat.max() && (repeat.min() == 0 || isProductive(repeat.part()));
			case Expr.Rule rule -> this.productive.get(rule.index());
			case Expr.JsonText text -> text.min() <= text.max();
			case Expr.Machine machine -> alive(machine).get(0);
			case Expr.Counted counted -> isProductive(counted.part());
			case Expr.Tick _, Expr.TickLeft _ -> true;
		};
	}

	private boolean isNullable(Expr expression) {
		return switch (expression) {
			case Expr.Seq seq -> seq.parts().stream().allMatch(this::isNullable);
			case Expr.Alt alt -> alt.choices().stream().anyMatch(this::isNullable);
			case Expr.Literals literals -> literals.texts().stream().anyMatch((text) -> text.length == 0);
			case Expr.Repeat repeat -> repeat.min() <= repeat.max() && (repeat.min() == 0 || isNullable(repeat.part()));
			case Expr.Rule rule -> this.nullable.get(rule.index());
			case Expr.JsonText text -> text.min() == 0;
			case Expr.Machine machine -> {
				int exit = machine.states().getFirst().exit();
				yield exit >= 0 && isNullable(machine.exits().get(exit));
			}
			case Expr.Counted counted -> isNullable(counted.part());
			case Expr.Tick _, Expr.TickLeft _ -> true;
		};
	}

	/** States from which an exit that can be completed is reached. */
	private BitSet alive(Expr.Machine machine) {
		BitSet exits = new BitSet();
		for (int i = 0; i < machine.exits().size(); i++) {
			exits.set(i, isProductive(machine.exits().get(i)));
		}
		List<Expr.Machine.State> states = machine.states();
		BitSet alive = new BitSet();
		Deque<Integer> queue = new ArrayDeque<>();
		List<List<Integer>> from = new ArrayList<>();
		states.forEach((_) -> from.add(new ArrayList<>(2)));
		for (int i = 0; i < states.size(); i++) {
			for (int target : states.get(i).targets()) {
				from.get(target).add(i);
			}
			if (states.get(i).exit() >= 0 && exits.get(states.get(i).exit())) {
				alive.set(i);
				queue.add(i);
			}
		}
		while (!queue.isEmpty()) {
			for (int source : from.get(queue.remove())) {
				if (!alive.get(source)) {
					alive.set(source);
					queue.add(source);
				}
			}
		}
		return alive;
	}

	/**
	 * Rules that begin with themselves would be called without end. Depth first over the
	 * calls that need no byte before them.
	 */
	private void refuseLeftRecursion() {
		List<List<Integer>> first = new ArrayList<>();
		for (int rule = 0; rule < this.entries.length; rule++) {
			List<Integer> calls = new ArrayList<>(2);
			firstCalls(this.grammar.rule(rule), calls);
			first.add(calls);
		}
		BitSet done = new BitSet();
		BitSet open = new BitSet();
		for (int root = 0; root < this.entries.length; root++) {
			Deque<int[]> path = new ArrayDeque<>();
			if (!done.get(root)) {
				path.push(new int[] { root, 0 });
				open.set(root);
			}
			while (!path.isEmpty()) {
				int[] top = path.peek();
				List<Integer> calls = first.get(top[0]);
				if (top[1] == calls.size()) {
					open.clear(top[0]);
					done.set(top[0]);
					path.pop();
					continue;
				}
				int next = calls.get(top[1]++);
				if (open.get(next)) {
					throw new GrammarException("%s begins with itself, before any character of its own"
						.formatted(this.grammar.name(next)));
				}
				if (!done.get(next)) {
					open.set(next);
					path.push(new int[] { next, 0 });
				}
			}
		}
	}

	private void firstCalls(Expr expression, List<Integer> calls) {
		switch (expression) {
			case Expr.Seq seq -> {
				for (Expr part : seq.parts()) {
					firstCalls(part, calls);
					if (!isNullable(part)) {
						return;
					}
				}
			}
			case Expr.Alt alt -> alt.choices().forEach((choice) -> firstCalls(choice, calls));
			case Expr.Repeat repeat -> firstCalls(repeat.part(), calls);
			case Expr.Rule rule -> calls.add(rule.index());
			case Expr.Machine machine -> {
				int exit = machine.states().getFirst().exit();
				if (exit >= 0) {
					firstCalls(machine.exits().get(exit), calls);
				}
			}
			case Expr.Counted counted -> firstCalls(counted.part(), calls);
			default -> {
			}
		}
	}

	private void add(int instruction) {
		if (this.size == MAX_CODE) {
			throw new GrammarException(
					"The grammar is too large: it needs more than %d instructions. Use fewer or shorter values and properties."
						.formatted(MAX_CODE));
		}
		if (this.size == this.code.length) {
			this.code = Arrays.copyOf(this.code, 2 * this.size);
		}
		this.code[this.size++] = instruction;
	}

	/** Emits an expression that can be completed; the next instruction follows it. */
	private void emit(Expr expression, List<Integer> calls) {
		switch (expression) {
			case Expr.Seq seq -> seq.parts().forEach((part) -> emit(part, calls));
			case Expr.Alt alt -> {
				List<Expr> choices = alt.choices().stream().filter(this::isProductive).toList();
				List<Integer> ends = new ArrayList<>();
				int split = split(choices.size());
				for (int i = 0; i < choices.size(); i++) {
					this.code[split + i] = this.size;
					emit(choices.get(i), calls);
					if (i < choices.size() - 1) {
						add(Program.JUMP);
						ends.add(this.size);
						add(0);
					}
				}
				ends.forEach((end) -> this.code[end] = this.size);
			}
			case Expr.Literals literals -> literals(literals.texts());
			case Expr.Repeat repeat -> repeat(repeat, calls);
			case Expr.Rule rule -> {
				add(Program.CALL);
				calls.add(this.size);
				add(rule.index());
			}
			case Expr.JsonText text -> jsonText(text);
			case Expr.Machine machine -> machine(machine, calls);
			case Expr.Counted counted -> {
				add(Program.COUNT);
				add(0);
				add(counted.max());
				emit(counted.part(), calls);
				add(Program.DROP);
			}
			case Expr.Tick tick -> {
				this.maxReserve = Math.max(this.maxReserve, tick.reserve());
				add(Program.TICK | tick.reserve() << 8);
			}
			case Expr.TickLeft _ -> add(Program.TICK_LEFT);
		}
	}

	private int split(int count) {
		add(Program.SPLIT | count << 8);
		int at = this.size;
		for (int i = 0; i < count; i++) {
			add(0);
		}
		return at;
	}

	private void repeat(Expr.Repeat repeat, List<Integer> calls) {
		Expr part = repeat.part();
		if (repeat.max() == 0 || !isProductive(part)) {
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
		boolean empty = isNullable(part);
		int min = empty ? 0 : repeat.min();
		if (min == 0 && repeat.max() == Expr.UNBOUNDED) {
			int loop = this.size;
			int split = split(2);
			this.code[split] = this.size;
			emit(part, calls);
			add(Program.JUMP);
			add(loop);
			this.code[split + 1] = this.size;
			return;
		}
		add(Program.COUNT);
		add(min);
		add(repeat.max());
		int loop = this.size;
		add(Program.LOOP | (empty ? 1 << 8 : 0));
		int exit = this.size;
		add(0);
		emit(part, calls);
		add(Program.JUMP);
		add(loop);
		this.code[exit] = this.size;
	}

	/** A trie of texts. Not recursive: texts may be prefixes of each other many times. */
	private void literals(List<byte[]> texts) {
		if (texts.size() == 1) {
			for (byte each : texts.getFirst()) {
				add(single(each));
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
				this.code[node[3]] = this.size;
			}
			while (sorted.get(from).length > depth && sorted.get(from)[depth] == ((sorted.get(to - 1).length > depth)
					? sorted.get(to - 1)[depth] : ~sorted.get(from)[depth])) {
				add(single(sorted.get(from)[depth]));
				depth++;
			}
			boolean ended = false;
			while (from < to && sorted.get(from).length == depth) {
				ended = true;
				from++;
			}
			if (from == to) {
				add(Program.JUMP);
				ends.add(this.size);
				add(0);
				continue;
			}
			if (ended) {
				int split = split(2);
				ends.add(split + 1);
				this.code[split] = this.size;
			}
			branch(sorted, from, to, depth, open);
		}
		ends.forEach((end) -> this.code[end] = this.size);
	}

	private void branch(List<byte[]> sorted, int begin, int to, int depth, Deque<int[]> open) {
		int header = this.size;
		add(0);
		int count = 0;
		int from = begin;
		while (from < to) {
			byte label = sorted.get(from)[depth];
			int next = from + 1;
			while (next < to && sorted.get(next)[depth] == label) {
				next++;
			}
			add((label & 0xff) * 0x101);
			open.push(new int[] { from, next, depth + 1, this.size });
			add(0);
			count++;
			from = next;
		}
		this.code[header] = Program.BRANCH | count << 8;
	}

	private static int single(byte value) {
		return range(value & 0xff, value & 0xff);
	}

	private static int range(int low, int high) {
		return Program.BYTE | low << 8 | high << 16;
	}

	private void machine(Expr.Machine machine, List<Integer> calls) {
		BitSet alive = alive(machine);
		List<Expr.Machine.State> states = machine.states();
		int[] at = new int[states.size()];
		Arrays.fill(at, -1);
		List<Integer> targets = new ArrayList<>();
		List<Integer> toExit = new ArrayList<>();
		for (int i = alive.nextSetBit(0); i >= 0; i = alive.nextSetBit(i + 1)) {
			Expr.Machine.State state = states.get(i);
			at[i] = this.size;
			int count = 0;
			for (int target : state.targets()) {
				count += alive.get(target) ? 1 : 0;
			}
			boolean exits = state.exit() >= 0 && isProductive(machine.exits().get(state.exit()));
			if (exits && count > 0) {
				int split = split(2);
				toExit.add(split);
				this.code[split] = state.exit();
				this.code[split + 1] = this.size;
			}
			else if (exits) {
				add(Program.JUMP);
				toExit.add(this.size);
				add(state.exit());
				continue;
			}
			add(Program.BRANCH | count << 8);
			for (int t = 0; t < state.targets().length; t++) {
				if (alive.get(state.targets()[t])) {
					add(state.lows()[t] | state.highs()[t] << 8);
					targets.add(this.size);
					add(state.targets()[t]);
				}
			}
		}
		targets.forEach((target) -> this.code[target] = at[this.code[target]]);
		int[] exitAt = new int[machine.exits().size()];
		List<Integer> ends = new ArrayList<>();
		for (int i = 0; i < exitAt.length; i++) {
			if (isProductive(machine.exits().get(i))) {
				exitAt[i] = this.size;
				emit(machine.exits().get(i), calls);
				add(Program.JUMP);
				ends.add(this.size);
				add(0);
			}
		}
		toExit.forEach((exit) -> this.code[exit] = exitAt[this.code[exit]]);
		ends.forEach((end) -> this.code[end] = this.size);
	}

	/**
	 * Characters of a JSON string: UTF-8 without controls, quotation mark and backslash
	 * (RFC 8259, section 7), and all escapes but those of half a surrogate pair.
	 */
	private void jsonText(Expr.JsonText text) {
		add(Program.COUNT);
		add(text.min());
		add(text.max());
		int loop = this.size;
		add(Program.LOOP);
		int exit = this.size;
		add(0);
		add(Program.JUMP);
		int begin = this.size;
		add(0);
		int one = node(0x80, 0xbf, loop);
		int two = node(0x80, 0xbf, one);
		int three = node(0x80, 0xbf, two);
		int afterE0 = node(0xa0, 0xbf, one);
		int afterEd = node(0x80, 0x9f, one);
		int afterF0 = node(0x90, 0xbf, two);
		int afterF4 = node(0x80, 0x8f, two);
		int escape = escape(loop);
		int head = node(0x20, 0x21, loop, 0x23, 0x5b, loop, 0x5c, 0x5c, escape, 0x5d, 0x7f, loop, 0xc2, 0xdf, one, 0xe0,
				0xe0, afterE0, 0xe1, 0xec, two, 0xed, 0xed, afterEd, 0xee, 0xef, two, 0xf0, 0xf0, afterF0, 0xf1, 0xf3,
				three, 0xf4, 0xf4, afterF4);
		this.code[head] += Program.BRANCH_TEXT - Program.BRANCH;
		this.code[begin] = head;
		this.code[exit] = this.size;
	}

	private int escape(int loop) {
		int last = hexDigit(loop);
		int lastTwo = hexDigit(last);
		int lastThree = hexDigit(lastTwo);
		int low = node('C', 'F', lastTwo, 'c', 'f', lastTwo);
		int lowD = node('D', 'D', low, 'd', 'd', low);
		int lowU = node('u', 'u', lowD);
		int lowEscape = node('\\', '\\', lowU);
		int high = hexDigit(hexDigit(lowEscape));
		int afterD = node('0', '7', lastTwo, '8', '9', high, 'A', 'B', high, 'a', 'b', high);
		int unicode = node('0', '9', lastThree, 'A', 'C', lastThree, 'D', 'D', afterD, 'E', 'F', lastThree, 'a', 'c',
				lastThree, 'd', 'd', afterD, 'e', 'f', lastThree);
		return node('"', '"', loop, '/', '/', loop, '\\', '\\', loop, 'b', 'b', loop, 'f', 'f', loop, 'n', 'n', loop,
				'r', 'r', loop, 't', 't', loop, 'u', 'u', unicode);
	}

	private int hexDigit(int target) {
		return node('0', '9', target, 'A', 'F', target, 'a', 'f', target);
	}

	/** Emits a branch of ranges, each with its target. */
	private int node(int... ranges) {
		int at = this.size;
		add(Program.BRANCH | (ranges.length / 3) << 8);
		for (int i = 0; i < ranges.length; i += 3) {
			add(ranges[i] | ranges[i + 1] << 8);
			add(ranges[i + 2]);
		}
		return at;
	}

}
