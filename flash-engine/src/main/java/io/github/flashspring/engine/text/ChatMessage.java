package io.github.flashspring.engine.text;

import java.util.List;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

/**
 * One message of a conversation, with the fields that chat templates know.
 *
 * @param role who speaks: {@code system}, {@code user}, {@code assistant}, {@code tool},
 * or another role that the model's template knows
 * @param content the text; empty for an assistant that only calls tools
 * @param reasoning what an assistant thought before it spoke, {@code null} if it did not
 * @param toolCalls the tools that an assistant asked for, in its order
 * @param toolCallId in a tool's answer the id of the call that it answers, otherwise
 * {@code null}
 * @param name in a tool's answer the tool's name; for other roles the speaker's name, if
 * it has one
 */
public record ChatMessage(String role, String content, @Nullable String reasoning, List<ToolCall> toolCalls,
		@Nullable String toolCallId, @Nullable String name) {

	public ChatMessage {
		Objects.requireNonNull(role, "role");
		Objects.requireNonNull(content, "content");
		toolCalls = List.copyOf(toolCalls);
	}

	/**
	 * What the application tells the model about its task.
	 * @param content the text
	 * @return the message
	 */
	public static ChatMessage system(String content) {
		return new ChatMessage("system", content, null, List.of(), null, null);
	}

	/**
	 * What the user says.
	 * @param content the text
	 * @return the message
	 */
	public static ChatMessage user(String content) {
		return new ChatMessage("user", content, null, List.of(), null, null);
	}

	/**
	 * What the model said.
	 * @param content the text
	 * @return the message
	 */
	public static ChatMessage assistant(String content) {
		return new ChatMessage("assistant", content, null, List.of(), null, null);
	}

	/**
	 * What the model said and which tools it asked for.
	 * @param content the text, may be empty
	 * @param toolCalls the calls
	 * @return the message
	 */
	public static ChatMessage assistant(String content, List<ToolCall> toolCalls) {
		return new ChatMessage("assistant", content, null, toolCalls, null, null);
	}

	/**
	 * What a tool answered.
	 * @param content the answer
	 * @param toolCallId id of the {@link ToolCall} that this answers
	 * @param name the tool's name
	 * @return the message
	 */
	public static ChatMessage tool(String content, String toolCallId, String name) {
		return new ChatMessage("tool", content, null, List.of(), toolCallId, name);
	}

}
