package io.github.flashspring.samples.chatweb;

import java.util.List;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;

import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.messages.Message;
import org.springframework.ai.chat.messages.UserMessage;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ContentTooLargeException;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.server.ServerWebInputException;

/**
 * Answers a conversation with the model's words as they come. Each server-sent event is a
 * JSON object, since clients strip a leading space from the data of an event but not from
 * a string in it. A client that goes away cancels the stream, and with it the generation.
 */
@RestController
class ChatController {

	private static final Logger logger = LoggerFactory.getLogger(ChatController.class);

	private static final String EXPECTED = "The request is not a conversation, such as"
			+ " {\"messages\": [{\"role\": \"user\", \"text\": \"Hello\"}]} with the roles user and assistant";

	private final ChatModel chatModel;

	ChatController(ChatModel chatModel) {
		this.chatModel = chatModel;
	}

	@PostMapping(path = "/api/chat", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
	Flux<ChatEvent> chat(@RequestBody Conversation conversation) {
		return this.chatModel.stream(conversation.prompt())
			.concatMapIterable(ChatEvent::of)
			.doOnError((failure) -> logger.error("An answer failed", failure))
			.onErrorResume((failure) -> Flux.just(ChatEvent.Failed.of(failure)));
	}

	/**
	 * Says what is wrong with a request that is no conversation.
	 * @param refused why the body was not read
	 * @return a JSON object with the field {@code error}, and the status 400 or 413
	 */
	@ExceptionHandler({ ServerWebInputException.class, ContentTooLargeException.class })
	ResponseEntity<ChatEvent.Failed> refuse(ResponseStatusException refused) {
		Throwable cause = NestedExceptionUtils.getMostSpecificCause(refused);
		String error = (refused instanceof ContentTooLargeException) ? "The conversation is too long"
				: (cause instanceof IllegalArgumentException) ? String.valueOf(cause.getMessage()) : EXPECTED;
		return ResponseEntity.status(refused.getStatusCode())
			.contentType(MediaType.APPLICATION_JSON)
			.body(new ChatEvent.Failed(error, false));
	}

	/**
	 * What has been said until now.
	 *
	 * @param messages oldest first; the last one waits for an answer
	 */
	record Conversation(List<Said> messages) {

		Conversation {
			if (messages == null || messages.isEmpty()) {
				throw new IllegalArgumentException("A conversation needs messages");
			}
			int empty = messages.indexOf(null);
			if (empty >= 0) {
				throw new IllegalArgumentException("messages[" + empty + "] must be a message, but is null");
			}
		}

		Prompt prompt() {
			return new Prompt(this.messages.stream().map(Said::message).toList());
		}

	}

	record Said(Role role, String text) {

		Said {
			if (role == null || text == null) {
				throw new IllegalArgumentException("A message needs a role and a text");
			}
		}

		Message message() {
			return switch (this.role) {
				case user -> new UserMessage(this.text);
				case assistant -> new AssistantMessage(this.text);
			};
		}

	}

	enum Role {

		user, assistant

	}

}
