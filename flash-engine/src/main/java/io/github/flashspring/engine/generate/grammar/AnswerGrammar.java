package io.github.flashspring.engine.generate.grammar;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.StringNode;

import io.github.flashspring.engine.text.AnswerSyntax;
import io.github.flashspring.engine.text.CallSyntax;
import io.github.flashspring.engine.text.ToolDefinition;

/**
 * The grammar of all that a model says in a turn: reasoning, which is free, then either
 * the answer in its structure, or calls of tools in the model's own syntax. An answer
 * without a structure is free up to the marker of a call.
 */
final class AnswerGrammar {

	/** Line breaks between reasoning and the answer. */
	private static final int GAP = 2;

	/** Arguments of a tool whose schema says nothing, or cannot be enforced at all. */
	private static final String ANY_OBJECT = "{\"type\":\"object\"}";

	private final Grammar grammar = new Grammar();

	private final AnswerSyntax syntax;

	private final Map<ToolDefinition, Expr.Rule> arguments = new HashMap<>();

	private final Set<String> ignored = new LinkedHashSet<>();

	private AnswerGrammar(AnswerSyntax syntax) {
		this.syntax = syntax;
	}

	/**
	 * Composes a grammar.
	 * @param structure of the answer; null: it is free
	 * @param calls tools that may be called; null: none
	 * @param syntax where the answer begins, and how calls are written
	 * @return the grammar, and the keywords that it ignores
	 * @throws GrammarException if the structure cannot be enforced
	 */
	static Composed of(@Nullable Structure structure, @Nullable Calls calls, AnswerSyntax syntax) {
		AnswerGrammar composer = new AnswerGrammar(syntax);
		Expr.Rule root = composer.grammar.declare("The structure");
		Expr value = (structure != null) ? composer.value(structure) : null;
		composer.grammar.define(root, composer.turn(value, calls));
		return new Composed(composer.grammar, composer.ignored);
	}

	private Expr value(Structure structure) {
		return switch (structure) {
			case Structure.Gbnf gbnf -> GbnfParser.parse(gbnf.grammar(), this.grammar);
			case Structure.JsonSchema schema -> {
				SchemaReader reader = new SchemaReader(schema.schema(), schema.strict());
				Expr rule = SchemaCompiler.compile(this.grammar, reader);
				this.ignored.addAll(reader.ignored());
				yield rule;
			}
		};
	}

	private Expr turn(@Nullable Expr value, @Nullable Calls calls) {
		if (this.syntax.kind() == AnswerSyntax.Kind.HARMONY) {
			return new HarmonyTurn((tool) -> arguments(tool, null)).of(value, calls);
		}
		Expr answer = (calls != null)
				? answer(value, calls, Objects.requireNonNull(this.syntax.calls(), "The syntax of calls is not known"))
				: (value != null) ? value : Expr.NOTHING;
		String begin = this.syntax.thinkBegin();
		if (begin == null) {
			return answer;
		}
		Expr reasoning = Expr.seq(TriggerSearch
			.until(List.of(new TriggerSearch.Trigger(this.syntax.thinkEnd(), false, Expr.EMPTY)), false),
				new Expr.Repeat(Expr.literal("\n"), 0, GAP));
		if (this.syntax.thinking()) {
			return Expr.seq(reasoning, answer);
		}
		return Expr.seq(
				Expr.optional(Expr.seq(new Expr.Repeat(Expr.literal("\n"), 0, GAP), Markers.marker(begin), reasoning)),
				answer);
	}

	/** The answer, or calls. */
	private Expr answer(@Nullable Expr value, Calls calls, CallSyntax written) {
		List<ToolDefinition> tools = calls.tools();
		tools.stream().filter((tool) -> !written.canName(tool.name())).findFirst().ifPresent((tool) -> {
			throw new GrammarException(
					"The name of the tool '%s' cannot be written in the model's format of calls. Use letters, digits, '_', '-' and '.' alone."
						.formatted(tool.name()));
		});
		boolean begun = !written.address().isEmpty();
		List<Expr> forced = new ArrayList<>();
		for (CallSyntax.Form form : written.forms()) {
			if (form.usual()) {
				forced.add(calls(form, written, calls, begun ? form.opener() : "", tools));
			}
		}
		if (calls.required()) {
			return new Expr.Alt(forced);
		}
		if (value == null) {
			Expr free = TriggerSearch.until(triggers(written, calls), true);
			if (!begun) {
				return free;
			}
			forced.add(Expr.seq(fixed(written.address(), written), free));
		}
		else {
			forced.add(Expr.seq(fixed(written.address(), written), value));
		}
		return new Expr.Alt(forced);
	}

