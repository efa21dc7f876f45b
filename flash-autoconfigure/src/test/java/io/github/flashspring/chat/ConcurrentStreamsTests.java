package io.github.flashspring.chat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

import io.github.flashspring.engine.EngineClosedException;
import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.Generation;
import io.github.flashspring.engine.GenerationRequest;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.residency.RamBudget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

/**
 * More streams than slots and threads, read in every way, on a real engine.
 */
@NullUnmarked
@Timeout(60)
class ConcurrentStreamsTests {

	private static final String STORIES = "../flash-engine/src/test/resources/models/stories260K/f32";

	private FlashEngine engine;

	@AfterEach
	void close() {
		Schedulers.resetFactory();
		this.engine.close();
	}

	private FlashChatModel model(RamBudget budget, Integer maxTokens) {
		this.engine = FlashEngine
			.load(FlashConfig.builder(STORIES).threads(1).contextLength(64).ramBudget(budget).build());
		return FlashChatModel.builder(this.engine)
			.options(FlashChatOptions.builder().maxTokens(maxTokens).temperature(1.0).build())
			.build();
	}

	/** As on a machine where all threads for blocking work but one are busy. */
	private static void useOneElasticThread() {
		Schedulers.setFactory(new Schedulers.Factory() {
			@Override
			public Scheduler newBoundedElastic(int threadCap, int queuedTaskCap,
					java.util.concurrent.ThreadFactory threadFactory, int ttlSeconds) {
				return Schedulers.Factory.super.newBoundedElastic(1, queuedTaskCap, threadFactory, ttlSeconds);
			}
		});
	}

	enum Reading {

		MODEL_AT_ONCE, MODEL_ONE_BY_ONE, MODEL_ON_ANOTHER_THREAD, CLIENT_AT_ONCE, CLIENT_ONE_BY_ONE;

		Flux<?> stream(FlashChatModel model, ExecutorService readers) {
			Flux<ChatResponse> chunks = model.stream(new Prompt("Once upon a time"));
			return switch (this) {
				case MODEL_AT_ONCE -> chunks;
				case MODEL_ONE_BY_ONE -> oneByOne(chunks, readers);
				case MODEL_ON_ANOTHER_THREAD -> chunks.publishOn(Schedulers.parallel(), 16);
				case CLIENT_AT_ONCE -> client(model);
				case CLIENT_ONE_BY_ONE -> oneByOne(client(model), readers);
			};
		}

		private static Flux<String> client(FlashChatModel model) {
			return ChatClient.create(model).prompt("Once upon a time").stream().content();
		}

		private static <T> Flux<T> oneByOne(Flux<T> stream, ExecutorService readers) {
			return Flux.create((sink) -> stream.subscribe(new BaseSubscriber<>() {
				@Override
				protected void hookOnSubscribe(Subscription subscription) {
					readers.execute(() -> request(1));
				}

				@Override
				protected void hookOnNext(T chunk) {
					sink.next(chunk);
					readers.execute(() -> request(1));
				}

				@Override
				protected void hookOnComplete() {
					sink.complete();
				}

				@Override
				protected void hookOnError(Throwable failure) {
					sink.error(failure);
				}
			}));
		}

	}

	@ParameterizedTest
	@EnumSource
	void streamsFinishHoweverTheyAreRead(Reading reading) {
		useOneElasticThread();
		try (ExecutorService readers = Executors.newFixedThreadPool(2)) {
			assertThat(finish(model(RamBudget.UNLIMITED, null), reading, readers, 64)).hasSize(64);
			this.engine.close();
			assertThat(finish(model(RamBudget.MINIMUM, 20), reading, readers, 24)).hasSize(24);
		}
	}

	private static List<Long> finish(FlashChatModel model, Reading reading, ExecutorService readers, int streams) {
		return Flux
			.merge(Flux.fromStream(Stream.generate(() -> reading.stream(model, readers).count()).limit(streams)),
					streams)
			.filter((chunks) -> chunks > 1)
			.collectList()
			.block();
	}

