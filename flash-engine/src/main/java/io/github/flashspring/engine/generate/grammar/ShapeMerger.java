package io.github.flashspring.engine.generate.grammar;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * Combines unions of shapes: what satisfies both, and whether anything does. Bounds how
 * long that takes for all schemas together.
 */
final class ShapeMerger {

	private static final int MAX_SHAPES = 100_000;

	/** Shapes of all schemas together, each counted whenever it is merged. */
	private static final int MAX_WORK = 4_000_000;

	/** Merging two objects takes as long as merging so many other shapes. */
	private static final int OBJECT_WORK = 100;

	/** Shapes of schemas, by their pointers. */
	private final Function<SortedSet<String>, List<Shape>> schemas;

	private final ValueMatcher matcher;

	private int work;

	ShapeMerger(Function<SortedSet<String>, List<Shape>> schemas, ValueMatcher matcher) {
		this.schemas = schemas;
		this.matcher = matcher;
	}

	List<Shape> and(List<Shape> left, List<Shape> right, String pointer) {
		List<Shape> both = new ArrayList<>();
		// Constants count once, however many shapes have them. Sets of shapes would be
		// slow: the hash codes of objects that require different names are often equal.
		Set<Shape> constants = Collections.newSetFromMap(new IdentityHashMap<>());
		for (Shape a : left) {
			for (Shape b : right) {
				this.work += (a instanceof Shape.Obj && b instanceof Shape.Obj) ? OBJECT_WORK : 1;
				and(a, b).filter((shape) -> !(shape instanceof Shape.Const) || constants.add(shape))
					.ifPresent(both::add);
			}
			bound(both.size(), pointer);
		}
		return both;
	}

	void bound(int shapes, String pointer) {
		if (shapes > MAX_SHAPES || this.work > MAX_WORK) {
			throw new UnsupportedSchemaException(pointer, SchemaDocument.last(pointer),
					"has too many alternatives once they are combined",
					"Use fewer alternatives in anyOf, oneOf and enum that hold together.");
		}
	}

	private Optional<Shape> and(Shape left, Shape right) {
		if (left instanceof Shape.Const constant) {
			return this.matcher.accepts(right, constant.value()) ? Optional.of(left) : Optional.empty();
		}
		if (right instanceof Shape.Const constant) {
			return this.matcher.accepts(left, constant.value()) ? Optional.of(right) : Optional.empty();
		}
		if (left.equals(right)) {
			return Optional.of(left);
		}
		if (left instanceof Shape.Num a && right instanceof Shape.Num b) {
			return Optional.of(new Shape.Num(a.range().and(b.range())));
		}
		if (left instanceof Shape.Str a && right instanceof Shape.Str b) {
			Map<String, Regex> patterns = new LinkedHashMap<>(a.patterns());
			patterns.putAll(b.patterns());
			return Optional.of(new Shape.Str(patterns, Math.max(a.min(), b.min()), Math.min(a.max(), b.max())));
		}
		if (left instanceof Shape.Arr a && right instanceof Shape.Arr b) {
			List<SortedSet<String>> prefix = new ArrayList<>();
			for (int i = 0; i < Math.max(a.prefix().size(), b.prefix().size()); i++) {
				prefix.add(or(a.item(i), b.item(i)));
			}
			return Optional.of(new Shape.Arr(prefix, or(a.items(), b.items()), Math.max(a.min(), b.min()),
					Math.min(a.max(), b.max())));
		}
		if (left instanceof Shape.Obj a && right instanceof Shape.Obj b) {
			List<Shape.Side> sides = new ArrayList<>(a.sides());
			b.sides().stream().filter((side) -> !a.sides().contains(side)).forEach(sides::add);
			Set<String> required = new LinkedHashSet<>(a.required());
			required.addAll(b.required());
			return Optional.of(new Shape.Obj(sides, required, Math.max(a.min(), b.min()), Math.min(a.max(), b.max()),
					or(a.names(), b.names())));
		}
		return Optional.empty();
	}

	private static SortedSet<String> or(SortedSet<String> a, SortedSet<String> b) {
		SortedSet<String> both = new TreeSet<>(a);
		both.addAll(b);
		return both;
	}

	/** Whether no value can satisfy two of the choices. */
	boolean areDisjoint(List<List<Shape>> choices) {
		for (int i = 0; i < choices.size(); i++) {
			for (int j = 0; j < i; j++) {
				if (!areDisjoint(choices.get(i), choices.get(j), 0)) {
					return false;
				}
			}
		}
		return true;
	}

	private boolean areDisjoint(List<Shape> left, List<Shape> right, int depth) {
		this.work += left.size() * right.size();
		bound(0, "/oneOf");
		return left.stream().allMatch((a) -> right.stream().allMatch((b) -> areDisjoint(a, b, depth)));
	}

	private boolean areDisjoint(Shape left, Shape right, int depth) {
		if (left instanceof Shape.Const constant) {
			return !this.matcher.accepts(right, constant.value());
		}
		if (right instanceof Shape.Const constant) {
			return !this.matcher.accepts(left, constant.value());
		}
		if (left instanceof Shape.Num a && right instanceof Shape.Num b) {
			return a.range().isDisjointFrom(b.range());
		}
		if (left instanceof Shape.Str a && right instanceof Shape.Str b) {
			return a.min() > b.max() || b.min() > a.max();
		}
		if (left instanceof Shape.Arr a && right instanceof Shape.Arr b) {
			return a.min() > b.max() || b.min() > a.max();
		}
		if (left instanceof Shape.Obj a && right instanceof Shape.Obj b) {
			Set<String> names = new LinkedHashSet<>(a.required());
			names.addAll(b.required());
			return depth < 8 && names.stream()
				.anyMatch((name) -> areDisjoint(this.schemas.apply(a.property(name)),
						this.schemas.apply(b.property(name)), depth + 1)
						&& (a.required().contains(name) && b.required().contains(name)
								|| this.schemas.apply(a.property(name)).isEmpty()
								|| this.schemas.apply(b.property(name)).isEmpty()));
		}
		return !left.getClass().equals(right.getClass());
	}

}
