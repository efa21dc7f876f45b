package io.github.flashspring.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Spliterators;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

import io.github.flashspring.jinja.Filters.Filter;

import org.jspecify.annotations.Nullable;

/**
 * Jinja's filters for lists and dicts.
 */
final class ListFilters {

	private ListFilters() {
	}

	static @Nullable Filter find(String name) {
		return switch (name) {
			case "batch" -> ListFilters::batch;
			case "dictsort" -> ListFilters::dictSort;
			case "first" -> (value, arguments, rendering) -> {
				Iterator<Object> iterator = Operators.iterate(value);
				return iterator.hasNext() ? iterator.next() : new Undefined("No first item, sequence was empty.");
			};
			case "groupby" -> ListFilters::groupBy;
			case "items" -> (value, arguments, rendering) -> switch (value) {
				case Undefined undefined -> new Generator(Stream.empty());
				case Map<?, ?> map -> new Generator(new DictView(DictView.Kind.ITEMS, map).stream());
				default -> throw JinjaException.type("Can only get item pairs from a mapping.");
			};
			case "join" -> ListFilters::join;
			case "last" -> (value, arguments, rendering) -> {
				refuseGenerator(value);
				List<Object> list = Operators.toList(value, rendering.budget());
				return list.isEmpty() ? new Undefined("No last item, sequence was empty.") : list.getLast();
			};
			case "length", "count" -> (value, arguments, rendering) -> Operators.length(value);
			case "list" -> (value, arguments, rendering) -> Operators.toList(value, rendering.budget());
			case "map" -> ListFilters::map;
			case "max" -> (value, arguments, rendering) -> extreme(value, arguments, rendering, false);
			case "min" -> (value, arguments, rendering) -> extreme(value, arguments, rendering, true);
			case "reject" -> (value, arguments, rendering) -> select(value, arguments, rendering, null, false);
			case "select" -> (value, arguments, rendering) -> select(value, arguments, rendering, null, true);
			case "rejectattr" -> (value, arguments, rendering) -> select(value, arguments.skip(1), rendering,
					ItemKeys.attribute(arguments.require(name, 0, "attribute"), null, rendering), false);
			case "selectattr" -> (value, arguments, rendering) -> select(value, arguments.skip(1), rendering,
					ItemKeys.attribute(arguments.require(name, 0, "attribute"), null, rendering), true);
			case "reverse" -> (value, arguments, rendering) -> {
				if (value instanceof MarkedText text) {
					return text.changed(new StringBuilder(text.string()).reverse().toString());
				}
				return new Generator(Operators.toList(value, rendering.budget()).reversed().stream());
			};
			case "slice" -> ListFilters::slice;
			case "sort" -> (value, arguments, rendering) -> {
				arguments.expect(name, "reverse", "case_sensitive", "attribute");
				List<Object> list = Operators.toList(value, rendering.budget());
				sort(list, ItemKeys.keys(arguments.get(2, "attribute", None.NONE), arguments.flag(1, "case_sensitive"),
						rendering), arguments.flag(0, "reverse"), rendering.budget());
				return list;
			};
			case "sum" -> ListFilters::sum;
			case "unique" -> ListFilters::unique;
			default -> null;
		};
	}

	private static void refuseGenerator(Object value) {
		if (value instanceof Generator) {
			throw JinjaException.type("'generator' object is not reversible");
		}
	}

	private static Stream<Object> stream(Object value) {
		return StreamSupport.stream(Spliterators.spliteratorUnknownSize(Operators.iterate(value), 0), false);
	}

	private static Object batch(Object value, Arguments arguments, Rendering rendering) {
		arguments.expect("batch", "linecount", "fill_with");
		long size = Operators.toIndex(arguments.require("batch", 0, "linecount"));
		if (size < 1) {
			throw JinjaException.value("batch needs a size of at least 1");
		}
		List<Object> rows = new ArrayList<>();
		List<Object> row = new ArrayList<>();
		for (Object item : Operators.toList(value, rendering.budget())) {
			if (row.size() == size) {
				rows.add(row);
				row = new ArrayList<>();
			}
			row.add(item);
		}
		if (!row.isEmpty()) {
			Object fill = arguments.get(1, "fill_with", None.NONE);
			if (fill != None.NONE) {
				rendering.budget().checkItems(size);
				row.addAll(Collections.nCopies((int) size - row.size(), fill));
			}
			rows.add(row);
		}
		return new Generator(rows.stream());
	}

