package io.github.flashspring.engine.tokenizer;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads complete tool calls from their text.
 */
final class ToolCallReader {

	private static final Pattern FUNCTION = Pattern.compile("\\s*<function=([^>\\s]+)\\s*>(.*)</function>\\s*",
			Pattern.DOTALL);

	private static final Pattern PARAMETER = Pattern
		.compile("\\s*<parameter=([^>\\s]+)\\s*>(.*?)</parameter>(?=\\s*(?:<parameter=|$))", Pattern.DOTALL);

	/** With the kind of the call and a block of JSON, or without. */
	private static final Pattern DEEPSEEK_CALL = Pattern.compile(
			"\\s*<｜tool▁call▁begin｜>\\s*(?:function<｜tool▁sep｜>\\s*(?<function>[^\\s`{]+)\\s*```json(?<fenced>.*?)```"
					+ "|(?<name>[^\\s<]+)\\s*<｜tool▁sep｜>(?<arguments>.*?))\\s*(?:<｜tool▁call▁end｜>|$)",
			Pattern.DOTALL);

	// numbers as they are written
	private static final ObjectReader READER = ModelFiles.JSON.reader()
		.with(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS, DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

	private final Map<String, JsonNode> parameters = new HashMap<>();

	private final Supplier<String> ids;

	/**
	 * A reader.
	 * @param tools tools that were given to the model
	 * @param ids makes ids for calls that the model does not name
	 */
	ToolCallReader(List<ToolDefinition> tools, Supplier<String> ids) {
		this.ids = ids;
		for (ToolDefinition tool : tools) {
			JsonNode schema = tree(tool.parametersJsonSchema());
			this.parameters.put(tool.name(),
					(schema != null) ? schema.path("properties") : ModelFiles.JSON.createObjectNode());
		}
	}

	boolean knows(String tool) {
		return this.parameters.containsKey(tool);
	}

	/**
	 * Reads {@code {"name": …, "arguments": {…}}}.
	 * @param json the text
	 * @param mustBeKnown whether the tool must be one of those that were given
	 * @return the call, null if the text is something else
	 */
	@Nullable ToolCall object(String json, boolean mustBeKnown) {
		JsonNode node = tree(json);
		return (node != null) ? call(node, mustBeKnown) : null;
	}

	/**
	 * Reads {@code [{"name": …, "arguments": {…}}, …]}.
	 * @param json the text
	 * @return the calls, null if the text is something else
	 */
	@Nullable List<ToolCall> array(String json) {
		JsonNode node = tree(json);
		if (node == null || !node.isArray() || node.isEmpty()) {
			return null;
		}
		List<ToolCall> calls = new ArrayList<>();
		for (JsonNode element : node) {
			ToolCall call = call(element, false);
			if (call == null) {
				return null;
			}
			calls.add(call);
		}
		return calls;
	}

	/**
	 * A call whose name and arguments stand apart.
	 * @param name the tool's name
	 * @param id the call's id, null if the model gives none
	 * @param json its arguments
	 * @return the call, null if the arguments are not a JSON object
	 */
	@Nullable ToolCall named(String name, @Nullable String id, String json) {
		JsonNode arguments = tree(json);
		return (arguments == null || !arguments.isObject() || name.isBlank()) ? null
				: new ToolCall((id != null) ? id : this.ids.get(), name, arguments.toString());
	}

	/**
	 * Reads {@code <function=name><parameter=x>…</parameter></function>}.
	 * @param text the text
	 * @return the call, null if the text is something else
	 */
	@Nullable ToolCall xml(String text) {
		Matcher function = FUNCTION.matcher(text);
		if (!function.matches()) {
			return null;
		}
		String name = function.group(1);
		ObjectNode arguments = ModelFiles.JSON.createObjectNode();
		String body = function.group(2).strip();
		Matcher parameter = PARAMETER.matcher(body);
		int end = 0;
		while (parameter.region(end, body.length()).lookingAt()) {
			arguments.set(parameter.group(1), value(name, parameter.group(1), parameter.group(2)));
			end = parameter.end();
		}
		return (end == body.length()) ? new ToolCall(this.ids.get(), name, arguments.toString()) : null;
	}

	/**
	 * Reads the calls of DeepSeek's models, each between its tags.
	 * @param text what stands between the tags of all calls
	 * @return the calls, null if the text is something else
	 */
	@Nullable List<ToolCall> deepSeek(String text) {
		List<ToolCall> calls = new ArrayList<>();
		Matcher matcher = DEEPSEEK_CALL.matcher(text);
		int end = 0;
		while (matcher.region(end, text.length()).lookingAt()) {
			String fenced = matcher.group("fenced");
			ToolCall call = (fenced != null) ? named(matcher.group("function"), null, fenced)
					: named(matcher.group("name"), null, matcher.group("arguments"));
			if (call == null) {
				return null;
			}
			calls.add(call);
			end = matcher.end();
		}
		return (calls.isEmpty() || !text.substring(end).isBlank()) ? null : calls;
	}

	/**
	 * The value of a parameter that is written without quotes, by its type in the tool's
	 * schema.
	 */
	private JsonNode value(String tool, String parameter, String text) {
		String value = text.startsWith("\n") ? text.substring(1) : text;
		value = value.endsWith("\n") ? value.substring(0, value.length() - 1) : value;
		JsonNode properties = this.parameters.get(tool);
		JsonNode type = (properties != null) ? properties.path(parameter).path("type") : null;
		if (type == null || !type.isString() || !type.stringValue().equals("string")) {
			JsonNode parsed = switch (value.strip()) {
				case "True" -> ModelFiles.JSON.getNodeFactory().booleanNode(true);
				case "False" -> ModelFiles.JSON.getNodeFactory().booleanNode(false);
				case "None" -> ModelFiles.JSON.getNodeFactory().nullNode();
				default -> tree(value);
			};
			if (parsed != null && !parsed.isMissingNode()) {
				return parsed;
			}
		}
		return ModelFiles.JSON.getNodeFactory().stringNode(value);
	}

	private @Nullable ToolCall call(JsonNode node, boolean mustBeKnown) {
		JsonNode inner = node.path("function").isObject() ? node.path("function") : node;
		String name = inner.path("name").stringValue(null);
		if (name == null || name.isBlank() || mustBeKnown && !knows(name)) {
			return null;
		}
		JsonNode arguments = inner.has("arguments") ? inner.get("arguments") : inner.path("parameters");
		if (arguments.isString()) {
			JsonNode unquoted = tree(arguments.stringValue());
			arguments = (unquoted != null) ? unquoted : arguments;
		}
		if (mustBeKnown && arguments.isMissingNode()) {
			return null;
		}
		if (arguments.isMissingNode() || arguments.isNull()) {
			arguments = ModelFiles.JSON.createObjectNode();
		}
		if (!arguments.isObject()) {
			return null;
		}
		String id = node.path("id").stringValue(null);
		return new ToolCall((id != null && !id.isEmpty()) ? id : this.ids.get(), name, arguments.toString());
	}

	private static @Nullable JsonNode tree(String json) {
		try {
			return READER.readTree(json);
		}
		catch (JacksonException ex) {
			// what a model writes is often not JSON; it is then treated as text
			return null;
		}
	}

}
