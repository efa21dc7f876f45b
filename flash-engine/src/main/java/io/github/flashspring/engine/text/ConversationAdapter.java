package io.github.flashspring.engine.text;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.jinja.MarkedText;

/**
 * Writes a conversation so that a chat template carries all of it.
 */
final class ConversationAdapter {

	private static final MarkedText GAP = MarkedText.trusted("\n\n");

	private static final int ID_LENGTH = 9;

	private final TemplateCapabilities template;

	private final Content content;

	private final boolean systemMessages;

	private ConversationAdapter(TemplateCapabilities template, Content content, boolean systemMessages) {
		this.template = template;
		this.content = content;
		this.systemMessages = systemMessages;
	}

	/**
	 * The ways to write a conversation, from the most faithful to the surest. What a
	 * template makes of a message may depend on the messages around it, so one of them is
	 * chosen for each conversation.
	 * @param template what the template can carry
	 * @param conversation the conversation
	 * @param writtenCalls whether calls and results of earlier messages become text
	 * anyway
	 * @return first the conversation as it is, unless its calls become text; next what
	 * the capabilities ask for
	 */
	static List<List<Turn>> ways(TemplateCapabilities template, List<Turn> conversation, boolean writtenCalls) {
		List<List<Turn>> ways = new ArrayList<>();
		if (!writtenCalls) {
			ways.add(conversation);
		}
		for (boolean systemMessages : new boolean[] { template.systemMessages(), false }) {
			for (Content content : Content.values()) {
				ConversationAdapter adapter = new ConversationAdapter(template, content, systemMessages);
				ways.add(adapter.adapt(conversation, writtenCalls));
			}
		}
		for (boolean systemMessages : new boolean[] { template.systemMessages(), false }) {
			ways.add(new ConversationAdapter(template, Content.SAME, systemMessages).adapt(conversation, true));
		}
		return ways;
	}

	private List<Turn> adapt(List<Turn> conversation, boolean writtenCalls) {
		List<Turn> turns = writtenCalls ? asText(conversation) : split(conversation);
		if (!this.template.toolResults() && !writtenCalls) {
			turns = turns.stream().map((turn) -> turn.is("tool") ? GenericTools.response(turn) : turn).toList();
		}
		if (this.template.nineCharacterIds()) {
			turns = turns.stream().map(ConversationAdapter::withNineCharacterIds).toList();
		}
		if (!this.template.emptyAnswers()) {
			turns = turns.stream().filter((turn) -> !turn.is("assistant") || !turn.isEmpty()).toList();
		}
		turns = systemMessages(turns);
		if (!this.template.repeatedRoles()) {
			turns = merged(turns);
		}
		if (!this.template.assistantFirst()) {
			turns = userFirst(turns);
		}
		return turns;
	}

	static MarkedText joined(MarkedText first, MarkedText second) {
		return first.string().isEmpty() ? second : second.string().isEmpty() ? first : first.plus(GAP).plus(second);
	}

	private static List<Turn> asText(List<Turn> turns) {
		List<Turn> written = new ArrayList<>();
		boolean responses = false;
		for (Turn turn : turns) {
			if (turn.is("tool")) {
				Turn response = GenericTools.response(turn);
				if (responses) {
					Turn last = written.removeLast();
					response = last.withContent(last.content().plus(MarkedText.trusted("\n")).plus(response.content()));
				}
				written.add(response);
			}
			else {
				written.add(turn.calls().isEmpty() ? turn : GenericTools.written(turn));
			}
			responses = turn.is("tool");
		}
		return written;
	}

	/**
	 * Gives each call a message, and what an assistant said with its calls another, as
	 * far as the template needs it. The results follow their calls.
	 */
	private List<Turn> split(List<Turn> turns) {
		List<Turn> split = new ArrayList<>();
		for (int i = 0; i < turns.size(); i++) {
			Turn turn = turns.get(i);
			if (turn.calls().isEmpty()) {
				split.add(turn);
				continue;
			}
			boolean reasons = turn.reasoning() != null && !turn.reasoning().isEmpty();
			boolean speaks = !turn.content().string().isEmpty();
			if (speaks && (this.content != Content.SAME || !this.template.contentWithCalls()
					|| reasons && !this.template.reasoningWithContentAndCalls())) {
				if (this.content == Content.WRITTEN || !this.template.contentBeforeCalls()) {
					int end = i + 1;
					while (end < turns.size() && turns.get(end).is("tool")) {
						end++;
					}
					split.addAll(asText(turns.subList(i, end)));
					i = end - 1;
					continue;
				}
				split.add(turn.withCalls(List.of()));
				turn = new Turn(turn.role(), MarkedText.trusted(""), null, turn.calls(), turn.callId(), turn.name(),
						turn.index());
			}
			if (turn.calls().size() == 1 || this.template.parallelCalls()) {
				split.add(turn);
				continue;
			}
			List<Turn> results = new ArrayList<>();
			while (i + 1 < turns.size() && turns.get(i + 1).is("tool")) {
				results.add(turns.get(++i));
			}
			for (ToolCall call : turn.calls()) {
				split.add(turn.withCalls(List.of(call)));
				turn = new Turn(turn.role(), MarkedText.trusted(""), null, turn.calls(), turn.callId(), turn.name(),
						turn.index());
				takeResult(results, call, split);
			}
			split.addAll(results);
		}
		return split;
	}