	private static Object slice(Object value, Arguments arguments, Rendering rendering) {
		arguments.expect("slice", "slices", "fill_with");
		long slices = Operators.toIndex(arguments.require("slice", 0, "slices"));
		List<Object> list = Operators.toList(value, rendering.budget());
		if (slices < 1) {
			throw JinjaException.value("slice needs a number of at least 1");
		}
		rendering.budget().checkItems(slices);
		int perSlice = (int) (list.size() / slices);
		int longer = (int) (list.size() % slices);
		Object fill = arguments.get(1, "fill_with", None.NONE);
		List<Object> parts = new ArrayList<>();
		int begin = 0;
		for (int i = 0; i < slices; i++) {
			int end = begin + perSlice + ((i < longer) ? 1 : 0);
			List<Object> part = new ArrayList<>(list.subList(begin, end));
			if (fill != None.NONE && i >= longer && longer > 0) {
				part.add(fill);
			}
			parts.add(part);
			begin = end;
		}
		return new Generator(parts.stream());
	}

	private static Object dictSort(Object value, Arguments arguments, Rendering rendering) {
		arguments.expect("dictsort", "case_sensitive", "by", "reverse");
		if (!(value instanceof Map<?, ?> map)) {
			Operators.refuseUndefined(value);
			throw JinjaException.type("'" + Types.name(value) + "' object has no attribute 'items'");
		}
		long index = switch (String.valueOf(arguments.get(1, "by", "key"))) {
			case "key" -> 0;
			case "value" -> 1;
			default -> throw JinjaException.value("You can only sort by either \"key\" or \"value\"");
		};
		List<Object> items = new ArrayList<>(new DictView(DictView.Kind.ITEMS, map));
		sort(items, ItemKeys.key(index, arguments.flag(0, "case_sensitive"), rendering), arguments.flag(2, "reverse"),
				rendering.budget());
		return items;
	}

	private static Object groupBy(Object value, Arguments arguments, Rendering rendering) {
		arguments.expect("groupby", "attribute", "default", "case_sensitive");
		Object attribute = arguments.require("groupby", 0, "attribute");
		Object otherwise = arguments.find(1, "default");
		UnaryOperator<Object> exact = ItemKeys.attribute(attribute, otherwise, rendering);
		UnaryOperator<Object> key = arguments.flag(2, "case_sensitive") ? exact
				: (item) -> ItemKeys.lower(exact.apply(item));
		List<Object> items = Operators.toList(value, rendering.budget());
		sort(items, key, false, rendering.budget());
		List<Object> groups = new ArrayList<>();
		for (int begin = 0; begin < items.size();) {
			int end = begin + 1;
			while (end < items.size()
					&& Operators.areEqual(key.apply(items.get(begin)), key.apply(items.get(end)), rendering.budget())) {
				end++;
			}
			groups.add(Tuple.named(List.of("grouper", "list"), exact.apply(items.get(begin)),
					new ArrayList<>(items.subList(begin, end))));
			begin = end;
		}
		return groups;
	}

	private static Object join(Object value, Arguments arguments, Rendering rendering) {
		arguments.expect("join", "d", "attribute");
		MarkedText separator = PythonText.str(arguments.get(0, "d", MarkedText.EMPTY), rendering.budget());
		Object attribute = arguments.get(1, "attribute", None.NONE);
		UnaryOperator<Object> part = (attribute == None.NONE) ? UnaryOperator.identity()
				: ItemKeys.attribute(attribute, null, rendering);
		TextBuilder text = new TextBuilder(rendering.budget());
		Iterator<Object> iterator = Operators.iterate(value);
		while (iterator.hasNext()) {
			PythonText.str(part.apply(iterator.next()), text);
			if (iterator.hasNext()) {
				text.append(separator);
			}
		}
		return text.toText();
	}

