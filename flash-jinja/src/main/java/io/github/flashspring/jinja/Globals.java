package io.github.flashspring.jinja;

import java.time.Clock;
import java.time.ZonedDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The functions that every template has.
 */
final class Globals {

	private Globals() {
	}

	static Map<String, Object> functions(Clock clock) {
		return Map.of("range", (Function) Globals::range, "dict", (Function) (rendering, arguments) -> {
			Map<Object, Object> dict = pairs("dict", arguments, rendering);
			arguments.named().forEach((name, value) -> dict.put(MarkedText.trusted(name), value));
			return dict;
		}, "namespace", (Function) (rendering, arguments) -> {
			Map<String, Object> attributes = new LinkedHashMap<>();
			pairs("namespace", arguments, rendering)
				.forEach((key, value) -> attributes.put(PythonText.str(key, rendering.budget()).string(), value));
			attributes.putAll(arguments.named());
			return new Namespace(attributes);
		}, "cycler", (Function) (rendering, arguments) -> {
			if (arguments.positional().isEmpty()) {
				throw JinjaException.type("at least one item has to be provided");
			}
			return new Cycle(arguments.positional());
		}, "joiner", (Function) (rendering, arguments) -> joiner(arguments.get(0, "sep", MarkedText.trusted(", "))),
				"raise_exception", (Function) (rendering, arguments) -> {
					throw new JinjaException(JinjaException.Kind.RAISED,
							PythonText.str(arguments.require("raise_exception", 0, "message"), rendering.budget())
								.string());
				}, "strftime_now",
				(Function) (rendering, arguments) -> Strftime.format(ZonedDateTime.now(clock),
						PythonText.str(arguments.require("strftime_now", 0, "format"), rendering.budget()),
						rendering.budget()));
	}

	private static Object range(Rendering rendering, Arguments arguments) {
		List<Object> bounds = arguments.expect("range", "start", "stop", "step").positional();
		return switch (bounds.size()) {
			case 1 -> new Range(0, Operators.toIndex(bounds.get(0)), 1);
			case 2 -> new Range(Operators.toIndex(bounds.get(0)), Operators.toIndex(bounds.get(1)), 1);
			case 3 -> new Range(Operators.toIndex(bounds.get(0)), Operators.toIndex(bounds.get(1)),
					Operators.toIndex(bounds.get(2)));
			default -> throw JinjaException.type("range expected at least 1 argument, got 0");
		};
	}

	private static Map<Object, Object> pairs(String callee, Arguments arguments, Rendering rendering) {
		Map<Object, Object> dict = new LinkedHashMap<>();
		if (arguments.positional().size() > 1) {
			throw JinjaException.type(callee + " expected at most 1 argument, got " + arguments.positional().size());
		}
		for (Object argument : arguments.positional()) {
			Object items = (argument instanceof Map<?, ?> map) ? new DictView(DictView.Kind.ITEMS, map) : argument;
			for (Object pair : Operators.toList(items, rendering.budget())) {
				List<Object> entry = Operators.toList(pair, rendering.budget());
				if (entry.size() != 2) {
					throw JinjaException
						.value("dictionary update sequence element has length " + entry.size() + "; 2 is required");
				}
				dict.put(Operators.hashable(entry.get(0)), entry.get(1));
			}
		}
		return dict;
	}

	private static Function joiner(Object separator) {
		boolean[] used = new boolean[1];
		return (rendering, arguments) -> {
			boolean first = !used[0];
			used[0] = true;
			return first ? MarkedText.EMPTY : separator;
		};
	}

}