	/** What nothing but a call may follow, with the rest of the calls. */
	private List<TriggerSearch.Trigger> triggers(CallSyntax written, Calls calls) {
		Map<TriggerSearch.Trigger, List<Expr>> triggers = new LinkedHashMap<>();
		for (CallSyntax.Form form : written.forms()) {
			if (!form.opener().isEmpty()) {
				triggers
					.computeIfAbsent(new TriggerSearch.Trigger(form.opener(), false, Expr.EMPTY),
							(_) -> new ArrayList<>())
					.add(calls(form, written, calls, form.opener(), calls.tools()));
				continue;
			}
			String first = form.begin() + form.call();
			int behindName = first.indexOf("NAME") + "NAME".length() + 1;
			for (ToolDefinition tool : calls.tools()) {
				String opening = first.substring(0, behindName).replace("NAME", name(tool, first.contains("\"NAME\"")));
				triggers.computeIfAbsent(new TriggerSearch.Trigger(opening, true, Expr.EMPTY), (_) -> new ArrayList<>())
					.add(calls(form, written, calls, opening, List.of(tool)));
			}
		}
		return triggers.entrySet()
			.stream()
			.map((each) -> new TriggerSearch.Trigger(each.getKey().text(), each.getKey().beginsLine(),
					new Expr.Alt(each.getValue())))
			.toList();
	}

	/**
	 * Calls of a form, without what is written already.
	 * @param form how they are written
	 * @param written the syntax
	 * @param calls what may be called
	 * @param done what is written
	 * @param firstTools tools that the first call may be of; one only if its name is
	 * written
	 */
	private Expr calls(CallSyntax.Form form, CallSyntax written, Calls calls, String done,
			List<ToolDefinition> firstTools) {
		List<Expr> first = new ArrayList<>();
		boolean inCall = done.length() > form.begin().length();
		for (ToolDefinition tool : firstTools) {
			String call = form.call();
			if (inCall) {
				boolean named = form.opener().isEmpty();
				int name = call.indexOf("NAME");
				call = call.substring(named ? name + "NAME".length() + 1 : done.length() - form.begin().length());
			}
			first.add(text(call, written, tool));
		}
		List<Expr> next = new ArrayList<>();
		for (ToolDefinition tool : calls.tools()) {
			next.add(text(form.separator() + form.call(), written, tool));
		}
		String begin = form.begin().substring(Math.min(done.length(), form.begin().length()));
		return Expr.seq(fixed(begin, written), new Expr.Alt(first),
				new Expr.Repeat(new Expr.Alt(next), 0, calls.parallel() ? Expr.UNBOUNDED : 0),
				fixed(form.end(), written));
	}

	/**
	 * A text of a syntax: markers, places, optional white space and what stands as it is.
	 */
	private Expr text(String text, CallSyntax written, ToolDefinition tool) {
		return CallTemplate.text(text, written, (part, quoted) -> switch (part) {
			case "NAME" -> Expr.literal(name(tool, quoted));
			case "ARGUMENTS" -> arguments(tool, written);
			case "INDEX" -> new Expr.Repeat(MachineBuilder.character(CodePoints.range('0', '9')), 1, 3);
			case "ID" -> new Expr.Repeat(
					MachineBuilder.character(CodePoints.range('0', '9').or(CodePoints.range('a', 'z'))), 9, 9);
			default -> null;
		});
	}

	private Expr fixed(String text, CallSyntax written) {
		return CallTemplate.text(text, written, (_, _) -> null);
	}

	private static String name(ToolDefinition tool, boolean quoted) {
		String json = StringNode.valueOf(tool.name()).toString();
		return quoted ? json.substring(1, json.length() - 1) : tool.name();
	}

	/**
	 * The arguments of a tool. Tools come from anywhere, so that what cannot be enforced
	 * is left to the tool.
	 */
	private Expr arguments(ToolDefinition tool, @Nullable CallSyntax written) {
		Expr.Rule known = this.arguments.get(tool);
		if (known == null) {
			String schema = tool.parametersJsonSchema().isBlank() ? ANY_OBJECT : tool.parametersJsonSchema();
			try {
				SchemaReader reader = new SchemaReader(schema, false);
				known = arguments(tool, written, reader);
				reader.ignored().forEach((pointer) -> this.ignored.add("tool " + tool.name() + ": " + pointer));
			}
			catch (GrammarException ex) {
				this.ignored.add("tool " + tool.name() + ": " + ex.getMessage());
				known = arguments(tool, written, new SchemaReader(ANY_OBJECT, false));
			}
			this.arguments.put(tool, known);
		}
		return known;
	}

	private Expr.Rule arguments(ToolDefinition tool, @Nullable CallSyntax written, SchemaReader reader) {
		if (written == null || written.values() == CallSyntax.Values.JSON) {
			return SchemaCompiler.compileObject(this.grammar, reader);
		}
		Expr separator = fixed(written.parameterSeparator(), written);
		return ParameterCompiler.compile(this.grammar, reader, tool, written, separator,
				(name, value, type) -> CallTemplate.text(written.parameter(), written, (part, _) -> switch (part) {
					case "NAME" -> name;
					case "VALUE" -> value;
					case "TYPE" -> Expr.literal(type);
					case "ISSTRING" -> Expr.literal(String.valueOf(type.equals("string")));
					default -> null;
				}));
	}

	/**
	 * A grammar.
	 *
	 * @param grammar its rules
	 * @param ignored keywords that are not enforced, as JSON pointers
	 */
	record Composed(Grammar grammar, Set<String> ignored) {

	}

}