	@Test
	void hundredsOfStreamsFinishOnOneElasticThread() {
		useOneElasticThread();
		FlashChatModel model = model(RamBudget.UNLIMITED, 20);
		List<String> answers = Flux.range(0, 500)
			.flatMap((i) -> ChatClient.create(model)
				.prompt("Once upon a time")
				.stream()
				.content()
				.reduce("", String::concat), 500)
			.collectList()
			.block();
		assertThat(answers).hasSize(500).noneMatch(String::isEmpty);
	}

	@ParameterizedTest
	@EnumSource
	void readersFinishNextToStreamsThatNobodyReads(Budget budget) throws Exception {
		FlashChatModel model = model(budget.value, null);
		List<BaseSubscriber<ChatResponse>> unread = new ArrayList<>();
		CountDownLatch begun = new CountDownLatch(100);
		for (int i = 0; i < 100; i++) {
			BaseSubscriber<ChatResponse> subscriber = new BaseSubscriber<>() {
				@Override
				protected void hookOnSubscribe(Subscription subscription) {
					request(1);
				}

				@Override
				protected void hookOnNext(ChatResponse chunk) {
					begun.countDown();
				}
			};
			model.stream(new Prompt("Once upon a time")).subscribe(subscriber);
			unread.add(subscriber);
		}
		List<String> answers = Flux.range(0, 10)
			.flatMap((i) -> model.stream(new Prompt("Tom was a cat"))
				.map((chunk) -> String.valueOf(chunk.getResult().getOutput().getText()))
				.reduce("", String::concat))
			.collectList()
			.block();
		assertThat(answers).hasSize(10).noneMatch(String::isEmpty);
		assertThat(begun.await(60, TimeUnit.SECONDS)).as("all streams got their first chunk").isTrue();
		unread.forEach(BaseSubscriber::cancel);
	}

	enum Budget {

		UNLIMITED(RamBudget.UNLIMITED), MINIMUM(RamBudget.MINIMUM);

		private final RamBudget value;

		Budget(RamBudget value) {
			this.value = value;
		}

	}

	@Test
	@ExtendWith(OutputCaptureExtension.class)
	void closingTheEngineEndsStreamsQuietly(CapturedOutput output) throws Exception {
		FlashChatModel model = model(RamBudget.UNLIMITED, null);
		CountDownLatch begun = new CountDownLatch(8);
		List<CompletableFuture<Throwable>> ends = new ArrayList<>();
		for (int i = 0; i < 8; i++) {
			CompletableFuture<Throwable> end = new CompletableFuture<>();
			ends.add(end);
			model.stream(new Prompt("Once upon a time")).subscribe(new BaseSubscriber<>() {
				@Override
				protected void hookOnSubscribe(Subscription subscription) {
					request(1);
				}

				@Override
				protected void hookOnNext(ChatResponse chunk) {
					begun.countDown();
				}

				@Override
				protected void hookOnError(Throwable failure) {
					end.complete(failure);
				}
			});
		}
		begun.await();
		this.engine.close();
		for (CompletableFuture<Throwable> end : ends) {
			assertThat(end.get()).isInstanceOf(EngineClosedException.class);
		}
		assertThat(output.getAll()).doesNotContain("EngineClosedException");
	}

	@Test
	@ExtendWith(OutputCaptureExtension.class)
	void chatClientLogsAClosedEngineWithoutStackTraces(CapturedOutput output) {
		model(RamBudget.UNLIMITED, null);
		GenerationRequest.Prompt prompt = new GenerationRequest.Tokens(new int[] { 1, 403, 407, 261, 378 });
		Generation unread = this.engine
			.generate(new GenerationRequest(prompt, Sampling.GREEDY, null, List.of(), true));
		this.engine.close();
		EngineClosedException closed = catchThrowableOfType(EngineClosedException.class, unread::next);
		Flux<String> stream = Reading
			.client(FlashChatModelTests.model(new ScriptedEngine((request) -> FlashChatModelTests.failing(closed))));
		assertThatExceptionOfType(EngineClosedException.class).isThrownBy(stream::blockLast).isSameAs(closed);
		assertThat(output.getAll()).contains("EngineClosedException").doesNotContain("\tat ");
	}

}
