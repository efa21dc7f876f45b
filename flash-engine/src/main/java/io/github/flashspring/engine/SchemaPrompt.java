package io.github.flashspring.engine;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.generate.grammar.Structure;
import io.github.flashspring.engine.text.ChatMessage;

/**
 * Tells a model the JSON Schema of its answer. A grammar alone makes answers valid, but
 * the model would learn the name of a property only when it has to write it.
 */
final class SchemaPrompt {

	private static final String INSTRUCTION = """
			Answer with JSON only, and nothing before or after it. The JSON must satisfy this JSON Schema:
			""";

	private SchemaPrompt() {
	}

	/**
	 * The conversation with the schema behind its last user message, or behind its last
	 * message if there is none of the user.
	 * @param messages at least one
	 * @param structure of the answer
	 * @return the same messages if the model need not be told
	 */
	static List<ChatMessage> messages(List<ChatMessage> messages, @Nullable Structure structure) {
		if (!(structure instanceof Structure.JsonSchema schema) || !schema.inPrompt() || messages.isEmpty()) {
			return messages;
		}
		int last = messages.size() - 1;
		for (int i = last; i >= 0; i--) {
			if (messages.get(i).role().equals("user")) {
				last = i;
				break;
			}
		}
		List<ChatMessage> told = new ArrayList<>(messages);
		ChatMessage message = told.get(last);
		String content = message.content();
		told.set(last,
				new ChatMessage(message.role(),
						((content == null || content.isEmpty()) ? "" : content + "\n\n") + INSTRUCTION
								+ schema.schema().strip(),
						message.reasoning(), message.toolCalls(), message.toolCallId(), message.name()));
		return told;
	}

}
