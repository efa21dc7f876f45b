package io.github.flashspring.engine.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.text.MessageForm.EmptyContent;
import io.github.flashspring.engine.text.MessageForm.Variables;
import io.github.flashspring.jinja.MarkedText;

/**
 * Finds out what a chat template can carry: renders small conversations through it, and
 * looks whether their words stand in the prompt, in order. The idea is that of the "caps"
 * of llama.cpp and google/minja.
 */
final class TemplateProbe {

	private static final ToolDefinition TOOL = new ToolDefinition("tool_jzq", "It does jzq.",
			"{\"type\":\"object\",\"properties\":{\"key_jzq\":{\"type\":\"string\",\"description\":\"A key.\"}},\"required\":[\"key_jzq\"]}");

	private static final ToolDefinition BARE_TOOL = new ToolDefinition("tool_jzq", "It does jzq.",
			"{\"type\":\"object\",\"properties\":{\"key_jzq\":{\"type\":\"string\"}}}");

	private static final String FIRST = "value_jza";

	private static final String SECOND = "value_jzb";

	/** What hosted models give to calls. */
	private static final String FOREIGN_ID = "call_jzq0123456789abcdef";

	private static final String NINE = "jzq12345";

	private static final int WITH_RESULT = 10;

	private static final int BEST = 3 + WITH_RESULT;

	private final Renderer renderer;

	private MessageForm base = MessageForm.DEFAULT;

	TemplateProbe(Renderer renderer) {
		this.renderer = renderer;
	}

	/**
	 * Probes the template.
	 * @return what it can carry; everything, if it does not even take a user's message,
	 * so that its own error is what comes up
	 */
	TemplateCapabilities probe() {
		Turn user = turn("user", "word_jza");
		List<MessageForm> bases = new ArrayList<>();
		for (Variables variables : Variables.values()) {
			bases.add(new MessageForm(false, false, EmptyContent.TEXT, variables, false));
			bases.add(new MessageForm(true, false, EmptyContent.TEXT, variables, false));
		}
		MessageForm usable = bases.stream()
			.filter((form) -> carriesAll(form, List.of(user), List.of(), "word_jza"))
			.findFirst()
			.orElse(null);
		if (usable == null) {
			return new TemplateCapabilities(true, true, true, true, true, true, false, true, true, true, true, true,
					true, true, true, false, false, EmptyContent.TEXT.label(), "");
		}
		this.base = usable;
		Turn again = turn("user", "word_jzc");
		Turn answer = turn("assistant", "word_jzb");
		Turn system = turn("system", "rule_jza");
		boolean systems = carries(List.of(system, user), "rule_jza", "word_jza");
		boolean several = carries(List.of(system, turn("system", "rule_jzb"), user), "rule_jza", "rule_jzb",
				"word_jza");
		// some templates gather all system messages at the beginning
		List<Turn> changed = new ArrayList<>(List.of(user, answer, turn("system", "rule_jzb"), again));
		List<String> words = new ArrayList<>(List.of("word_jza", "word_jzb", "rule_jzb", "word_jzc"));
		if (systems) {
			changed.addFirst(system);
			words.add("rule_jza");
		}
		boolean later = carriesAll(this.base, changed, List.of(), words.toArray(String[]::new));
		boolean repeated = carries(List.of(user, again), "word_jza", "word_jzc")
				&& carries(List.of(user, answer, turn("assistant", "word_jzd"), again), "word_jza", "word_jzb",
						"word_jzd", "word_jzc");
		boolean first = carries(List.of(answer, user), "word_jzb", "word_jza");
		boolean empty = carries(List.of(user, turn("assistant", ""), again), "word_jza", "word_jzc");
		boolean told = carriesAll(this.base, List.of(user), List.of(TOOL), TOOL.name());
		if (told && !carriesAll(this.base, List.of(user), List.of(BARE_TOOL), TOOL.name())) {
			this.base = this.base.withDescriptions();
		}
		return calls(user, systems, several, later, repeated, first, empty, told);
	}

	private TemplateCapabilities calls(Turn user, boolean systems, boolean several, boolean later, boolean repeated,
			boolean first, boolean empty, boolean told) {
		MessageForm best = this.base;
		int bestQuality = 0;
		List<MessageForm> forms = new ArrayList<>();
		for (EmptyContent content : EmptyContent.values()) {
			forms.add(this.base.withCalls(false, content));
			forms.add(this.base.withCalls(true, content));
		}
		for (Iterator<MessageForm> iterator = forms.iterator(); bestQuality < BEST && iterator.hasNext();) {
			MessageForm form = iterator.next();
			int quality = quality(
					render(List.of(user, calling("", "", FIRST), result("", FIRST)), List.of(TOOL), form));
			if (quality > bestQuality) {
				best = form;
				bestQuality = quality;
			}
		}
		boolean calls = bestQuality > 0;
		boolean results = bestQuality > WITH_RESULT;
		MessageForm form = best;
		boolean parallel = calls && carries(form,
				List.of(user, turn(List.of(call("", FIRST), call("", SECOND)), "", null), result("", FIRST),
						result("", SECOND)),
				results ? new String[] { FIRST, SECOND, outcome(FIRST), outcome(SECOND) }
						: new String[] { FIRST, SECOND });
		boolean content = calls && carriesAll(form, List.of(user, calling("said_jzq", "", FIRST), result("", FIRST)),
				List.of(TOOL), FIRST, "said_jzq");
		boolean before = calls && carriesAll(form,
				List.of(user, turn("assistant", "said_jzq"), calling("", "", FIRST), result("", FIRST)), List.of(TOOL),
				FIRST, "said_jzq");
		boolean reasoning = content && carries(form,
				List.of(user, turn(List.of(call("", FIRST)), "said_jzq", "thought_jzq"), result("", FIRST)), FIRST);
		boolean nine = calls && !carries(form, List.of(user,
				turn(List.of(new ToolCall(FOREIGN_ID, TOOL.name(), arguments(FIRST))), "", null),
				new Turn("tool", MarkedText.untrusted(outcome(FIRST)), null, List.of(), FOREIGN_ID, TOOL.name(), 0)),
				FIRST);
		boolean toolMessages = calls ? results
				: inOrder(render(List.of(user, turn("assistant", "word_jzb"), result("", FIRST)), List.of(TOOL), form),
						outcome(FIRST));
		return new TemplateCapabilities(systems, several, later, repeated, first, empty, form.parts(), told,
				!form.described(), calls, toolMessages, parallel, content, before, reasoning, nine,
				form.argumentsAsText(), form.emptyContent().label(), TemplateCapabilities.label(form.variables()));
	}

