package io.github.flashspring.samples.chatweb;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.scheduler.Schedulers;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.micrometer.metrics.test.autoconfigure.AutoConfigureMetrics;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.boot.webtestclient.autoconfigure.AutoConfigureWebTestClient;
import org.springframework.http.MediaType;
import org.springframework.test.web.reactive.server.EntityExchangeResult;
import org.springframework.test.web.reactive.server.WebTestClient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

/**
 * Tests the application as it comes: with the embedded model, from the page to the last
 * layer. Only the dice are taken away, so that the story is always the same.
 */
@SpringBootTest(webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
		properties = { "flash.chat.temperature=0", "flash.warm-up=false" })
@AutoConfigureWebTestClient(timeout = "60s")
@AutoConfigureMetrics
class ChatWebApplicationTests {

	private static final Duration PATIENCE = Duration.ofSeconds(60);

	/** How the model's author says that the story goes on. */
	private static final String STORY = ", there was a little girl named Lily. She loved to play outside in the park."
			+ " One day, she saw a big, red ball. She wanted to play with it, but it was too high.";

	@Autowired
	private WebTestClient client;

	@Test
	void continuesAStory() {
		List<String> events = post("{\"messages\": [{\"role\": \"user\", \"text\": \"Once upon a time\"}]}");
		assertThat(events.getFirst()).isEqualTo("{\"text\":\",\"}");
		assertThat(events.get(1)).isEqualTo("{\"text\":\" there\"}");
		assertThat(text(events)).startsWith(STORY);
		assertThat(events.getLast()).contains("\"promptTokens\":5,")
			.containsPattern("\"timeToFirstTokenMillis\":\\d+\\.\\d+,\"tokensPerSecond\":\\d+");
	}

	@Test
	void continuesTheWholeConversation() {
		List<String> events = post("""
				{"messages": [
					{"role": "user", "text": "Once upon a time"},
					{"role": "assistant", "text": ", there was a little girl named Lily. She loved to"},
					{"role": "user", "text": "Tom was a cat. He"}
				]}""");
		assertThat(text(events)).startsWith(" ");
		assertThat(events.getLast()).contains("\"finishReason\":").doesNotContain("\"promptTokens\":5,");
	}

	@Test
	void conversationLongerThanTheContextIsExplained() {
		List<String> events = post(
				"{\"messages\": [{\"role\": \"user\", \"text\": \"" + "Once upon a time. ".repeat(200) + "\"}]}");
		assertThat(events).hasSize(1);
		assertThat(events.getFirst()).startsWith("{\"error\":\"The prompt has ")
			.contains("the context of")
			.contains("512 tokens long");
	}

	@Test
	void actuatorShowsTheModel() {
		post("{\"messages\": [{\"role\": \"user\", \"text\": \"Once upon a time\"}]}");
		this.client.get()
			.uri("/actuator/health")
			.exchange()
			.expectStatus()
			.isOk()
			.expectBody()
			.jsonPath("$.components.flash.status")
			.isEqualTo("UP")
			.jsonPath("$.components.flash.details.architecture")
			.isEqualTo("llama");
		this.client.get()
			.uri("/actuator/flash")
			.exchange()
			.expectStatus()
			.isOk()
			.expectBody()
			.jsonPath("$.state")
			.isEqualTo("READY")
			.jsonPath("$.now.units[0].pinned")
			.isEqualTo(true);
		this.client.get().uri("/actuator/info").exchange().expectStatus().isOk();
		assertThat(get("/actuator/metrics")).contains("\"flash.");
		assertThat(get("/actuator/prometheus"))
			.containsPattern("(?m)^flash_\\w+\\{.*engine=\"flashEngine\",.*model=\"stories260K\".*} \\d");
	}

	@Test
	void manyAnswersAtOnceAreAllCompleted(@LocalServerPort int port) throws Exception {
		HttpRequest question = HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/api/chat"))
			.header("Content-Type", MediaType.APPLICATION_JSON_VALUE)
			.POST(HttpRequest.BodyPublishers
				.ofString("{\"messages\": [{\"role\": \"user\", \"text\": \"Once upon a time\"}]}"))
			.build();
		try (HttpClient visitors = HttpClient.newHttpClient()) {
			// more than Reactor has threads for blocking work, twice
			List<CompletableFuture<HttpResponse<String>>> answers = Stream
				.generate(() -> visitors.sendAsync(question, HttpResponse.BodyHandlers.ofString()))
				.limit(2L * Schedulers.DEFAULT_BOUNDED_ELASTIC_SIZE)
				.toList();
			for (CompletableFuture<HttpResponse<String>> answer : answers) {
				assertThat(answer.get(PATIENCE.toSeconds(), TimeUnit.SECONDS).body()).contains("\"finishReason\":");
			}
		}
	}

