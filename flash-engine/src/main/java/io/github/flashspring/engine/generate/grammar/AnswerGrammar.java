package io.github.flashspring.engine.generate.grammar;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
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

import io.github.flashspring.engine.tokenizer.AnswerSyntax;
import io.github.flashspring.engine.tokenizer.CallSyntax;
import io.github.flashspring.engine.tokenizer.ToolDefinition;

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

	private static final Pattern PLACE = Pattern.compile("NAME|ARGUMENTS|INDEX|ID|\\s+");

	private final Grammar grammar = new Grammar();

	private final AnswerSyntax syntax;

	private final Expr space = Expr.alt(Expr.EMPTY, Expr.literal(" "), Expr.literal("\n"));

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
		Expr answer = (value != null) ? value : Expr.NOTHING;
		if (calls != null) {
			CallSyntax written = Objects.requireNonNull(this.syntax.calls(), "The syntax of calls is not known");
			if (calls.required()) {
				answer = calls(written, calls, false);
			}
			else if (value != null) {
				answer = Expr.alt(value, calls(written, calls, false));
			}
			else {
				answer = until(bytes(written.markers().getFirst()), true, calls(written, calls, true));
			}
		}
		String begin = this.syntax.thinkBegin();
		if (begin == null) {
			return answer;
		}
		Expr reasoning = Expr.seq(until(bytes(this.syntax.thinkEnd()), false, Expr.EMPTY),
				new Expr.Repeat(Expr.literal("\n"), 0, GAP));
		if (this.syntax.thinking()) {
			return Expr.seq(reasoning, answer);
		}
		return Expr.seq(Expr.optional(Expr.seq(marker(begin), reasoning)), answer);
	}

	/** Calls, without their first marker if that was written already. */
	private Expr calls(CallSyntax written, Calls calls, boolean begun) {
		String marker = written.markers().getFirst();
		boolean eachMarked = written.begin().isEmpty();
		List<Expr> first = new ArrayList<>();
		List<Expr> next = new ArrayList<>();
		for (ToolDefinition tool : calls.tools()) {
			boolean cut = begun && eachMarked;
			first.add(call(cut ? written.call().substring(marker.length()) : written.call(), written, tool));
			next.add(call(written.call(), written, tool));
		}
		String begin = (begun && !eachMarked) ? written.begin().substring(marker.length()) : written.begin();
		Expr more = Expr.seq(text(written.separator(), written, null), new Expr.Alt(next));
		return Expr.seq(text(begin, written, null), new Expr.Alt(first),
				new Expr.Repeat(more, 0, calls.parallel() ? Expr.UNBOUNDED : 0), text(written.end(), written, null));
	}

	private Expr call(String text, CallSyntax written, ToolDefinition tool) {
		return text(text, written, tool);
	}

	/**
	 * A text of a syntax: markers, places, optional white space and what stands as it is.
	 */
	private Expr text(String text, CallSyntax written, @Nullable ToolDefinition tool) {
		String markers = written.markers().stream().map(Pattern::quote).collect(Collectors.joining("|"));
		Matcher matcher = Pattern.compile(markers + "|" + PLACE.pattern()).matcher(text);
		List<Expr> parts = new ArrayList<>();
		int from = 0;
		while (matcher.find()) {
			parts.add(Expr.literal(text.substring(from, matcher.start())));
			parts.add(part(matcher.group(), written, tool, text.startsWith("\"", matcher.end())));
			from = matcher.end();
		}
		parts.add(Expr.literal(text.substring(from)));
		return new Expr.Seq(parts);
	}

	private Expr part(String part, CallSyntax written, @Nullable ToolDefinition tool, boolean quoted) {
		if (written.markers().contains(part)) {
			return marker(part);
		}
		if (part.isBlank() || tool == null) {
			return this.space;
		}
		return switch (part) {
			case "NAME" -> {
				String json = StringNode.valueOf(tool.name()).toString();
				yield Expr.literal(quoted ? json.substring(1, json.length() - 1) : tool.name());
			}
			case "ARGUMENTS" -> arguments(tool);
			case "INDEX" -> new Expr.Repeat(MachineBuilder.character(CodePoints.range('0', '9')), 1, 3);
			default -> new Expr.Repeat(
					MachineBuilder.character(CodePoints.range('0', '9').or(CodePoints.range('a', 'z'))), 9, 9);
		};
	}

	/**
	 * The arguments of a tool. Tools come from anywhere, so that what cannot be enforced
	 * is left to the tool.
	 */
	private Expr arguments(ToolDefinition tool) {
		Expr.Rule known = this.arguments.get(tool);
		if (known == null) {
			String schema = tool.parametersJsonSchema().isBlank() ? ANY_OBJECT : tool.parametersJsonSchema();
			try {
				SchemaReader reader = new SchemaReader(schema, false);
				known = SchemaCompiler.compileObject(this.grammar, reader);
				reader.ignored().forEach((pointer) -> this.ignored.add("tool " + tool.name() + ": " + pointer));
			}
			catch (GrammarException ex) {
				this.ignored.add("tool " + tool.name() + ": " + ex.getMessage());
				known = SchemaCompiler.compileObject(this.grammar, new SchemaReader(ANY_OBJECT, false));
			}
			this.arguments.put(tool, known);
		}
		return known;
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
		Expr type = Expr.optional(Expr.seq(Expr.optional(Expr.literal(" ")),
				Expr.optional(Expr.specialToken("<|constrain|>")), Expr.literal("json")));
		List<Expr> last = new ArrayList<>();
		if (calls == null || !calls.required()) {
			last.add(Expr.seq(channel, Expr.literal("final"), type, message, (value != null) ? value : content));
		}
		for (ToolDefinition tool : (calls != null) ? calls.tools() : List.<ToolDefinition>of()) {
			Expr recipient = Expr.literal(" to=functions." + tool.name());
			Expr purpose = Expr.literals(List.of("analysis", "commentary"));
			last.add(Expr.seq(Expr.alt(Expr.seq(recipient, channel, purpose), Expr.seq(channel, purpose, recipient)),
					type, message, arguments(tool)));
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

	/** A marker is a special token in some models, and a text in others. */
	private static Expr marker(String text) {
		return Expr.alt(Expr.literal(text), Expr.specialToken(text));
	}

	private static byte[] bytes(String text) {
		return text.getBytes(StandardCharsets.UTF_8);
	}

	/**
	 * Anything, special tokens too, up to the first occurrence of a text and with it.
	 * @param end the text
	 * @param optional whether the text need not come
	 * @param after what follows the text
	 * @return the expression
	 * @see <a href="https://doi.org/10.1137/0206024">Knuth, Morris, Pratt: Fast Pattern
	 * Matching in Strings</a>
	 */
	static Expr until(byte[] end, boolean optional, Expr after) {
		int[][] next = new int[end.length][256];
		int fallback = 0;
		for (int state = 0; state < end.length; state++) {
			int expected = end[state] & 0xff;
			for (int value = 0; value < 256; value++) {
				next[state][value] = (value == expected) ? state + 1 : (state == 0) ? 0 : next[fallback][value];
			}
			fallback = (state == 0) ? 0 : next[fallback][expected];
		}
		MachineBuilder machine = new MachineBuilder();
		machine.reserve(end.length + 1);
		for (int state = 0; state < end.length; state++) {
			List<int[]> edges = new ArrayList<>();
			for (int value = 0; value < 256; value++) {
				int last = edges.size() - 1;
				if (last >= 0 && edges.get(last)[2] == next[state][value]) {
					edges.get(last)[1] = value;
				}
				else {
					edges.add(new int[] { value, value, next[state][value] });
				}
			}
			machine.define(state, edges, optional ? 1 : -1);
		}
		machine.define(end.length, List.of(), 0);
		return machine.build(List.of(after, Expr.EMPTY));
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
