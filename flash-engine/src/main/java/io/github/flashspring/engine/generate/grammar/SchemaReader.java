package io.github.flashspring.engine.generate.grammar;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;

import tools.jackson.databind.JsonNode;

/**
 * Reads a JSON Schema (draft 2020-12) as unions of {@link Shape}s: references are
 * followed, {@code allOf} is merged, {@code anyOf} distributed. Keywords that are not
 * enforced are refused, or ignored and noted.
 *
 * @see <a href=
 * "https://json-schema.org/draft/2020-12/json-schema-validation">Validation</a>
 */
final class SchemaReader {

	/** References and combinations that lead to a value. */
	private static final int MAX_OPEN = 200;

	private static final Set<String> REFUSED = Set.of("not", "if", "then", "else", "dependentRequired",
			"dependentSchemas", "dependencies", "contains", "minContains", "maxContains", "unevaluatedProperties",
			"unevaluatedItems", "$dynamicRef", "$recursiveRef", "additionalItems");

	private final Map<SortedSet<String>, List<Shape>> known = new HashMap<>();

	private final SchemaDocument document;

	private final TypeReader types;

	private final ValueMatcher matcher = new ValueMatcher(this::shapes);

	private final ShapeMerger merger = new ShapeMerger(this::shapes, this.matcher);

	SchemaReader(String schema, boolean strict) {
		this.document = new SchemaDocument(schema, strict);
		this.types = new TypeReader(this.document);
	}

	/** Keywords that are not enforced, as pointers. */
	Set<String> ignored() {
		return this.document.ignored();
	}

	/**
	 * The shapes of values that satisfy schemas.
	 * @param pointers where the schemas are; all of them hold
	 * @return a union
	 */
	List<Shape> shapes(SortedSet<String> pointers) {
		List<Shape> shapes = this.known.get(pointers);
		if (shapes == null) {
			shapes = anything();
			for (String pointer : pointers) {
				shapes = this.merger.and(shapes, shapes(pointer, new HashSet<>(), pointer), pointer);
			}
			this.known.put(pointers, shapes);
		}
		return shapes;
	}

	private static List<Shape> anything() {
		return List.of(new Shape.Null(), new Shape.Bool(), new Shape.Num(NumberRange.ALL), Shape.Str.ANY, Shape.Arr.ANY,
				Shape.Obj.ANY);
	}

	private List<Shape> shapes(String pointer, Set<String> open, String from) {
		if (open.size() > MAX_OPEN) {
			throw new UnsupportedSchemaException(from, SchemaDocument.last(from),
					"leads through more than " + MAX_OPEN + " schemas to a value", "Refer to it directly.");
		}
		if (!open.add(pointer)) {
			throw new UnsupportedSchemaException(from, "$ref", "refers to itself with no value in between",
					SchemaDocument.SUPPORTED);
		}
		JsonNode schema = this.document.at(pointer);
		if (schema.isBoolean()) {
			open.remove(pointer);
			return schema.booleanValue() ? anything() : List.of();
		}
		if (!schema.isObject()) {
			throw new UnsupportedSchemaException(pointer, SchemaDocument.last(pointer),
					"is " + SchemaDocument.shortened(schema) + ", no schema", "Expected an object, true or false.");
		}
		refuse(schema, pointer);
		List<Shape> shapes = this.types.shapes(schema, pointer);
		if (schema.has("const")) {
			shapes = consts(List.of(schema.get("const")), shapes);
		}
		if (schema.has("enum")) {
			JsonNode values = SchemaDocument.expect(schema, "enum", pointer, JsonNode::isArray, "a list");
			shapes = consts(values.valueStream().toList(), shapes);
		}
		if (schema.has("$ref")) {
			String target = this.document.target(schema, pointer);
			shapes = this.merger.and(shapes, shapes(target, open, pointer + "/$ref"), pointer + "/$ref");
		}
		for (String keyword : List.of("allOf", "anyOf", "oneOf")) {
			if (schema.has(keyword)) {
				JsonNode parts = SchemaDocument.expect(schema, keyword, pointer,
						(node) -> node.isArray() && !node.isEmpty(), "a list of schemas");
				String place = pointer + "/" + keyword;
				List<List<Shape>> each = new ArrayList<>();
				for (int i = 0; i < parts.size(); i++) {
					each.add(shapes(place + "/" + i, open, place + "/" + i));
				}
				shapes = combine(keyword, place, shapes, each);
			}
		}
		open.remove(pointer);
		return shapes;
	}

	private List<Shape> combine(String keyword, String place, List<Shape> shapes, List<List<Shape>> parts) {
		if (keyword.equals("allOf")) {
			List<Shape> all = shapes;
			for (List<Shape> part : parts) {
				all = this.merger.and(all, part, place);
			}
			return all;
		}
		List<List<Shape>> choices = new ArrayList<>();
		parts.forEach((part) -> choices.add(this.merger.and(shapes, part, place)));
		if (keyword.equals("oneOf") && !this.merger.areDisjoint(choices)) {
			this.document.unsupported(place, keyword, "has schemas that the same value may satisfy");
		}
		List<Shape> union = choices.stream().flatMap(List::stream).toList();
		this.merger.bound(union.size(), place);
		return union;
	}

	private void refuse(JsonNode schema, String pointer) {
		for (String keyword : schema.propertyNames()) {
			if (REFUSED.contains(keyword)) {
				this.document.unsupported(pointer + "/" + keyword, keyword, "is not supported");
			}
		}
		if (schema.path("uniqueItems").asBoolean(false)) {
			this.document.unsupported(pointer + "/uniqueItems", "uniqueItems", "is not supported");
		}
		if (!pointer.isEmpty() && schema.has("$id")) {
			this.document.unsupported(pointer + "/$id", "$id", "within the schema is not supported");
		}
	}

	private List<Shape> consts(List<JsonNode> values, List<Shape> within) {
		List<Shape> shapes = new ArrayList<>();
		Set<Object> seen = new HashSet<>();
		for (JsonNode value : values) {
			if (accepts(within, value) && seen.add(ValueMatcher.canonical(value))) {
				shapes.add(new Shape.Const(value));
			}
		}
		return shapes;
	}

	/** Whether a value satisfies one of the shapes. */
	boolean accepts(List<Shape> shapes, JsonNode value) {
		return this.matcher.accepts(shapes, value);
	}

}
