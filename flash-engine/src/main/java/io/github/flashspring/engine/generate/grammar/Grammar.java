package io.github.flashspring.engine.generate.grammar;

import java.util.ArrayList;
import java.util.List;

/**
 * Rules under construction: expressions that may refer to each other. The first rule
 * begins.
 */
final class Grammar {

	private final List<Expr> rules = new ArrayList<>();

	private final List<String> names = new ArrayList<>();

	/**
	 * Adds a rule that is defined later.
	 * @param name its name in errors
	 * @return a reference to it
	 */
	Expr.Rule declare(String name) {
		this.rules.add(Expr.NOTHING);
		this.names.add(name);
		return new Expr.Rule(this.rules.size() - 1);
	}

	void define(Expr.Rule rule, Expr expression) {
		this.rules.set(rule.index(), expression);
	}

	Expr.Rule add(String name, Expr expression) {
		Expr.Rule rule = declare(name);
		define(rule, expression);
		return rule;
	}

	int size() {
		return this.rules.size();
	}

	Expr rule(int index) {
		return this.rules.get(index);
	}

	String name(int index) {
		return this.names.get(index);
	}

}
