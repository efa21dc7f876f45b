package io.github.flashspring.chat;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;

import org.jspecify.annotations.Nullable;

import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.metadata.ChatGenerationMetadata;
import org.springframework.ai.chat.metadata.ChatResponseMetadata;
import org.springframework.ai.chat.metadata.DefaultUsage;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.model.Generation;

import io.github.flashspring.engine.GenerationEvent;
import io.github.flashspring.engine.Usage;

/**
 * Turns the events of one generation into chunks of a response: texts and thoughts as
 * they come, tool calls all together in the last chunk, which also carries finish reason
 * and usage. Folds chunks into a whole response.
 */
final class ResponseMapper {

	/** Metadata key of a piece of reasoning, or of all of it in a whole response. */
	static final String THINKING = "thinking";

	/** Metadata key of all reasoning, in the last chunk of a stream. */
	static final String THOUGHTS = "thoughts";

	private static final String NO_TEXT = "";

	private final String id = UUID.randomUUID().toString();

	private final String model;

	private final List<AssistantMessage.ToolCall> toolCalls = new ArrayList<>();

	private final StringBuilder thoughts = new StringBuilder();

	private final StringBuilder text = new StringBuilder();

	/**
	 * Creates a mapper for one generation.
	 * @param model name of the model
	 */
	ResponseMapper(String model) {
		this.model = model;
	}

	/**
	 * Maps an event.
	 * @param event the next event of the generation
	 * @return the chunk, or null if the event is kept for the last one
	 */
	@Nullable ChatResponse chunk(GenerationEvent event) {
		return switch (event) {
			case GenerationEvent.Text piece -> {
				this.text.append(piece.text());
				yield response(piece.text(), Map.of(), List.of(), ChatGenerationMetadata.NULL, metadata().build());
			}
			case GenerationEvent.Reasoning piece -> {
				this.thoughts.append(piece.text());
				yield response(NO_TEXT, Map.of(THINKING, piece.text()), List.of(),
						ChatGenerationMetadata.builder().metadata(THINKING, piece.text()).build(), metadata().build());
			}
			case GenerationEvent.ToolCalled called -> {
				this.toolCalls.add(new AssistantMessage.ToolCall(called.call().id(), "function", called.call().name(),
						called.call().argumentsJson()));
				yield null;
			}
			case GenerationEvent.Finished finished ->
				response(NO_TEXT, this.thoughts.isEmpty() ? Map.of() : Map.of(THOUGHTS, this.thoughts.toString()),
						this.toolCalls, ChatGenerationMetadata.builder().finishReason(reason(finished)).build(),
						metadata(finished.usage()));
		};
	}

	/**
	 * The whole response.
	 * @param finished the last event; all others have been mapped to chunks
	 * @return the response
	 */
	ChatResponse whole(GenerationEvent.Finished finished) {
		ChatGenerationMetadata.Builder generation = ChatGenerationMetadata.builder().finishReason(reason(finished));
		Map<String, Object> properties = Map.of();
		if (!this.thoughts.isEmpty()) {
			generation.metadata(THINKING, this.thoughts.toString());
			properties = Map.of(THINKING, this.thoughts.toString());
		}
		return response(this.text.toString(), properties, this.toolCalls, generation.build(),
				metadata(finished.usage()));
	}

	private ChatResponseMetadata.Builder metadata() {
		return ChatResponseMetadata.builder().id(this.id).model(this.model);
	}

	private ChatResponseMetadata metadata(Usage usage) {
		return metadata()
			.usage(new DefaultUsage(usage.promptTokens(), usage.completionTokens(),
					usage.promptTokens() + usage.completionTokens(), usage, (long) usage.cacheReadTokens(),
					(long) usage.cacheWriteTokens()))
			.keyValue(FlashChatModel.QUEUED, usage.queued())
			.keyValue(FlashChatModel.TIME_TO_FIRST_TOKEN, usage.timeToFirstToken())
			.keyValue(FlashChatModel.TOTAL_DURATION, usage.total())
			.keyValue(FlashChatModel.TOKENS_PER_SECOND, usage.tokensPerSecond())
			.keyValue(FlashChatModel.PROMPT_TOKENS_PER_SECOND, usage.promptTokensPerSecond())
			.build();
	}

	private static String reason(GenerationEvent.Finished finished) {
		return finished.reason().name().toLowerCase(Locale.ROOT);
	}

	private static ChatResponse response(String text, Map<String, Object> properties,
			List<AssistantMessage.ToolCall> toolCalls, ChatGenerationMetadata generation,
			ChatResponseMetadata response) {
		AssistantMessage message = AssistantMessage.builder()
			.content(text)
			.properties(properties)
			.toolCalls(List.copyOf(toolCalls))
			.build();
		return new ChatResponse(List.of(new Generation(message, generation)), response);
	}

}
