package io.github.flashspring.samples.chatweb;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.model.Generation;

import io.github.flashspring.engine.FlashEngineException;
import io.github.flashspring.engine.Usage;
import io.github.flashspring.engine.text.ChatTemplateException;
import io.github.flashspring.engine.text.TokenizerException;

/**
 * A piece of an answer, as the page reads it: some {@link Text} and {@link Thinking},
 * then {@link Done} or {@link Failed}.
 */
sealed interface ChatEvent {

	/**
	 * Takes a chunk of a model's answer apart.
	 * @param chunk a chunk
	 * @return what it says; nothing, if it says nothing to the page
	 */
	static List<ChatEvent> of(ChatResponse chunk) {
		List<ChatEvent> events = new ArrayList<>();
		for (Generation generation : chunk.getResults()) {
			if (generation.getOutput().getMetadata().get("thinking") instanceof String thinking) {
				events.add(new Thinking(thinking));
			}
			String text = generation.getOutput().getText();
			if (text != null && !text.isEmpty()) {
				events.add(new Text(text));
			}
			String finishReason = generation.getMetadata().getFinishReason();
			if (finishReason != null) {
				events.add(Done.of(finishReason, chunk.getMetadata().getUsage()));
			}
		}
		return events;
	}

	record Text(String text) implements ChatEvent {

	}

	record Thinking(String thinking) implements ChatEvent {

	}

	/**
	 * The end of an answer.
	 *
	 * @param finishReason why the model ended
	 * @param promptTokens tokens of the conversation before the answer
	 * @param completionTokens tokens of the answer
	 * @param timeToFirstTokenMillis time until the first token, if the model measured it
	 * @param tokensPerSecond speed from then on, if the model measured it
	 */
	record Done(String finishReason, int promptTokens, int completionTokens, @Nullable Double timeToFirstTokenMillis,
			@Nullable Double tokensPerSecond) implements ChatEvent {

		static Done of(String finishReason, org.springframework.ai.chat.metadata.Usage usage) {
			Usage measured = (usage.getNativeUsage() instanceof Usage flash) ? flash : null;
			return new Done(finishReason, usage.getPromptTokens(), usage.getCompletionTokens(),
					(measured != null) ? measured.timeToFirstToken().toNanos() * 1e-6 : null,
					(measured != null) ? measured.tokensPerSecond() : null);
		}

	}

	/**
	 * The answer could not be completed.
	 *
	 * @param error what went wrong, for the page's visitor
	 * @param retryable whether the same request may succeed later: not where the request
	 * itself is at fault
	 */
	record Failed(String error, boolean retryable) implements ChatEvent {

		static Failed of(Throwable failure) {
			// Messages of other failures name files of the server.
			boolean aboutTheRequest = failure instanceof IllegalArgumentException
					|| (failure instanceof FlashEngineException && failure.getCause() == null);
			boolean refused = aboutTheRequest || failure instanceof ChatTemplateException
					|| failure instanceof TokenizerException;
			String message = aboutTheRequest ? failure.getMessage() : null;
			return new Failed(
					(message != null) ? message
							: "The model cannot answer " + (refused ? "this" : "now") + ". The server's log says why.",
					!refused);
		}

	}

}