	/**
	 * How well a call and its result stand in a prompt.
	 * @return 0 not at all, 1 with arguments that are a text within JSON, 2 as Python
	 * prints a dict, 3 well; more by {@link #WITH_RESULT} with the result, since one that
	 * is lost is worse than arguments in an odd form
	 */
	private static int quality(@Nullable String prompt) {
		if (prompt == null || !prompt.contains(FIRST) || !prompt.contains(TOOL.name())) {
			return 0;
		}
		int form = prompt.contains("\\\"key_jzq\\\"") ? 1 : prompt.contains("{'key_jzq'") ? 2 : 3;
		return inOrder(prompt, FIRST, outcome(FIRST)) ? form + WITH_RESULT : form;
	}

	private static Turn turn(String role, String content) {
		return new Turn(role, MarkedText.untrusted(content), null, List.of(), null, null, 0);
	}

	private static Turn turn(List<ToolCall> calls, String content, @Nullable String reasoning) {
		return new Turn("assistant", MarkedText.untrusted(content), reasoning, calls, null, null, 0);
	}

	private static Turn calling(String content, String id, String value) {
		return turn(List.of(call(id, value)), content, null);
	}

	private static String arguments(String value) {
		return "{\"key_jzq\": \"" + value + "\"}";
	}

	private static String outcome(String value) {
		return value.replace("value", "outcome");
	}

	private static String id(String value) {
		return NINE + value.charAt(value.length() - 1);
	}

	private static ToolCall call(String id, String value) {
		return new ToolCall(id.isEmpty() ? id(value) : id, TOOL.name(), arguments(value));
	}

	private static Turn result(String id, String value) {
		return new Turn("tool", MarkedText.untrusted(outcome(value)), null, List.of(), id.isEmpty() ? id(value) : id,
				TOOL.name(), 0);
	}

	private boolean carries(List<Turn> turns, String... words) {
		return inOrder(render(turns, List.of(), this.base), words);
	}

	private boolean carries(MessageForm form, List<Turn> turns, String... words) {
		return inOrder(render(turns, List.of(TOOL), form), words);
	}

	private boolean carriesAll(MessageForm form, List<Turn> turns, List<ToolDefinition> tools, String... words) {
		String prompt = render(turns, tools, form);
		return prompt != null && Arrays.stream(words).allMatch(prompt::contains);
	}

	/**
	 * Whether the template carries a conversation of this structure: one with the same
	 * roles and calls, but with words that can be distinguished.
	 * @param turns the conversation
	 * @param tools the tools that are passed
	 * @param form how messages are written
	 * @return whether nothing is lost
	 */
	boolean takes(List<Turn> turns, List<ToolDefinition> tools, MessageForm form) {
		List<Turn> probes = new ArrayList<>();
		List<String> words = new ArrayList<>();
		for (Turn turn : turns) {
			MarkedText content = turn.content();
			if (!content.string().isBlank()) {
				words.add("word_jz%05dq".formatted(words.size()));
				content = MarkedText.untrusted(words.getLast());
			}
			List<ToolCall> calls = new ArrayList<>();
			for (ToolCall call : turn.calls()) {
				words.add("word_jz%05dq".formatted(words.size()));
				calls.add(new ToolCall(call.id(), call.name(), arguments(words.getLast())));
			}
			probes.add(turn.withContent(content).withCalls(calls));
		}
		return carriesAll(form, probes, tools, words.toArray(String[]::new));
	}

	private static boolean inOrder(@Nullable String prompt, String... words) {
		if (prompt == null) {
			return false;
		}
		List<Integer> places = new ArrayList<>(Arrays.stream(words).map(prompt::lastIndexOf).toList());
		return !places.contains(-1) && places.equals(places.stream().sorted().toList());
	}

	private @Nullable String render(List<Turn> turns, List<ToolDefinition> tools, MessageForm form) {
		try {
			return this.renderer.render(turns, tools, form).string();
		}
		catch (ChatTemplateException ex) {
			// it refuses the conversation, which is what was asked
			return null;
		}
	}

	/** Renders turns as they are. */
	@FunctionalInterface
	interface Renderer {

		MarkedText render(List<Turn> turns, List<ToolDefinition> tools, MessageForm form);

	}

}
