package io.github.flashspring.engine.generate.grammar;

import java.util.SortedSet;
import java.util.function.Function;

/**
 * Compiles arrays: which items they have, and how many.
 */
final class ItemCompiler {

	private final Grammar grammar;

	/** White space between tokens. */
	private final Expr space;

	/** Rules of the values of schemas, by their pointers. */
	private final Function<SortedSet<String>, Expr.Rule> rules;

	ItemCompiler(Grammar grammar, Expr space, Function<SortedSet<String>, Expr.Rule> rules) {
		this.grammar = grammar;
		this.space = space;
		this.rules = rules;
	}

	Expr compile(Shape.Arr array) {
		if (array.min() > array.max()) {
			return Expr.NOTHING;
		}
		Expr end = Expr.seq(this.space, Expr.literal("]"));
		int first = Math.min(Math.min(array.prefix().size(), array.max()), SchemaCompiler.MAX_RULES);
		Expr after;
		if (array.max() > first) {
			Expr item = Expr.seq(Expr.literal(","), this.space, this.rules.apply(array.items()));
			int written = Math.max(first, 1);
			int max = (array.max() == Expr.UNBOUNDED) ? Expr.UNBOUNDED : array.max() - written;
			after = Expr.seq(new Expr.Repeat(item, Math.max(0, array.min() - written), max), end);
		}
		else {
			after = end;
		}
		for (int i = first - 1; i >= 0; i--) {
			Expr rest = (i == first - 1) ? after : Expr.seq(Expr.literal(","), this.space, after);
			if (i < first - 1 && array.min() <= i + 1) {
				rest = Expr.alt(end, rest);
			}
			after = this.grammar.add("Items", Expr.seq(this.rules.apply(array.prefix().get(i)), rest));
		}
		if (first == 0 && array.max() > 0) {
			after = Expr.seq(this.rules.apply(array.items()), after);
		}
		Expr content = (array.max() == 0) ? Expr.literal("]")
				: (array.min() == 0) ? Expr.alt(Expr.literal("]"), after) : after;
		return Expr.seq(Expr.literal("["), this.space, content);
	}

}
