package io.github.flashspring.engine.generate.grammar;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;

/**
 * Finds the rules of a {@link Grammar} that can be completed, those that can be empty,
 * and those that begin with themselves.
 */
final class GrammarAnalysis {

	private final Grammar grammar;

	private final BitSet productive = new BitSet();

	private final BitSet nullable = new BitSet();

	private GrammarAnalysis(Grammar grammar) {
		this.grammar = grammar;
	}

	static GrammarAnalysis of(Grammar grammar) {
		GrammarAnalysis analysis = new GrammarAnalysis(grammar);
		analysis.analyse();
		return analysis;
	}

	/**
	 * Finds rules that can be completed, and those that can be empty. A rule is looked at
	 * again when one that it uses has changed.
	 */
	private void analyse() {
		List<List<Integer>> users = new ArrayList<>();
		for (int rule = 0; rule < this.grammar.size(); rule++) {
			users.add(new ArrayList<>(2));
		}
		for (int rule = 0; rule < this.grammar.size(); rule++) {
			markUses(this.grammar.rule(rule), rule, users);
		}
		BitSet queue = new BitSet();
		queue.set(0, this.grammar.size());
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

	boolean isProductive(int rule) {
		return this.productive.get(rule);
	}

	boolean isProductive(Expr expression) {
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

	boolean isNullable(Expr expression) {
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
	BitSet alive(Expr.Machine machine) {
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
	void refuseLeftRecursion() {
		List<List<Integer>> first = new ArrayList<>();
		for (int rule = 0; rule < this.grammar.size(); rule++) {
			List<Integer> calls = new ArrayList<>(2);
			firstCalls(this.grammar.rule(rule), calls);
			first.add(calls);
		}
		BitSet done = new BitSet();
		BitSet open = new BitSet();
		for (int root = 0; root < this.grammar.size(); root++) {
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

}
