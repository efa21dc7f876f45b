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
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

/**
 * Answers a conversation with the model's words as they come. Each server-sent event is a
 * JSON object, since clients strip a leading space from the data of an event but not from
 * a string in it. A client that goes away cancels the stream, and with it the generation.
 */
@RestController
class ChatController {

	private static final Logger logger = LoggerFactory.getLogger(ChatController.class);

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
	 * What has been said until now.
	 *
	 * @param messages oldest first; the last one waits for an answer
	 */
	record Conversation(List<Said> messages) {

		Conversation {
			if (messages == null || messages.isEmpty()) {
				throw new IllegalArgumentException("A conversation needs messages");
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
