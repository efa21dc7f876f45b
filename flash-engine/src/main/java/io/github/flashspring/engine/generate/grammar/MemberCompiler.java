package io.github.flashspring.engine.generate.grammar;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

import tools.jackson.databind.node.StringNode;

/**
 * Compiles the members of objects: in which order they come, which may be left out, and
 * how many there may be.
 */
final class MemberCompiler {

	private final Grammar grammar;

	private final SchemaReader reader;

	MemberCompiler(Grammar grammar, SchemaReader reader) {
		this.grammar = grammar;
		this.reader = reader;
	}

	/**
	 * Members of an object: those that are declared in their order, then others.
	 * @param object the object
	 * @param pointer where it comes from, for errors
	 * @param form how members are written
	 * @return the expression
	 */
	Expr compile(Shape.Obj object, String pointer, Members form) {
		Set<String> names = new LinkedHashSet<>();
		object.sides().forEach((side) -> names.addAll(side.properties().keySet()));
		names.addAll(object.required());
		List<Shape> nameShapes = object.names().isEmpty() ? List.of() : this.reader.shapes(object.names());
		if (!object.names().isEmpty()) {
			names.removeIf((name) -> !this.reader.accepts(nameShapes, StringNode.valueOf(name)));
			if (!names.containsAll(object.required())) {
				return Expr.NOTHING;
			}
		}
		if (object.min() > object.max() || object.min() > Math.max(1, object.required().size())) {
			if (object.min() <= object.max()) {
				throw new UnsupportedSchemaException(pointer + "/minProperties", "minProperties",
						"is " + object.min() + ", more than the properties that are required",
						"Supported are 0, 1, and up to the number of required properties.");
			}
			return Expr.NOTHING;
		}
		boolean counted = object.max() != Expr.UNBOUNDED;
		List<String> order = List.copyOf(names);
		int required = object.required().size();
		Expr.Rule rest = this.grammar.declare("Properties");
		Expr.Rule key = this.grammar.declare("Properties");
		Expr more = form.additional().write(nameShapes, order, counted ? new Expr.Tick(0) : Expr.EMPTY);
		this.grammar.define(key, Expr.seq(more, rest));
		// Checked before the comma, behind which there would be no way out.
		Expr comma = Expr.seq(counted ? new Expr.TickLeft() : Expr.EMPTY, form.comma());
		this.grammar.define(rest, Expr.alt(form.end(), Expr.seq(comma, key)));
		int after = 0;
		for (String name : order.reversed()) {
			Expr member = form.member().apply(name);
			if (counted) {
				member = Expr.seq(new Expr.Tick(after), member);
			}
			boolean needed = object.required().contains(name);
			Expr here = Expr.seq(member, rest);
			key = this.grammar.add("Properties", needed ? here : Expr.alt(here, key));
			after += needed ? 1 : 0;
			Expr next = Expr.seq(comma, key);
			rest = this.grammar.add("Properties", (after > 0) ? next : Expr.alt(form.end(), next));
			if (this.grammar.size() > SchemaCompiler.MAX_RULES) {
				throw new GrammarException("The JSON Schema is too large: it has more than %d schemas and properties"
					.formatted(SchemaCompiler.MAX_RULES));
			}
		}
		boolean empty = required == 0 && object.min() == 0;
		Expr content = empty ? Expr.alt(form.empty(), key) : key;
		if (counted) {
			content = new Expr.Counted(object.max(), content);
		}
		return (object.max() < required) ? Expr.NOTHING : content;
	}

	/**
	 * How members of an object are written.
	 *
	 * @param comma between members
	 * @param end behind the last
	 * @param empty where there are none
	 * @param member a declared member, by its name
	 * @param additional another member
	 */
	record Members(Expr comma, Expr end, Expr empty, Function<String, Expr> member, Additional additional) {

	}

	/** Writes members that are not declared. */
	interface Additional {

		Expr write(List<Shape> nameShapes, List<String> declared, Expr tick);

	}

}
