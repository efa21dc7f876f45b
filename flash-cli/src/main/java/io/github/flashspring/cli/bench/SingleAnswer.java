package io.github.flashspring.cli.bench;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;

import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.GenerationRequest;
import io.github.flashspring.engine.Usage;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.text.ChatMessage;

/**
 * What a fresh JVM does to be measured: load a model, as {@code flash run} does, answer
 * once, and say when tokens came.
 */
final class SingleAnswer {

	private static final String QUESTION = "What is the capital of France?";

	private static final int[] IDS = { 1, 5, 7, 11, 13, 17, 19, 23 };

	private static final long POLL_NANOS = 10_000_000;

	private SingleAnswer() {
	}

	/**
	 * Answers.
	 * @param config model, device and memory
	 * @param tokens how many
	 * @return when
	 */
	static Times run(FlashConfig config, int tokens) {
		try (FlashEngine engine = FlashEngine.load(config)) {
			GenerationRequest.Prompt prompt = engine.model().chat()
					? new GenerationRequest.Chat(List.of(ChatMessage.user(QUESTION)), List.of(), Map.of())
					: new GenerationRequest.Tokens(IDS);
			Instant start = Instant.now();
			long startNanos = System.nanoTime();
			CompletableFuture<Long> half = (tokens > FirstAnswerBench.TOKENS)
					? CompletableFuture.supplyAsync(() -> nanosUntil(engine, tokens / 2) - startNanos)
					: CompletableFuture.completedFuture(0L);
			Usage usage = BudgetBench
				.usage(engine.generate(new GenerationRequest(prompt, Sampling.GREEDY, tokens, List.of(), true)));
			return new Times(start.toString(), usage.timeToFirstToken().toNanos(), half.join(), usage.total().toNanos(),
					usage.completionTokens());
		}
	}

	private static long nanosUntil(FlashEngine engine, int tokens) {
		while (engine.snapshot().work().generatedTokens() < tokens) {
			LockSupport.parkNanos(POLL_NANOS);
		}
		return System.nanoTime();
	}

	/**
	 * When tokens came.
	 *
	 * @param start when the request was made
	 * @param firstNanos from then to the first token
	 * @param halfNanos to the token in the middle, give or take ten milliseconds; 0 for
	 * short answers
	 * @param lastNanos to the last
	 * @param tokens how many there were
	 */
	record Times(String start, long firstNanos, long halfNanos, long lastNanos, int tokens) {

	}

}
