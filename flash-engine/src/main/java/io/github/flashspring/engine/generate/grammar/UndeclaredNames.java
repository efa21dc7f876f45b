package io.github.flashspring.engine.generate.grammar;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;

/**
 * Finds the names of properties that an object does not declare, and the schemas of their
 * values.
 */
final class UndeclaredNames {

	private final SchemaReader reader;

	private final PatternCompiler patterns;

	UndeclaredNames(SchemaReader reader, PatternCompiler patterns) {
		this.reader = reader;
		this.patterns = patterns;
	}

	static boolean hasNoPatterns(Shape.Obj object) {
		return object.sides().stream().allMatch((side) -> side.patterns().isEmpty());
	}

	/** Schemas of properties that nothing else declares, null: there are none. */
	@Nullable SortedSet<String> schemas(Shape.Obj object) {
		SortedSet<String> others = new TreeSet<>();
		object.sides().forEach((side) -> others.addAll(side.others()));
		boolean closed = !others.isEmpty() && this.reader.shapes(others).isEmpty();
		return (closed && hasNoPatterns(object)) ? null : others;
	}

	/**
	 * Names that are not declared.
	 * @param object the object
	 * @param declared names that are
	 * @param nameShapes what names must be
	 * @param pointer where the object comes from, for errors
	 * @param whole what names must match in this notation, null: anything
	 * @param without what names must not contain, null: anything may be in them
	 * @return the names, null: there are none
	 */
	@Nullable Names names(Shape.Obj object, List<String> declared, List<Shape> nameShapes, String pointer, @Nullable Regex whole,
			@Nullable Regex without) {
		List<Shape.PatternProperty> patterns = object.sides()
			.stream()
			.flatMap((side) -> side.patterns().stream())
			.toList();
		if (schemas(object) == null) {
			return null;
		}
		List<Regex> regexes = new ArrayList<>(patterns.stream().map(Shape.PatternProperty::regex).toList());
		if (!object.names().isEmpty()) {
			List<Regex> allowed = allowed(nameShapes, pointer);
			if (allowed == null) {
				return null;
			}
			regexes.addAll(allowed);
		}
		if (whole != null) {
			regexes.add(Regex.whole(whole));
		}
		int conditions = regexes.size();
		List<Regex> refused = new ArrayList<>();
		if (!declared.isEmpty()) {
			refused.add(Regex.whole(Notation.any(declared)));
		}
		if (without != null) {
			refused.add(without);
		}
		if (!refused.isEmpty()) {
			regexes.add(new Regex.Alt(refused));
		}
		if (regexes.size() > 30) {
			throw new UnsupportedSchemaException(pointer + "/patternProperties", "patternProperties",
					"has more than 29 expressions that hold together", "Use fewer.");
		}
		TextAutomaton automaton = this.patterns.automaton(regexes, null, false, 0, Expr.UNBOUNDED,
				pointer + (patterns.isEmpty() ? "/properties" : "/patternProperties"));
		Map<Integer, SortedSet<String>> found = new LinkedHashMap<>();
		for (int label : automaton.labels()) {
			boolean isRefused = !refused.isEmpty() && (label >> conditions & 1) != 0;
			boolean allowed = IntStream.range(patterns.size(), conditions).allMatch((i) -> (label >> i & 1) != 0);
			if (!isRefused && allowed) {
				found.put(label, schemas(object, label));
			}
		}
		return new Names(automaton, found);
	}

	private static SortedSet<String> schemas(Shape.Obj object, int label) {
		SortedSet<String> schemas = new TreeSet<>();
		int index = 0;
		for (Shape.Side side : object.sides()) {
			boolean matched = false;
			for (Shape.PatternProperty pattern : side.patterns()) {
				if ((label >> index++ & 1) != 0) {
					matched = true;
					schemas.addAll(pattern.schemas());
				}
			}
			if (!matched) {
				schemas.addAll(side.others());
			}
		}
		return schemas;
	}

	/** Expressions that a name must match, null if no name is allowed. */
	private static @Nullable List<Regex> allowed(List<Shape> shapes, String pointer) {
		List<Shape.Str> texts = shapes.stream().filter(Shape.Str.class::isInstance).map(Shape.Str.class::cast).toList();
		List<Regex> constants = shapes.stream()
			.filter((shape) -> shape instanceof Shape.Const constant && constant.value().isString())
			.map((shape) -> Regex.literal(((Shape.Const) shape).value().stringValue()))
			.toList();
		if (texts.isEmpty()) {
			return constants.isEmpty() ? null : List.of(Regex.whole(new Regex.Alt(constants)));
		}
		if (texts.size() > 1 || !constants.isEmpty()) {
			throw new UnsupportedSchemaException(pointer + "/propertyNames", "propertyNames", "has alternatives",
					"Supported are one string schema, or values of enum.");
		}
		Shape.Str text = texts.getFirst();
		List<Regex> regexes = new ArrayList<>(text.patterns().values());
		if (text.min() > 0 || text.max() != Expr.UNBOUNDED) {
			if (text.min() > PatternParser.MAX_REPEAT
					|| text.max() != Expr.UNBOUNDED && text.max() > PatternParser.MAX_REPEAT) {
				throw new UnsupportedSchemaException(pointer + "/propertyNames", "propertyNames",
						"has a length above " + PatternParser.MAX_REPEAT, "Use a smaller one.");
			}
			regexes.add(Regex.whole(new Regex.Repeat(new Regex.Chars(CodePoints.ALL), text.min(), text.max())));
		}
		return regexes;
	}

	/**
	 * Names of members that are not declared.
	 *
	 * @param automaton runs names
	 * @param schemas label of the allowed names to the schemas of their values
	 */
	record Names(TextAutomaton automaton, Map<Integer, SortedSet<String>> schemas) {

	}

}