	/** The result with the call's id; where ids are missing, the next one. */
	private static void takeResult(List<Turn> results, ToolCall call, List<Turn> to) {
		for (Iterator<Turn> iterator = results.iterator(); iterator.hasNext();) {
			Turn result = iterator.next();
			if (call.id().isEmpty() || call.id().equals(result.callId())) {
				iterator.remove();
				to.add(result);
				return;
			}
		}
	}

	private static Turn withNineCharacterIds(Turn turn) {
		List<ToolCall> calls = turn.calls()
			.stream()
			.map((call) -> new ToolCall(nineCharacters(call.id()), call.name(), call.argumentsJson()))
			.toList();
		String callId = turn.callId();
		return new Turn(turn.role(), turn.content(), turn.reasoning(), calls,
				(callId != null) ? nineCharacters(callId) : null, turn.name(), turn.index());
	}

	/**
	 * An id of nine letters and digits, the same for the same id.
	 * @param id any id
	 * @return the id itself, if it is one
	 */
	private static String nineCharacters(String id) {
		if (id.matches("[A-Za-z0-9]{9}")) {
			return id;
		}
		try {
			byte[] digest = MessageDigest.getInstance("SHA-256").digest(id.getBytes(StandardCharsets.UTF_8));
			String digits = new BigInteger(1, digest).toString(Character.MAX_RADIX);
			return digits.substring(digits.length() - ID_LENGTH);
		}
		catch (NoSuchAlgorithmException ex) {
			throw new IllegalStateException("Every Java platform has SHA-256", ex);
		}
	}

	private List<Turn> systemMessages(List<Turn> turns) {
		List<Turn> result = new ArrayList<>();
		MarkedText pending = null;
		int pendingIndex = 0;
		boolean beginning = true;
		for (Turn turn : turns) {
			if (turn.is("system")) {
				Turn last = result.isEmpty() ? null : result.getLast();
				if (beginning && this.systemMessages && (last == null || this.template.severalSystemMessages())
						|| !beginning && this.systemMessages && this.template.laterSystemMessages()) {
					result.add(turn);
				}
				else if (beginning && last != null) {
					result.set(result.size() - 1, last.withContent(joined(last.content(), turn.content())));
				}
				else {
					pendingIndex = (pending == null) ? turn.index() : pendingIndex;
					pending = (pending == null) ? turn.content() : joined(pending, turn.content());
				}
				continue;
			}
			beginning = false;
			if (pending != null) {
				if (turn.is("user")) {
					result.add(turn.withContent(joined(pending, turn.content())));
					pending = null;
					continue;
				}
				if (!turn.is("tool")) {
					result.add(user(pending, pendingIndex));
					pending = null;
				}
			}
			result.add(turn);
		}
		if (pending != null) {
			result.add(user(pending, pendingIndex));
		}
		return result;
	}

	private static Turn user(MarkedText content, int index) {
		return new Turn("user", content, null, List.of(), null, null, index);
	}

	private List<Turn> merged(List<Turn> turns) {
		List<Turn> merged = new ArrayList<>();
		for (Turn turn : turns) {
			Turn last = merged.isEmpty() ? null : merged.getLast();
			if (last != null && last.is(turn.role()) && (turn.is("user") || turn.is("assistant"))
					&& last.calls().isEmpty() && (turn.calls().isEmpty() || this.template.contentWithCalls())) {
				String reasoning = joined(last.reasoning(), turn.reasoning());
				merged.set(merged.size() - 1, new Turn(turn.role(), joined(last.content(), turn.content()), reasoning,
						turn.calls(), null, (last.name() != null) ? last.name() : turn.name(), last.index()));
			}
			else {
				merged.add(turn);
			}
		}
		return merged;
	}

	private static @Nullable String joined(@Nullable String first, @Nullable String second) {
		return (first == null) ? second : (second == null) ? first : first + "\n\n" + second;
	}

	private static List<Turn> userFirst(List<Turn> turns) {
		int at = 0;
		while (at < turns.size() && turns.get(at).is("system")) {
			at++;
		}
		if (at == turns.size() || !turns.get(at).is("assistant")) {
			return turns;
		}
		List<Turn> result = new ArrayList<>(turns);
		result.add(at, user(MarkedText.trusted(""), turns.get(at).index()));
		return result;
	}

	/** Where what an assistant says with its calls goes. */
	private enum Content {

		/** Into the message of the calls, if the template takes that. */
		SAME,

		/** Into a message before, if the template takes that. */
		BEFORE,

		/** Into one text with the calls. */
		WRITTEN

	}

}
