package io.github.flashspring.engine.text;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * What a chat template renders.
 *
 * @param messages the conversation, oldest first
 * @param tools tools that the model may call
 * @param addGenerationPrompt whether to end with what opens the assistant's next message
 * @param variables further variables that the template knows, such as
 * {@code enable_thinking}: null, texts, booleans, numbers, lists and maps of these
 */
public record ChatTemplateInput(List<ChatMessage> messages, List<ToolDefinition> tools, boolean addGenerationPrompt,
		Map<String, ? extends @Nullable Object> variables) {

	public ChatTemplateInput {
		messages = List.copyOf(messages);
		tools = List.copyOf(tools);
		variables = Collections.unmodifiableMap(new LinkedHashMap<>(variables));
	}

	/**
	 * A conversation that the assistant shall continue.
	 * @param messages the conversation, oldest first
	 * @return the input, without tools and variables
	 */
	public static ChatTemplateInput of(List<ChatMessage> messages) {
		return new ChatTemplateInput(messages, List.of(), true, Map.of());
	}

}
