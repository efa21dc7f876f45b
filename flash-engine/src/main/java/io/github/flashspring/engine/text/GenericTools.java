package io.github.flashspring.engine.text;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.jinja.MarkedText;

/**
 * Tools for models whose chat template does not tell of any: a text in the system message
 * defines them. Where the template at least writes calls, as those of DeepSeek do, the
 * text shows its format; otherwise calls and results are written as Hermes' and Qwen's
 * models do.
 */
final class GenericTools {

	private static final String BEFORE = """
			You can call the following tools. Each line defines one of them as JSON:
			<tools>
			""";

	private static final String AFTER = """
			</tools>

			To call a tool, write its name and its arguments as JSON between these tags, one block for each call, and then stop:
			<tool_call>
			{"name": "name_of_the_tool", "arguments": {"name_of_an_argument": "its value"}}
			</tool_call>
			You will get what it returns between <tool_response> and </tool_response>. Where no tool is needed, answer as usual.""";

	private static final String BEFORE_EXAMPLE = """
			</tools>

			To call a tool, write its name and its arguments in exactly this form, and then stop:
			""";

	private static final String AFTER_EXAMPLE = "\nWhere no tool is needed, answer as usual.";

	/** What {@link #withDefinitions} lets a template write to show a call. */
	static final ToolCall EXAMPLE = new ToolCall("example01", "name_of_the_tool",
			"{\"name_of_an_argument\": \"its value\"}");

	private static final String NO_PARAMETERS = "{\"type\": \"object\", \"properties\": {}}";

	private GenericTools() {
	}

	/**
	 * Defines tools in the first system message, or in one of its own.
	 * @param turns the conversation
	 * @param tools the tools
	 * @param example how the model's template writes {@link #EXAMPLE}; null: calls are
	 * {@code <tool_call>} blocks
	 * @return the conversation with the definitions
	 */
	static List<Turn> withDefinitions(List<Turn> turns, List<ToolDefinition> tools, @Nullable MarkedText example) {
		StringBuilder definitions = new StringBuilder();
		for (ToolDefinition tool : tools) {
			definitions.append(ModelFiles.JSON.writeValueAsString(definition(tool))).append('\n');
		}
		MarkedText text = MarkedText.trusted(BEFORE)
			.plus(MarkedText.untrusted(definitions.toString()))
			.plus((example == null) ? MarkedText.trusted(AFTER)
					: MarkedText.trusted(BEFORE_EXAMPLE).plus(example).plus(MarkedText.trusted(AFTER_EXAMPLE)));
		List<Turn> defined = new ArrayList<>(turns);
		if (!turns.isEmpty() && turns.getFirst().is("system")) {
			Turn system = turns.getFirst();
			defined.set(0, system.withContent(ConversationAdapter.joined(system.content(), text)));
		}
		else {
			defined.addFirst(new Turn("system", text, null, List.of(), null, null, 0));
		}
		return defined;
	}

	/**
	 * A definition as transformers passes it to templates.
	 * @param tool the tool
	 * @return its fields
	 */
	static Map<String, @Nullable Object> definition(ToolDefinition tool) {
		Map<String, @Nullable Object> function = new LinkedHashMap<>();
		function.put("name", tool.name());
		function.put("description", tool.description());
		function.put("parameters",
				Turn.json(tool.parametersJsonSchema().isBlank() ? NO_PARAMETERS : tool.parametersJsonSchema()));
		Map<String, @Nullable Object> map = new LinkedHashMap<>();
		map.put("type", "function");
		map.put("function", function);
		return map;
	}

	/**
	 * A message whose calls are text.
	 * @param turn an assistant's message
	 * @return the same without calls
	 */
	static Turn written(Turn turn) {
		MarkedText content = turn.content();
		for (ToolCall call : turn.calls()) {
			Map<String, @Nullable Object> fields = new LinkedHashMap<>();
			fields.put("name", call.name());
			fields.put("arguments", Turn.arguments(call));
			MarkedText written = MarkedText.trusted("<tool_call>\n")
				.plus(MarkedText.untrusted(ModelFiles.JSON.writeValueAsString(fields)))
				.plus(MarkedText.trusted("\n</tool_call>"));
			content = content.string().isEmpty() ? written : content.plus(MarkedText.trusted("\n")).plus(written);
		}
		return turn.withContent(content).withCalls(List.of());
	}

	/**
	 * A tool's result as something that the user says.
	 * @param turn a tool's message
	 * @return a user's message
	 */
	static Turn response(Turn turn) {
		MarkedText content = MarkedText.trusted("<tool_response>\n")
			.plus(turn.content())
			.plus(MarkedText.trusted("\n</tool_response>"));
		return new Turn("user", content, null, List.of(), null, null, turn.index());
	}

}
