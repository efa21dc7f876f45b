package io.github.flashspring.chat;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import org.springframework.ai.tool.ToolCallback;

/**
 * Writes the options that are set.
 */
final class OptionsPrinter {

	private OptionsPrinter() {
	}

	static String print(FlashChatOptions from) {
		Map<String, @Nullable Object> options = new LinkedHashMap<>();
		options.put("model", from.getModel());
		options.put("temperature", from.getTemperature());
		options.put("topK", from.getTopK());
		options.put("topP", from.getTopP());
		options.put("minP", from.getMinP());
		options.put("repetitionPenalty", from.getRepetitionPenalty());
		options.put("presencePenalty", from.getPresencePenalty());
		options.put("frequencyPenalty", from.getFrequencyPenalty());
		options.put("seed", from.getSeed());
		options.put("maxTokens", from.getMaxTokens());
		options.put("stopSequences", from.getStopSequences());
		options.put("enableThinking", from.getEnableThinking());
		options.put("templateVariables", from.getTemplateVariables());
		options.put("outputSchema", from.getOutputSchema());
		options.put("schemaMode", from.getSchemaMode());
		options.put("schemaInPrompt", from.getSchemaInPrompt());
		options.put("toolChoice", from.getToolChoice());
		options.put("parallelToolCalls", from.getParallelToolCalls());
		List<ToolCallback> tools = from.getToolCallbacks();
		if (tools != null) {
			options.put("tools", tools.stream().map((tool) -> tool.getToolDefinition().name()).toList());
		}
		Map<String, Object> toolContext = from.getToolContext();
		if (toolContext != null) {
			options.put("toolContext", toolContext.keySet());
		}
		options.values()
			.removeIf((value) -> value == null || (value instanceof Collection<?> values && values.isEmpty()));
		return "FlashChatOptions" + options;
	}

}
