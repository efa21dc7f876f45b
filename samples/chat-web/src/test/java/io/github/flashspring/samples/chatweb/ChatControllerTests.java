package io.github.flashspring.samples.chatweb;

import java.time.Duration;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.publisher.Flux;

import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.webtestclient.autoconfigure.AutoConfigureWebTestClient;
import org.springframework.context.annotation.Import;
import org.springframework.http.MediaType;
import org.springframework.test.web.reactive.server.WebTestClient;

import io.github.flashspring.engine.text.ChatMessage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * Tests what {@link ChatController} sends over a real connection.
 */
@SpringBootTest(webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT)
@AutoConfigureWebTestClient(timeout = "60s")
@Import(ScriptedEngineConfiguration.class)
class ChatControllerTests {

	@Autowired
	private WebTestClient client;

	@Autowired
	private ScriptedEngine engine;

	@Test
	void leadingSpacesSurviveAsJson() {
		assertThat(events("hello  world")).startsWith("{\"text\":\"You\"}", "{\"text\":\" said:\"}",
				"{\"text\":\" hello\"}", "{\"text\":\" \"}", "{\"text\":\" world\"}");
	}

	@Test
	void lastEventTellsFinishReasonAndUsage() {
		assertThat(events("hello").getLast()).isEqualTo("{\"finishReason\":\"stop\",\"promptTokens\":5,"
				+ "\"completionTokens\":3,\"timeToFirstTokenMillis\":25.0,\"tokensPerSecond\":40.0}");
	}

	@Test
	void thoughtsAreApartFromTheAnswer() {
		assertThat(events("think")).startsWith("{\"thinking\":\"The\"}", "{\"thinking\":\" visitor\"}",
				"{\"thinking\":\" wants\"}", "{\"thinking\":\" a\"}", "{\"thinking\":\" colour\"}",
				"{\"text\":\"Blue\"}", "{\"text\":\".\"}");
	}

	@Test
	void failureIsTheLastEvent() {
		assertThat(events("break")).containsExactly("{\"text\":\"This is\"}",
				"{\"error\":\"The model cannot answer now. The server's log says why.\",\"retryable\":true}");
	}

	@Test
	void refusedRequestIsNotRetryable() {
		assertThat(events("too long")).containsExactly(
				"{\"error\":\"The prompt has 5310 tokens, but the context is 4096 tokens long.\",\"retryable\":false}");
	}

	@Test
	void failureOfTheServerNamesNoFile() {
		assertThat(events("lose the file")).hasSize(1)
			.first()
			.asString()
			.contains("The model cannot answer now.")
			.doesNotContain("secret");
	}

	@Test
	void modelHearsTheWholeConversation() {
		post("""
				{"messages": [
					{"role": "user", "text": "My name is Ada."},
					{"role": "assistant", "text": " Hello Ada."},
					{"role": "user", "text": "Who am I?"}
				]}""").blockLast(Duration.ofSeconds(60));
		assertThat(this.engine.generations.getLast().messages).containsExactly(ChatMessage.user("My name is Ada."),
				ChatMessage.assistant(" Hello Ada."), ChatMessage.user("Who am I?"));
	}

	@Test
	void leavingStopsTheGeneration() {
		List<String> heard = post(conversation("count")).take(3).collectList().block(Duration.ofSeconds(60));
		assertThat(heard).containsExactly("{\"text\":\" 1\"}", "{\"text\":\" 2\"}", "{\"text\":\" 3\"}");
		ScriptedEngine.ScriptedGeneration generation = this.engine.generations.getLast();
		await().atMost(Duration.ofSeconds(20)).until(generation::isCancelled);
		assertThat(generation.pieces()).isLessThan(1000);
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', quoteCharacter = '`', value = {
			"{\"messages\": [{\"role\": \"wizard\", \"text\": \"hello\"}]} | with the roles user and assistant",
			"{\"messages\": [{\"role\": \"user\"}]} | A message needs a role and a text",
			"{\"messages\": [{\"text\": \"hello\"}]} | A message needs a role and a text",
			"{\"messages\": [{\"role\": \"user\", \"text\": \"hello\"}, null]} | messages[1] must be a message, but is null",
			"{\"messages\": []} | A conversation needs messages", "{} | A conversation needs messages",
			"{ | The request is not a conversation, such as", "`` | The request is not a conversation, such as" })
	void whatIsNoConversationIsABadRequest(String body, String error) {
		String told = this.client.post()
			.uri("/api/chat")
			.contentType(MediaType.APPLICATION_JSON)
			.accept(MediaType.TEXT_EVENT_STREAM)
			.bodyValue(body)
			.exchange()
			.expectStatus()
			.isBadRequest()
			.expectBody(String.class)
			.returnResult()
			.getResponseBody();
		assertThat(told).startsWith("{\"error\":\"").contains(error);
	}

	@Test
	void modelTellsFactsAndResidency() {
		this.client.get()
			.uri("/api/model")
			.exchange()
			.expectStatus()
			.isOk()
			.expectBody()
			.jsonPath("$.name")
			.isEqualTo("Scripted-1B-Instruct")
			.jsonPath("$.model.layers")
			.isEqualTo(22)
			.jsonPath("$.now.device")
			.isEqualTo("CPU, 2 threads, 256-bit vectors")
			.jsonPath("$.now.budgetBytes")
			.isEqualTo(640 << 20)
			.jsonPath("$.now.units.length()")
			.isEqualTo(24)
			.jsonPath("$.now.units[4].pinned")
			.isEqualTo(false)
			.jsonPath("$.now.memory[0].owner")
			.isEqualTo("weights.pinned");
	}

	private List<String> events(String text) {
		return post(conversation(text)).toStream().toList();
	}

	private Flux<String> post(String body) {
		return this.client.post()
			.uri("/api/chat")
			.contentType(MediaType.APPLICATION_JSON)
			.accept(MediaType.TEXT_EVENT_STREAM)
			.bodyValue(body)
			.exchange()
			.expectStatus()
			.isOk()
			.expectHeader()
			.contentTypeCompatibleWith(MediaType.TEXT_EVENT_STREAM)
			.returnResult(String.class)
			.getResponseBody();
	}

	private static String conversation(String text) {
		return "{\"messages\": [{\"role\": \"user\", \"text\": \"" + text + "\"}]}";
	}

}
