package io.github.flashspring.engine.text;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a chat template can carry, found by rendering small conversations through it.
 *
 * @param systemMessages whether it takes a system message
 * @param severalSystemMessages whether it takes two of them at the beginning
 * @param laterSystemMessages whether it takes one after other messages
 * @param repeatedRoles whether the same role may speak twice in a row
 * @param assistantFirst whether an assistant may speak first
 * @param emptyAnswers whether it takes an assistant's message without content
 * @param contentParts whether it wants a content as a list of parts
 * @param toolDefinitions whether it defines tools for the model
 * @param undescribedParameters whether parameters of tools may lack a description
 * @param toolCalls whether it writes the calls of earlier messages
 * @param toolResults whether it writes the results of tools
 * @param parallelCalls whether a message may have several calls
 * @param contentWithCalls whether a message with calls may have a content
 * @param contentBeforeCalls whether the content may be a message before that of the calls
 * @param reasoningWithContentAndCalls whether it may have both reasoning and content
 * @param nineCharacterIds whether ids of calls must be nine letters and digits
 * @param argumentsAsText whether arguments are a JSON text and not an object
 * @param emptyContent what stands for the content of a message that only calls tools:
 * {@code ""}, {@code null} or {@code absent}
 * @param variables variables that it wants besides those of transformers; empty: none
 */
public record TemplateCapabilities(boolean systemMessages, boolean severalSystemMessages, boolean laterSystemMessages,
		boolean repeatedRoles, boolean assistantFirst, boolean emptyAnswers, boolean contentParts,
		boolean toolDefinitions, boolean undescribedParameters, boolean toolCalls, boolean toolResults,
		boolean parallelCalls, boolean contentWithCalls, boolean contentBeforeCalls,
		boolean reasoningWithContentAndCalls, boolean nineCharacterIds, boolean argumentsAsText, String emptyContent,
		String variables) {

	MessageForm form() {
		MessageForm.EmptyContent empty = MessageForm.EmptyContent.TEXT;
		for (MessageForm.EmptyContent value : MessageForm.EmptyContent.values()) {
			empty = value.label().equals(this.emptyContent) ? value : empty;
		}
		MessageForm.Variables more = MessageForm.Variables.USUAL;
		for (MessageForm.Variables value : MessageForm.Variables.values()) {
			more = TemplateCapabilities.label(value).equals(this.variables) ? value : more;
		}
		return new MessageForm(this.contentParts, this.argumentsAsText, empty, more, !this.undescribedParameters);
	}

	static String label(MessageForm.Variables variables) {
		return switch (variables) {
			case USUAL -> "";
			case EMPTY_TOOLS -> "an empty list of tools";
			case FUNCTIONS -> "functions, datetime";
		};
	}

	/**
	 * The capabilities in words.
	 * @return name to value, in the order to show them
	 */
	public Map<String, String> describe() {
		Map<String, String> rows = new LinkedHashMap<>();
		rows.put("system message", this.systemMessages ? "yes" : "no: added to the user's first message");
		rows.put("several system messages", yes(this.severalSystemMessages, "joined"));
		rows.put("later system messages", yes(this.laterSystemMessages, "added to the user's next message"));
		rows.put("same role twice in a row", yes(this.repeatedRoles, "joined"));
		rows.put("assistant speaks first", yes(this.assistantFirst, "an empty user message goes before"));
		rows.put("content", this.contentParts ? "list of parts" : "text");
		rows.put("tool definitions", yes(this.toolDefinitions, "defined in the system message"));
		if (this.toolDefinitions) {
			rows.put("parameters without description", yes(this.undescribedParameters, "an empty one is added"));
		}
		rows.put("tool calls", yes(this.toolCalls, "written as text"));
		rows.put("tool results", yes(this.toolResults, "written as a user's message"));
		if (this.toolCalls) {
			rows.put("several calls in a message", yes(this.parallelCalls, "one message for each"));
			rows.put("content with calls", yes(this.contentWithCalls,
					this.contentBeforeCalls ? "a message of its own" : "both written as text"));
			rows.put("ids of calls", this.nineCharacterIds ? "nine letters and digits: others are replaced" : "any");
			rows.put("arguments of calls", this.argumentsAsText ? "JSON text" : "object");
			rows.put("no content with calls", this.emptyContent);
		}
		if (!this.variables.isEmpty()) {
			rows.put("further variables", this.variables);
		}
		return rows;
	}

	private static String yes(boolean able, String otherwise) {
		return able ? "yes" : "no: " + otherwise;
	}

}
