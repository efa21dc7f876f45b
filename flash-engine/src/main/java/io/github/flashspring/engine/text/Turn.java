package io.github.flashspring.engine.text;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.jinja.MarkedText;
import io.github.flashspring.jinja.Untrusted;

import tools.jackson.core.JacksonException;

/**
 * A message on its way into a chat template: as {@link ChatMessage}, but with a content
 * of which parts may be ours.
 *
 * @param role who speaks
 * @param content what is said
 * @param reasoning what was thought before
 * @param calls the tools that were asked for
 * @param callId id of the call that this answers
 * @param name the speaker's name
 * @param index index of the message in the conversation
 */
record Turn(String role, MarkedText content, @Nullable String reasoning, List<ToolCall> calls, @Nullable String callId,
		@Nullable String name, int index) {

	static Turn of(ChatMessage message, int index) {
		return new Turn(message.role(), MarkedText.untrusted(message.content()), message.reasoning(),
				message.toolCalls(), message.toolCallId(), message.name(), index);
	}

	boolean is(String otherRole) {
		return this.role.equals(otherRole);
	}

	boolean isEmpty() {
		return this.content.string().isEmpty() && this.calls.isEmpty()
				&& (this.reasoning == null || this.reasoning.isEmpty());
	}

	Turn withRole(String newRole) {
		return new Turn(newRole, this.content, this.reasoning, this.calls, this.callId, this.name, this.index);
	}

	Turn withContent(MarkedText newContent) {
		return new Turn(this.role, newContent, this.reasoning, this.calls, this.callId, this.name, this.index);
	}

	Turn withCalls(List<ToolCall> newCalls) {
		return new Turn(this.role, this.content, this.reasoning, newCalls, this.callId, this.name, this.index);
	}

	/**
	 * The message that a template sees.
	 * @param form how it wants messages
	 * @param knownRole whether the template knows the role, so that it may make a control
	 * token of it
	 * @return the message's fields
	 */
	Map<String, @Nullable Object> toMap(MessageForm form, boolean knownRole) {
		Map<String, @Nullable Object> map = new LinkedHashMap<>();
		map.put("role", knownRole ? this.role : new Untrusted(this.role));
		boolean bare = !this.calls.isEmpty() && this.content.string().isEmpty();
		if (!bare || form.emptyContent() == MessageForm.EmptyContent.TEXT) {
			map.put("content", form.parts() ? List.of(Map.of("type", "text", "text", this.content)) : this.content);
		}
		else if (form.emptyContent() == MessageForm.EmptyContent.NULL) {
			map.put("content", null);
		}
		if (this.reasoning != null) {
			map.put("reasoning_content", new Untrusted(this.reasoning));
			map.put("thinking", new Untrusted(this.reasoning));
		}
		if (!this.calls.isEmpty()) {
			map.put("tool_calls", this.calls.stream().map((call) -> toMap(call, form)).toList());
		}
		if (this.callId != null) {
			map.put("tool_call_id", new Untrusted(this.callId));
		}
		if (this.name != null) {
			map.put("name", new Untrusted(this.name));
		}
		return map;
	}

	private static Map<String, @Nullable Object> toMap(ToolCall call, MessageForm form) {
		Object arguments = arguments(call);
		Map<String, @Nullable Object> function = new LinkedHashMap<>();
		function.put("name", new Untrusted(call.name()));
		function.put("arguments", new Untrusted(form.argumentsAsText() ? text(call, arguments) : arguments));
		Map<String, @Nullable Object> map = new LinkedHashMap<>();
		map.put("id", new Untrusted(call.id()));
		map.put("type", "function");
		map.put("function", function);
		return map;
	}

	/**
	 * The arguments of a call. Histories of other providers have none at all, null, or a
	 * JSON text within a JSON text.
	 * @param call the call
	 * @return an object, or what else the call has
	 */
	static Object arguments(ToolCall call) {
		Object value = call.argumentsJson().isBlank() ? null : json(call.argumentsJson());
		if (value instanceof String text && json(text) instanceof Map<?, ?> inner) {
			value = inner;
		}
		return (value != null) ? value : Map.of();
	}

	private static String text(ToolCall call, Object arguments) {
		boolean plain = !(arguments instanceof Map) || call.argumentsJson().stripLeading().startsWith("{");
		return plain ? call.argumentsJson() : ModelFiles.JSON.writeValueAsString(arguments);
	}

	/**
	 * The value of a JSON text; a text that is not JSON is not changed, as with
	 * transformers.
	 * @param text the text
	 * @return its value
	 */
	static @Nullable Object json(String text) {
		try {
			return ModelFiles.JSON.readValue(text, Object.class);
		}
		catch (JacksonException ex) {
			return text;
		}
	}

}
