package io.github.flashspring.engine.generate.grammar;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

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

	private static final Pattern PLACE = Pattern.compile("\\n?VALUE\\n?|NAME|ARGUMENTS|INDEX|ISSTRING|TYPE|ID|\\s+");

	/** What is a token in the midst of a text. */
	private static final Pattern TOKEN = Pattern.compile("<\\|[^|<>\\s]+\\|?>");

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
			return harmony(value, calls);
		}
		Expr answer = (calls != null)
				? answer(value, calls, Objects.requireNonNull(this.syntax.calls(), "The syntax of calls is not known"))
				: (value != null) ? value : Expr.NOTHING;
		String begin = this.syntax.thinkBegin();
		if (begin == null) {
			return answer;
		}
		Expr reasoning = Expr.seq(until(List.of(new Trigger(this.syntax.thinkEnd(), false, Expr.EMPTY)), false),
				new Expr.Repeat(Expr.literal("\n"), 0, GAP));
		if (this.syntax.thinking()) {
			return Expr.seq(reasoning, answer);
		}
		return Expr.seq(Expr.optional(Expr.seq(marker(begin), reasoning)), answer);
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
			Expr free = until(triggers(written, calls), true);
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
	private List<Trigger> triggers(CallSyntax written, Calls calls) {
		Map<Trigger, List<Expr>> triggers = new LinkedHashMap<>();
		for (CallSyntax.Form form : written.forms()) {
			if (!form.opener().isEmpty()) {
				triggers.computeIfAbsent(new Trigger(form.opener(), false, Expr.EMPTY), (_) -> new ArrayList<>())
					.add(calls(form, written, calls, form.opener(), calls.tools()));
				continue;
			}
			String first = form.begin() + form.call();
			int behindName = first.indexOf("NAME") + "NAME".length() + 1;
			for (ToolDefinition tool : calls.tools()) {
				String opening = first.substring(0, behindName).replace("NAME", name(tool, first.contains("\"NAME\"")));
				triggers.computeIfAbsent(new Trigger(opening, true, Expr.EMPTY), (_) -> new ArrayList<>())
					.add(calls(form, written, calls, opening, List.of(tool)));
			}
		}
		return triggers.entrySet()
			.stream()
			.map((each) -> new Trigger(each.getKey().text(), each.getKey().beginsLine(), new Expr.Alt(each.getValue())))
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
		return text(text, written, (part, quoted) -> switch (part) {
			case "NAME" -> Expr.literal(name(tool, quoted));
			case "ARGUMENTS" -> arguments(tool, written);
			case "INDEX" -> new Expr.Repeat(MachineBuilder.character(CodePoints.range('0', '9')), 1, 3);
			case "ID" -> new Expr.Repeat(
					MachineBuilder.character(CodePoints.range('0', '9').or(CodePoints.range('a', 'z'))), 9, 9);
			default -> null;
		});
	}

	private Expr fixed(String text, CallSyntax written) {
		return text(text, written, (_, _) -> null);
	}

	private static String name(ToolDefinition tool, boolean quoted) {
		String json = StringNode.valueOf(tool.name()).toString();
		return quoted ? json.substring(1, json.length() - 1) : tool.name();
	}

	private Expr text(String text, CallSyntax written, Places places) {
		String markers = written.markers()
			.stream()
			.map((marker) -> Pattern.quote(marker) + "|")
			.collect(Collectors.joining());
		Matcher matcher = Pattern.compile(markers + PLACE.pattern()).matcher(text);
		List<Expr> parts = new ArrayList<>();
		int from = 0;
		while (matcher.find()) {
			parts.add(Expr.literal(text.substring(from, matcher.start())));
			String part = matcher.group();
			Expr place = written.markers().contains(part) ? marker(part)
					: places.at(part.strip(), text.startsWith("\"", matcher.end()));
			if (place == null) {
				place = (part.isBlank() && mayVary(text, matcher.start(), matcher.end(), written))
						? Expr.literals(List.of("", " ", "\n", part)) : Expr.literal(part);
			}
			else if (part.endsWith("\n")) {
				// the value of a parameter, on lines of its own
				place = Expr.seq(Expr.literal("\n"), place, Expr.literal("\n"));
			}
			parts.add(place);
			from = matcher.end();
		}
		parts.add(Expr.literal(text.substring(from)));
		return new Expr.Seq(parts);
	}

	/**
	 * Whether white space may be left out, or be other white space: models write more or
	 * less of it than their templates. Behind words and attributes it parts them from
	 * what follows.
	 */
	private static boolean mayVary(String text, int begin, int end, CallSyntax written) {
		String before = text.substring(0, begin);
		if (before.endsWith("NAME")) {
			return text.startsWith("<", end) || text.startsWith("ARGUMENTS", end) && !written.parameter().isEmpty();
		}
		return before.isEmpty() || before.endsWith("ARGUMENTS")
				|| before.charAt(begin - 1) != '"' && !Character.isLetterOrDigit(before.charAt(begin - 1));
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
				(name, value, type) -> text(written.parameter(), written, (part, _) -> switch (part) {
					case "NAME" -> name;
					case "VALUE" -> value;
					case "TYPE" -> Expr.literal(type);
					case "ISSTRING" -> Expr.literal(String.valueOf(type.equals("string")));
					default -> null;
				}));
	}

	/**
	 * Messages of OpenAI's harmony format, of which the last is the answer or a call. The
	 * prompt ends with the role of the first.
	 * @see <a href="https://cookbook.openai.com/articles/openai-harmony">Harmony</a>
	 */
	private Expr harmony(@Nullable Expr value, @Nullable Calls calls) {
		Expr channel = Expr.specialToken("<|channel|>");
		Expr message = Expr.specialToken("<|message|>");
		Expr content = Expr.many(byteBelow(0xff));
		Expr before = Expr.seq(channel, Expr.literals(List.of("analysis", "commentary")), message, content,
				Expr.specialToken("<|end|>"), Expr.specialToken("<|start|>"), Expr.literal("assistant"));
		Expr constrain = Expr.specialToken("<|constrain|>");
		Expr type = Expr.optional(Expr.seq(Expr.alt(constrain, Expr.seq(Expr.literal(" "), Expr.optional(constrain))),
				Expr.literal("json")));
		List<Expr> last = new ArrayList<>();
		if (calls == null || !calls.required()) {
			last.add(Expr.seq(channel, Expr.literal("final"), type, message, (value != null) ? value : content));
		}
		for (ToolDefinition tool : (calls != null) ? calls.tools() : List.<ToolDefinition>of()) {
			Expr recipient = Expr.literal(" to=functions." + tool.name());
			Expr purpose = Expr.literals(List.of("analysis", "commentary"));
			last.add(Expr.seq(Expr.alt(Expr.seq(recipient, channel, purpose), Expr.seq(channel, purpose, recipient)),
					type, message, arguments(tool, null)));
		}
		return Expr.seq(Expr.many(before), new Expr.Alt(last));
	}

	private static Expr byteBelow(int end) {
		MachineBuilder machine = new MachineBuilder();
		machine.reserve(2);
		machine.define(0, List.of(new int[] { 0, end - 1, 1 }), -1);
		machine.define(1, List.of(), 0);
		return machine.build(List.of(Expr.EMPTY));
	}

	/**
	 * A marker is a special token in some models, a text in others, and may be a text
	 * with special tokens in it.
	 */
	static Expr marker(String text) {
		List<Expr> parts = new ArrayList<>();
		Matcher token = TOKEN.matcher(text);
		int from = 0;
		while (token.find()) {
			parts.add(Expr.literal(text.substring(from, token.start())));
			parts.add(Expr.alt(Expr.literal(token.group()), Expr.specialToken(token.group())));
			from = token.end();
		}
		if (parts.size() == 2 && token.regionEnd() == from && text.startsWith("<|")) {
			return parts.getLast();
		}
		parts.add(Expr.literal(text.substring(from)));
		return Expr.alt(new Expr.Seq(parts), Expr.specialToken(text));
	}

	/**
	 * Anything, special tokens too, up to the first occurrence of one of some texts and
	 * with it.
	 * @param triggers the texts
	 * @param optional whether none of them need come
	 * @return the expression
	 * @see <a href="https://doi.org/10.1145/360825.360855">Aho, Corasick: Efficient
	 * String Matching</a>
	 */
	static Expr until(List<Trigger> triggers, boolean optional) {
		List<int[]> next = new ArrayList<>();
		List<Integer> ends = new ArrayList<>();
		next.add(new int[256]);
		ends.add(-1);
		boolean lines = false;
		for (int i = 0; i < triggers.size(); i++) {
			Trigger trigger = triggers.get(i);
			lines |= trigger.beginsLine();
			int state = 0;
			for (byte each : ((trigger.beginsLine() ? "\n" : "") + trigger.text()).getBytes(StandardCharsets.UTF_8)) {
				if (next.get(state)[each & 0xff] == 0) {
					next.get(state)[each & 0xff] = next.size();
					next.add(new int[256]);
					ends.add(-1);
				}
				state = next.get(state)[each & 0xff];
			}
			ends.set(state, i);
		}
		complete(next, ends);
		// an answer begins a line
		int start = lines ? next.getFirst()['\n'] : 0;
		MachineBuilder machine = new MachineBuilder();
		machine.reserve(next.size() + 1);
		for (int state = 0; state < next.size(); state++) {
			machine.define(state + 1, edges(next.get(state), ends.get(state), state),
					(ends.get(state) >= 0) ? ends.get(state) : optional ? triggers.size() : -1);
		}
		machine.define(0, edges(next.get(start), ends.get(start), start), optional ? triggers.size() : -1);
		List<Expr> exits = new ArrayList<>(triggers.stream().map(Trigger::after).toList());
		exits.add(Expr.EMPTY);
		return machine.build(exits);
	}

	/** Adds steps for what does not go on in the trie of texts. */
	private static void complete(List<int[]> next, List<Integer> ends) {
		int[] fallback = new int[next.size()];
		Deque<Integer> open = new ArrayDeque<>(List.of(0));
		while (!open.isEmpty()) {
			int state = open.remove();
			int[] steps = next.get(state);
			for (int value = 0; value < steps.length; value++) {
				int other = (state == 0) ? 0 : next.get(fallback[state])[value];
				if (steps[value] == 0) {
					steps[value] = other;
				}
				else {
					fallback[steps[value]] = (state == 0) ? 0 : other;
					open.add(steps[value]);
				}
			}
			if (ends.get(state) < 0) {
				ends.set(state, ends.get(fallback[state]));
			}
		}
	}

	private static List<int[]> edges(int[] steps, int end, int state) {
		List<int[]> edges = new ArrayList<>();
		for (int value = 0; end < 0 && value < steps.length; value++) {
			// the byte before special tokens is no part of their texts
			int target = ((value == 0xff) ? state : steps[value]) + 1;
			int last = edges.size() - 1;
			if (last >= 0 && edges.get(last)[2] == target) {
				edges.get(last)[1] = value;
			}
			else {
				edges.add(new int[] { value, value, target });
			}
		}
		return edges;
	}

	/**
	 * A text from which on something else holds.
	 *
	 * @param text the text
	 * @param beginsLine whether it counts only at the beginning of a line
	 * @param after what follows it
	 */
	record Trigger(String text, boolean beginsLine, Expr after) {

	}

	/** What stands at places of a text. */
	private interface Places {

		/**
		 * The expression of a place.
		 * @param name what stands for it in the text
		 * @param quoted whether a quotation mark follows
		 * @return the expression, null: the name is no place
		 */
		@Nullable Expr at(String name, boolean quoted);

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
