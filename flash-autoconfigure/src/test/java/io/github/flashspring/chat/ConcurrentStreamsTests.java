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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Schedulers;

import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.prompt.Prompt;

import io.github.flashspring.engine.EngineClosedException;
import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.memory.RamBudget;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * More streams than slots and threads, read in every way, on a real engine.
 */
@NullUnmarked
@Timeout(60)
class ConcurrentStreamsTests {

	private static final String STORIES = "../flash-engine/src/test/resources/models/stories260K/f32";

	/** Three for each thread that Reactor has for blocking work. */
	private static final int STREAMS = 3 * Schedulers.DEFAULT_BOUNDED_ELASTIC_SIZE;

	private FlashEngine engine;

	@AfterEach
	void close() {
		this.engine.close();
	}

	private FlashChatModel model(RamBudget budget, Integer maxTokens) {
		this.engine = FlashEngine
			.load(FlashConfig.builder(STORIES).threads(1).contextLength(64).ramBudget(budget).build());
		return FlashChatModel.builder(this.engine)
			.options(FlashChatOptions.builder().maxTokens(maxTokens).temperature(1.0).build())
			.build();
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
		try (ExecutorService readers = Executors.newFixedThreadPool(2)) {
			assertThat(finish(model(RamBudget.UNLIMITED, null), reading, readers, STREAMS)).hasSize(STREAMS);
			this.engine.close();
			assertThat(finish(model(RamBudget.MINIMUM, 10), reading, readers, STREAMS / 3)).hasSize(STREAMS / 3);
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
	void hundredsOfStreamsOfClientsFinish() {
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
		List<OneChunkReader> unread = new ArrayList<>();
		CountDownLatch begun = new CountDownLatch(budget.unread);
		for (int i = 0; i < budget.unread; i++) {
			OneChunkReader reader = new OneChunkReader(begun);
			model.stream(new Prompt("Once upon a time")).subscribe(reader);
			unread.add(reader);
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

		UNLIMITED(RamBudget.UNLIMITED, 100), MINIMUM(RamBudget.MINIMUM, 20);

		private final RamBudget value;

		private final int unread;

		Budget(RamBudget value, int unread) {
			this.value = value;
			this.unread = unread;
		}

	}

	@Test
	void closingTheEngineEndsStreamsWithoutStackTraces() throws Exception {
		FlashChatModel model = model(RamBudget.UNLIMITED, null);
		CountDownLatch begun = new CountDownLatch(8);
		List<OneChunkReader> readers = Stream.generate(() -> new OneChunkReader(begun)).limit(8).toList();
		readers.forEach((reader) -> model.stream(new Prompt("Once upon a time")).subscribe(reader));
		begun.await();
		this.engine.close();
		for (OneChunkReader reader : readers) {
			Throwable failure = reader.failure.get();
			assertThat(failure).isInstanceOf(EngineClosedException.class);
			// ChatClient logs it once for each of its advisors
			assertThat(failure.getStackTrace()).isEmpty();
		}
	}

	/** Requests the first chunk of a stream, and no more. */
	private static final class OneChunkReader extends BaseSubscriber<ChatResponse> {

		private final CountDownLatch begun;

		private final CompletableFuture<Throwable> failure = new CompletableFuture<>();

		private OneChunkReader(CountDownLatch begun) {
			this.begun = begun;
		}

		@Override
		protected void hookOnSubscribe(Subscription subscription) {
			request(1);
		}

		@Override
		protected void hookOnNext(ChatResponse chunk) {
			this.begun.countDown();
		}

		@Override
		protected void hookOnError(Throwable failure) {
			this.failure.complete(failure);
		}

	}

}
