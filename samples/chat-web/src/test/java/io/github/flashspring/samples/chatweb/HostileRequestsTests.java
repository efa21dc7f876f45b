package io.github.flashspring.samples.chatweb;

import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;

import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.web.server.LocalServerPort;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Requests that nobody should send, to the application as it comes: each is refused with
 * a status of its own fault or answered, and a good one is answered afterwards.
 */
@SpringBootTest(webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
		properties = { "flash.chat.temperature=0", "flash.chat.max-tokens=8" })
class HostileRequestsTests {

	private static final Logger logger = LoggerFactory.getLogger(HostileRequestsTests.class);

	private static final int CASES = Integer.getInteger("flash.test.cases", 150);

	private static final long SEED = Long.getLong("flash.test.seed", 20_261_129);

	@LocalServerPort
	private int port;

	@Test
	void noRequestIsTheServersFault() throws Exception {
		HostileBodies bodies = new HostileBodies(SEED);
		Map<Integer, Integer> statuses = new TreeMap<>();
		long slowest = 0;
		try (HttpClient client = HttpClient.newHttpClient()) {
			for (int i = 0; i < CASES; i++) {
				byte[] body = bodies.next();
				String start = new String(body, 0, Math.min(200, body.length), StandardCharsets.UTF_8);
				long begin = System.nanoTime();
				HttpResponse<InputStream> response = post(client, body);
				byte[] answer;
				try (InputStream content = response.body()) {
					answer = content.readAllBytes();
				}
				slowest = Math.max(slowest, System.nanoTime() - begin);
				statuses.merge(response.statusCode(), 1, Integer::sum);
				assertThat(response.statusCode()).as("request %d: %s", i, start).isIn(200, 400, 413);
				if (response.statusCode() != 200) {
					assertThat(new String(answer, StandardCharsets.UTF_8)).as("request %d: %s", i, start)
						.startsWith("{\"error\":\"");
				}
			}
			logger.info("{} requests, by status: {}; the slowest took {} ms", CASES, statuses, slowest / 1_000_000);
			assertThat(statuses).containsKeys(200, 400);
			HttpResponse<InputStream> good = post(client,
					"{\"messages\":[{\"role\":\"user\",\"text\":\"Once upon a time\"}]}"
						.getBytes(StandardCharsets.UTF_8));
			assertThat(new String(good.body().readAllBytes(), StandardCharsets.UTF_8)).contains("\"text\":\" there\"");
		}
	}

	private HttpResponse<InputStream> post(HttpClient client, byte[] body) throws Exception {
		HttpRequest request = HttpRequest.newBuilder(URI.create("http://localhost:" + this.port + "/api/chat"))
			.header("Content-Type", "application/json")
			.header("Accept", "text/event-stream")
			.timeout(Duration.ofSeconds(30))
			.POST(BodyPublishers.ofByteArray(body))
			.build();
		return client.send(request, BodyHandlers.ofInputStream());
	}

}
