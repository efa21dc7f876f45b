package io.github.flashspring.chat;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.messages.Message;
import org.springframework.ai.chat.messages.MessageType;
import org.springframework.ai.chat.messages.SystemMessage;
import org.springframework.ai.chat.messages.ToolResponseMessage;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.content.MediaContent;
import org.springframework.ai.tool.ToolCallback;
import org.springframework.util.CollectionUtils;
import org.springframework.util.StringUtils;

import io.github.flashspring.engine.GenerationRequest;
import io.github.flashspring.engine.ModelInfo;
import io.github.flashspring.engine.ModelfileSettings;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.text.ChatMessage;
import io.github.flashspring.engine.text.ToolCall;
import io.github.flashspring.engine.text.ToolDefinition;

/**
 * Turns prompts of Spring AI into requests to the engine.
 */
final class PromptMapper {

	private PromptMapper() {
	}

	/**
	 * Maps a prompt.
	 * @param prompt the messages
	 * @param options the options that hold for it
	 * @param model the model that shall answer
	 * @param modelfile what holds for options that are not set, and what goes before a
	 * conversation; or null
	 * @return the request
	 * @throws IllegalArgumentException if there is no message, one contains media, or
	 * tools are given to a model without a chat template
	 */
	static GenerationRequest map(Prompt prompt, FlashChatOptions options, ModelInfo model,
			@Nullable ModelfileSettings modelfile) {
		List<ChatMessage> said = new ArrayList<>();
		prompt.getInstructions().forEach((message) -> addTo(said, message));
		if (said.isEmpty()) {
			throw new IllegalArgumentException("The prompt has no messages");
		}
		List<ChatMessage> messages = (modelfile != null) ? modelfile.before(said) : said;
		Integer maxTokens = options.getMaxTokens();
		List<String> stopSequences = options.getStopSequences();
		if (modelfile != null) {
			maxTokens = (maxTokens != null) ? maxTokens : modelfile.maxTokens();
			stopSequences = (stopSequences != null) ? stopSequences : modelfile.stopSequences();
		}
		Sampling base = (modelfile != null) ? modelfile.sampling(model.sampling()) : model.sampling();
		List<ToolDefinition> tools = tools(options.getToolCallbacks());
		GenerationRequest.Prompt request = model.chat()
				? new GenerationRequest.Chat(messages, tools, options.allTemplateVariables())
				: continuation(messages, tools, model);
		return new GenerationRequest(request, options.sampling(base), maxTokens,
				(stopSequences != null) ? stopSequences : List.of(), false);
	}

	/**
	 * A base model knows no roles: it continues the conversation as one text, in which an
	 * answer follows its message directly, as the model wrote it, and everything else
	 * stands on a line of its own.
	 */
	private static GenerationRequest.Text continuation(List<ChatMessage> messages, List<ToolDefinition> tools,
			ModelInfo model) {
		if (!tools.isEmpty()) {
			throw new IllegalArgumentException(
					"%s has no chat template, so it cannot be given tools".formatted(model.id()));
		}
		StringBuilder text = new StringBuilder();
		for (ChatMessage message : messages) {
			if (!text.isEmpty() && !message.role().equals(MessageType.ASSISTANT.getValue())) {
				text.append('\n');
			}
			text.append(message.content());
		}
		return new GenerationRequest.Text(text.toString(), false);
	}

	private static void addTo(List<ChatMessage> messages, Message message) {
		if (message instanceof MediaContent content && !CollectionUtils.isEmpty(content.getMedia())) {
			throw new IllegalArgumentException("A %s message contains media of type %s, but the model reads text only"
				.formatted(message.getMessageType().getValue(), content.getMedia().iterator().next().getMimeType()));
		}
		if (message instanceof ToolResponseMessage answers) {
			answers.getResponses()
				.forEach((answer) -> messages.add(ChatMessage.tool(answer.responseData(), answer.id(), answer.name())));
			return;
		}
		String text = message.getText();
		if (message instanceof SystemMessage && !StringUtils.hasLength(text)) {
			// The advisors of tools and memory put one where the application gave none.
			return;
		}
		messages.add(new ChatMessage(message.getMessageType().getValue(), (text != null) ? text : "",
				reasoning(message), toolCalls(message), null, null));
	}

	private static @Nullable String reasoning(Message message) {
		if (!(message instanceof AssistantMessage)) {
			return null;
		}
		Object whole = message.getMetadata().get(ResponseMapper.THOUGHTS);
		Object reasoning = (whole != null) ? whole : message.getMetadata().get(ResponseMapper.THINKING);
		return (reasoning instanceof String text) ? text : null;
	}

	private static List<ToolCall> toolCalls(Message message) {
		if (!(message instanceof AssistantMessage assistant)) {
			return List.of();
		}
		return assistant.getToolCalls()
			.stream()
			.map((call) -> new ToolCall(call.id(), call.name(), call.arguments()))
			.toList();
	}

	private static List<ToolDefinition> tools(@Nullable List<ToolCallback> callbacks) {
		if (callbacks == null) {
			return List.of();
		}
		return callbacks.stream()
			.map(ToolCallback::getToolDefinition)
			.map((tool) -> new ToolDefinition(tool.name(), tool.description(), tool.inputSchema()))
			.toList();
	}

}
