package io.github.flashspring.engine.generate.grammar;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

import tools.jackson.databind.JsonNode;

/**
 * Values of one JSON type that a schema allows. A schema is a union of shapes. Schemas of
 * children are sets of JSON pointers, all of which the child satisfies.
 */
sealed interface Shape {

	record Null() implements Shape {

	}

	record Bool() implements Shape {

	}

	/** One value. */
	record Const(JsonNode value) implements Shape {

	}

	record Num(NumberRange range) implements Shape {

	}

	/**
	 * Strings.
	 *
	 * @param patterns source to expression; all of them match somewhere in the text
	 * @param min least code points
	 * @param max most code points
	 */
	record Str(Map<String, Regex> patterns, int min, int max) implements Shape {

		static final Str ANY = new Str(Map.of(), 0, Expr.UNBOUNDED);

	}

	/**
	 * Arrays.
	 *
	 * @param prefix schemas of the first items
	 * @param items schemas of the others
	 * @param min least items
	 * @param max most items
	 */
	record Arr(List<SortedSet<String>> prefix, SortedSet<String> items, int min, int max) implements Shape {

		static final Arr ANY = new Arr(List.of(), new TreeSet<>(), 0, Expr.UNBOUNDED);

		SortedSet<String> item(int index) {
			return (index < this.prefix.size()) ? this.prefix.get(index) : this.items;
		}

	}

	/**
	 * Objects.
	 *
	 * @param sides declarations, all of which hold
	 * @param required names that must be there
	 * @param min least properties
	 * @param max most properties
	 * @param names schemas of the names
	 */
	record Obj(List<Side> sides, Set<String> required, int min, int max, SortedSet<String> names) implements Shape {

		static final Obj ANY = new Obj(List.of(), Set.of(), 0, Expr.UNBOUNDED, new TreeSet<>());

		/** The schemas of the property of a name. */
		SortedSet<String> property(String name) {
			SortedSet<String> schemas = new TreeSet<>();
			this.sides.forEach((side) -> schemas.addAll(side.property(name)));
			return schemas;
		}

	}

	/**
	 * What one schema says about properties.
	 *
	 * @param properties name to schemas
	 * @param patterns schemas of names that match
	 * @param others schemas of the other properties
	 */
	record Side(Map<String, SortedSet<String>> properties, List<PatternProperty> patterns, SortedSet<String> others) {

		SortedSet<String> property(String name) {
			SortedSet<String> own = this.properties.get(name);
			List<SortedSet<String>> schemas = new ArrayList<>();
			if (own != null) {
				schemas.add(own);
			}
			this.patterns.stream()
				.filter((pattern) -> pattern.matcher().label(name) != 0)
				.forEach((pattern) -> schemas.add(pattern.schemas()));
			SortedSet<String> all = new TreeSet<>();
			schemas.forEach(all::addAll);
			return schemas.isEmpty() ? this.others : all;
		}

	}

	/**
	 * Schemas of the properties whose names match.
	 *
	 * @param regex the expression
	 * @param matcher the same, for trying names
	 * @param schemas their schemas
	 */
	record PatternProperty(Regex regex, TextAutomaton matcher, SortedSet<String> schemas) {

	}

}