	private static Object map(Object value, Arguments arguments, Rendering rendering) {
		UnaryOperator<Object> function;
		if (arguments.positional().isEmpty() && arguments.named().containsKey("attribute")) {
			arguments.expect("map", "attribute", "default");
			function = ItemKeys.attribute(arguments.require("map", 0, "attribute"), arguments.named().get("default"),
					rendering);
		}
		else if (arguments.positional().isEmpty()) {
			throw JinjaException.type("map requires a filter argument");
		}
		else {
			String filter = PythonText.str(arguments.positional().getFirst(), rendering.budget()).string();
			if (!Filters.exists(filter)) {
				throw new JinjaException(JinjaException.Kind.SYNTAX, "No filter named '" + filter + "'");
			}
			Arguments rest = arguments.skip(1);
			function = (item) -> {
				rendering.budget().spend(8);
				return Filters.apply(filter, item, rest, rendering);
			};
		}
		return Operators.isTrue(value) ? new Generator(stream(value).map(function)) : new Generator(Stream.empty());
	}

	private static Object select(Object value, Arguments arguments, Rendering rendering,
			@Nullable UnaryOperator<Object> attribute, boolean keep) {
		Predicate<Object> predicate = Operators::isTrue;
		if (!arguments.positional().isEmpty()) {
			String test = PythonText.str(arguments.positional().getFirst(), rendering.budget()).string();
			Arguments rest = arguments.skip(1);
			predicate = (item) -> Tests.test(test, item, rest, rendering);
		}
		if (!Operators.isTrue(value)) {
			return new Generator(Stream.empty());
		}
		Predicate<Object> judge = predicate;
		return new Generator(stream(value).filter((item) -> {
			rendering.budget().spend(8);
			return judge.test((attribute != null) ? attribute.apply(item) : item) == keep;
		}));
	}

	private static Object extreme(Object value, Arguments arguments, Rendering rendering, boolean least) {
		arguments.expect("min", "case_sensitive", "attribute");
		UnaryOperator<Object> key = ItemKeys.key(arguments.get(1, "attribute", None.NONE),
				arguments.flag(0, "case_sensitive"), rendering);
		Object best = null;
		for (Object item : Operators.toList(value, rendering.budget())) {
			if (best == null) {
				best = item;
				continue;
			}
			int order = Operators.order(least ? "<" : ">", key.apply(item), key.apply(best), rendering.budget());
			if (least ? order < 0 : order > 0) {
				best = item;
			}
		}
		return (best != null) ? best : new Undefined("No aggregated item, sequence was empty.");
	}

	private static Object sum(Object value, Arguments arguments, Rendering rendering) {
		arguments.expect("sum", "attribute", "start");
		Object attribute = arguments.get(0, "attribute", None.NONE);
		UnaryOperator<Object> part = (attribute == None.NONE) ? UnaryOperator.identity()
				: ItemKeys.attribute(attribute, null, rendering);
		Object sum = arguments.get(1, "start", 0L);
		for (Object item : Operators.toList(value, rendering.budget())) {
			sum = Operators.binary("+", sum, part.apply(item), rendering.budget());
		}
		return sum;
	}

	private static Object unique(Object value, Arguments arguments, Rendering rendering) {
		arguments.expect("unique", "case_sensitive", "attribute");
		UnaryOperator<Object> key = ItemKeys.key(arguments.get(1, "attribute", None.NONE),
				arguments.flag(0, "case_sensitive"), rendering);
		List<Object> seen = new ArrayList<>();
		java.util.Set<Object> seenTexts = new java.util.HashSet<>();
		return new Generator(stream(value).filter((item) -> {
			Object own = Operators.hashable(key.apply(item));
			if (own instanceof MarkedText) {
				return seenTexts.add(own);
			}
			boolean known = seen.stream().anyMatch((other) -> Operators.areEqual(own, other, rendering.budget()));
			return !known && seen.add(own);
		}));
	}

	private static void sort(List<Object> list, UnaryOperator<Object> key, boolean reverse, Budget budget) {
		record Keyed(Object key, Object item) {
		}
		List<Keyed> keyed = new ArrayList<>();
		list.forEach((item) -> keyed.add(new Keyed(key.apply(item), item)));
		Comparator<Keyed> order = (a, b) -> {
			budget.spend(1);
			return Operators.order("<", a.key(), b.key(), budget);
		};
		keyed.sort(reverse ? order.reversed() : order);
		list.clear();
		keyed.forEach((item) -> list.add(item.item()));
	}

}