	@Test
	void theBudgetChangesWhileRequestsRun() throws Exception {
		String question = "{\"messages\": [{\"role\": \"user\", \"text\": \"Once upon a time\"}]}";
		String expected = text(post(question));
		JsonNode plan = JsonMapper.shared().readTree(get("/actuator/flash")).path("plan");
		try (ExecutorService requests = Executors.newFixedThreadPool(4)) {
			List<Future<List<String>>> running = IntStream.range(0, 12)
				.mapToObj((i) -> requests.submit(() -> post(question)))
				.toList();
			for (double streamed : new double[] { 0.3, 0.6, 0.1, 0.5 }) {
				double bytes = plan.path("plannedBytes").doubleValue() - plan.path("prefixBytes").doubleValue()
						- streamed * plan.path("weightBytes").doubleValue();
				JsonNode now = changeBudget("{\"ramBudgetGb\": " + bytes / (1L << 30) + "}", 200).path("plan");
				assertThat(now.path("budgetBytes").doubleValue()).isCloseTo(bytes, within(2.0));
				assertThat(now.path("streamedBytesPerToken").longValue()).isPositive();
			}
			assertThat(changeBudget("{\"ramBudgetGb\": 0.000001}", 400).path("message").stringValue())
				.containsPattern("needs at least .* MB: .* keys, values and activations");
			assertThat(changeBudget("{}", 400).path("message").stringValue()).contains("Give 'ramBudgetGb'");
			assertThat(changeBudget("{\"ramBudgetGB\": 1}", 400).path("message").stringValue())
				.contains("Unknown field 'ramBudgetGB'");
			for (Future<List<String>> request : running) {
				assertThat(text(request.get())).isEqualTo(expected);
			}
		}
		finally {
			JsonNode whole = changeBudget("{\"ramBudgetGb\": \"unlimited\"}", 200).path("plan");
			assertThat(whole.path("streamedBytesPerToken").longValue()).isZero();
		}
		assertThat(text(post(question))).isEqualTo(expected);
	}

	private JsonNode changeBudget(String body, int status) {
		EntityExchangeResult<String> result = this.client.post()
			.uri("/actuator/flash")
			.contentType(MediaType.APPLICATION_JSON)
			.bodyValue(body)
			.exchange()
			.expectStatus()
			.isEqualTo(status)
			.expectBody(String.class)
			.returnResult();
		return JsonMapper.shared().readTree(String.valueOf(result.getResponseBody()));
	}

	@Test
	void pageTellsAStory(@LocalServerPort int port, @TempDir Path profile) {
		try (Browser browser = Browser.open("http://localhost:" + port, profile)) {
			await().atMost(PATIENCE).until(() -> browser.title().startsWith("stories260K"));
			assertThat(browser.element("#welcome-title").getText()).isEqualTo("Begin a story");
			assertThat(browser.texts("#residency .pinned")).hasSizeGreaterThanOrEqualTo(5);
			browser.click("#suggestions button");
			await().atMost(PATIENCE).until(() -> !browser.texts(".turn .note").isEmpty());
			assertThat(browser.texts(".turn .user")).containsExactly("Once upon a time");
			assertThat(browser.answer()).startsWith(STORY);
			assertThat(browser.texts("#speed").getFirst()).matches("[\\d,.]+");
			assertThat(browser.console()).isEmpty();
		}
	}

	private List<String> post(String body) {
		return this.client.post()
			.uri("/api/chat")
			.contentType(MediaType.APPLICATION_JSON)
			.bodyValue(body)
			.exchange()
			.expectStatus()
			.isOk()
			.returnResult(String.class)
			.getResponseBody()
			.toStream()
			.toList();
	}

	private String get(String uri) {
		EntityExchangeResult<String> result = this.client.get()
			.uri(uri)
			.exchange()
			.expectStatus()
			.isOk()
			.expectBody(String.class)
			.returnResult();
		return String.valueOf(result.getResponseBody());
	}

	private static String text(List<String> events) {
		return String.join("",
				events.stream()
					.filter((event) -> event.startsWith("{\"text\":\""))
					.map((event) -> event.substring("{\"text\":\"".length(), event.length() - 2))
					.toList());
	}

}
