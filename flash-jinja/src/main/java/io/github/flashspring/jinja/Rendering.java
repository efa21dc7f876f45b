package io.github.flashspring.jinja;

import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

import io.github.flashspring.jinja.Statement.FilterCall;
import io.github.flashspring.jinja.Statement.Target;

import org.jspecify.annotations.Nullable;

/**
 * One rendering: runs statements, and collects what they write.
 */
final class Rendering {

	private final Budget budget;

	private final Evaluator evaluator;

	private TextBuilder output;

	private int line;

	Rendering(Budget budget) {
		this.budget = budget;
		this.evaluator = new Evaluator(this);
		this.output = new TextBuilder(budget);
	}

	Budget budget() {
		return this.budget;
	}

	Evaluator evaluator() {
		return this.evaluator;
	}

	int line() {
		return this.line;
	}

	void reach(int newLine) {
		this.line = newLine;
	}

	MarkedText output() {
		return this.output.toText();
	}

	/**
	 * What an action writes.
	 * @param action the action
	 * @return its text
	 */
	MarkedText capture(Runnable action) {
		TextBuilder outside = this.output;
		this.output = new TextBuilder(this.budget);
		action.run();
		MarkedText text = this.output.toText();
		this.output = outside;
		return text;
	}

	/**
	 * Runs statements one after another, until one jumps.
	 * @param statements what to run
	 * @param scope where their names live
	 * @return how it ended
	 */
	Flow run(List<Statement> statements, Scope scope) {
		this.budget.enter();
		for (Statement statement : statements) {
			reach(statement.line());
			Flow flow = run(statement, scope);
			if (flow != Flow.NEXT) {
				this.budget.leave();
				return flow;
			}
		}
		this.budget.leave();
		return Flow.NEXT;
	}

	private Flow run(Statement statement, Scope scope) {
		this.budget.spend(1);
		switch (statement) {
			case Statement.Text text -> this.output.append(text.text());
			case Statement.Print print -> PythonText.str(this.evaluator.evaluate(print.value(), scope), this.output);
			case Statement.If choice -> {
				return choose(choice, scope);
			}
			case Statement.For loop -> loop(loop, this.evaluator.evaluate(loop.items(), scope), 0, scope);
			case Statement.Set set -> assign(set.target(), this.evaluator.evaluate(set.value(), scope), scope);
			case Statement.SetBlock set -> assign(set.target(), filtered(set.filters(), set.body(), scope), scope);
			case Statement.With with -> {
				Scope inner = scope.inner();
				for (int i = 0; i < with.targets().size(); i++) {
					assign(with.targets().get(i), this.evaluator.evaluate(with.values().get(i), scope), inner);
				}
				return run(with.body(), inner);
			}
			case Statement.FilterBlock block ->
				PythonText.str(filtered(block.filters(), block.body(), scope), this.output);
			case Statement.MacroDefinition macro ->
				scope.set(macro.signature().name(), new Macro(macro.signature(), scope));
			case Statement.CallBlock block ->
				PythonText.str(this.evaluator.call(block.call(), new Macro(block.caller(), scope), scope), this.output);
			case Statement.Scoped scoped -> run(scoped.body(), scope.inner());
			case Statement.Jump jump -> {
				return jump.leaves() ? Flow.BREAK : Flow.CONTINUE;
			}
		}
		return Flow.NEXT;
	}

	private Flow choose(Statement.If choice, Scope scope) {
		for (int i = 0; i < choice.conditions().size(); i++) {
			if (Operators.isTrue(this.evaluator.evaluate(choice.conditions().get(i), scope))) {
				return run(choice.branches().get(i), scope);
			}
		}
		return run(choice.otherwise(), scope);
	}

	private void loop(Statement.For statement, Object items, int depth, Scope scope) {
		Iterator<Object> iterator = Operators.iterate(items);
		int length = Operators.knownLength(items);
		if (statement.condition() != null) {
			iterator = new Selected(iterator, statement.target(), statement.condition(), scope);
			length = -1;
		}
		Function again = statement.recursive() ? (rendering,
				arguments) -> capture(() -> loop(statement, arguments.require("loop", 0, "iterable"), depth + 1, scope))
				: null;
		Loop loop = new Loop(iterator, length, depth, again, this.budget);
		boolean any = false;
		while (loop.advance()) {
			this.budget.spend(4);
			Scope inner = scope.inner();
			inner.set("loop", loop);
			assign(statement.target(), loop.item(), inner);
			Flow flow = run(statement.body(), inner);
			// Python's engine notes an item at the end of the body: else also follows
			// when
			// every round was left early
			any |= flow == Flow.NEXT;
			if (flow == Flow.BREAK) {
				break;
			}
		}
		if (!any) {
			run(statement.otherwise(), scope.inner());
		}
	}

	private Object filtered(List<FilterCall> filters, List<Statement> body, Scope scope) {
		Scope inner = scope.inner();
		Object value = capture(() -> run(body, inner));
		for (FilterCall filter : filters) {
			value = this.evaluator.filter(filter.name(), value, filter.arguments(), scope);
		}
		return value;
	}

	private void assign(Target target, Object value, Scope scope) {
		switch (target) {
			case Target.Variable variable -> scope.set(variable.name(), value);
			case Target.NamespaceAttribute attribute -> {
				if (!(scope.get(attribute.namespace()) instanceof Namespace namespace)) {
					throw JinjaException.type("cannot assign attribute on non-namespace object");
				}
				namespace.attributes().put(attribute.name(), value);
			}
			case Target.Several several -> {
				List<Target> targets = several.targets();
				List<Object> values = Operators.toList(value, this.budget);
				if (values.size() != targets.size()) {
					throw JinjaException.value((values.size() < targets.size())
							? "not enough values to unpack (expected " + targets.size() + ", got " + values.size() + ")"
							: "too many values to unpack (expected " + targets.size() + ")");
				}
				for (int i = 0; i < targets.size(); i++) {
					assign(targets.get(i), values.get(i), scope);
				}
			}
		}
	}

	/** How statements end. */
	enum Flow {

		NEXT, BREAK, CONTINUE

	}

	/**
	 * The items of a loop for which its condition holds, judged while they are read.
	 */
	private final class Selected implements Iterator<Object> {

		private final Iterator<Object> items;

		private final Target target;

		private final Expression condition;

		private final Scope scope;

		private @Nullable Object upcoming;

		Selected(Iterator<Object> items, Target target, Expression condition, Scope scope) {
			this.items = items;
			this.target = target;
			this.condition = condition;
			this.scope = scope;
		}

		@Override
		public boolean hasNext() {
			while (this.upcoming == null && this.items.hasNext()) {
				Object item = this.items.next();
				Scope inner = this.scope.inner();
				assign(this.target, item, inner);
				if (Operators.isTrue(Rendering.this.evaluator.evaluate(this.condition, inner))) {
					this.upcoming = item;
				}
			}
			return this.upcoming != null;
		}

		@Override
		public Object next() {
			if (!hasNext() || this.upcoming == null) {
				throw new NoSuchElementException();
			}
			Object item = this.upcoming;
			this.upcoming = null;
			return item;
		}

	}

}
