package io.github.flashspring.chat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import io.micrometer.context.ContextRegistry;
import org.awaitility.Awaitility;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Hooks;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.metadata.EmptyUsage;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.model.MessageAggregator;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.tool.function.FunctionToolCallback;

import io.github.flashspring.engine.GenerationEvent;
import io.github.flashspring.engine.GenerationRequest;
import io.github.flashspring.engine.generate.FinishReason;
import io.github.flashspring.engine.text.ChatMessage;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Answers piece by piece: chunks, back-pressure, cancellation, threads.
 */
@NullUnmarked
@Timeout(60)
class FlashChatModelStreamTests {

	@Test
	void chunksCarryTextAndOnlyTheLastReasonAndUsage() {
		List<ChatResponse> chunks = stream(ScriptedEngine.saying(" Hello", " ", "\n", "world "));
		assertThat(chunks).extracting((chunk) -> chunk.getResult().getOutput().getText())
			.containsExactly(" Hello", " ", "\n", "world ", "");
		assertThat(chunks).extracting((chunk) -> chunk.getResult().getMetadata().getFinishReason())
			.containsExactly(null, null, null, null, "stop");
		assertThat(chunks.subList(0, 4)).extracting((chunk) -> chunk.getMetadata().getUsage())
			.hasOnlyElementsOfType(EmptyUsage.class);
		assertThat(chunks).extracting((chunk) -> chunk.getMetadata().getId()).doesNotContain("").hasSize(5);
		assertThat(chunks.stream().map((chunk) -> chunk.getMetadata().getId()).distinct()).hasSize(1);
		assertThat(chunks).extracting((chunk) -> chunk.getMetadata().getModel()).containsOnly("scripted");
		ChatResponse last = chunks.getLast();
		assertThat(last.getMetadata().getUsage().getPromptTokens()).isEqualTo(7);
		assertThat(last.getMetadata().getUsage().getCompletionTokens()).isEqualTo(4);
		assertThat(last.getMetadata().<Duration>get(FlashChatModel.TIME_TO_FIRST_TOKEN))
			.isEqualTo(Duration.ofMillis(110));
	}

	@Test
	void streamSaysWhatCallSays() {
		for (ScriptedEngine engine : List.of(ScriptedEngine.saying("a", " b"), FlashChatModelTests.thinker(),
				ScriptedEngine.forecaster())) {
			FlashChatModel model = FlashChatModelTests.model(engine);
			AtomicReference<ChatResponse> aggregated = new AtomicReference<>();
			new MessageAggregator().aggregate(model.stream(new Prompt("Hi")), aggregated::set).blockLast();
			ChatResponse called = model.call(new Prompt("Hi"));
			assertThat(aggregated.get().getResult().getOutput().getText())
				.isEqualTo(called.getResult().getOutput().getText());
			assertThat(aggregated.get().getResult().getOutput().getToolCalls())
				.isEqualTo(called.getResult().getOutput().getToolCalls());
			assertThat(aggregated.get().getResult().getMetadata().getFinishReason())
				.isEqualTo(called.getResult().getMetadata().getFinishReason());
			assertThat(aggregated.get().getMetadata().getUsage().getTotalTokens())
				.isEqualTo(called.getMetadata().getUsage().getTotalTokens());
		}
	}

	@Test
	void reasoningComesWithoutTextAndWholeAtTheEnd() {
		List<ChatResponse> chunks = stream(FlashChatModelTests.thinker());
		assertThat(chunks).extracting((chunk) -> chunk.getResult().getOutput().getText())
			.containsExactly("", "", "Yes.", "");
		assertThat(chunks).extracting((chunk) -> chunk.getResult().getOutput().getMetadata().get("thinking"))
			.containsExactly("Is it?", " It is.", null, null);
		assertThat(chunks.getLast().getResult().getOutput().getMetadata()).containsEntry("thoughts", "Is it? It is.");
	}

	@Test
	void reasoningOfAStreamedTurnIsWholeInTheNextPrompt() {
		ScriptedEngine engine = FlashChatModelTests.thinker();
		FlashChatModel model = FlashChatModelTests.model(engine);
		AtomicReference<ChatResponse> aggregated = new AtomicReference<>();
		new MessageAggregator().aggregate(model.stream(new Prompt("Hi")), aggregated::set).blockLast();
		model.call(new Prompt(List.of(aggregated.get().getResult().getOutput())));
		assertThat(((GenerationRequest.Chat) engine.requests.getLast().prompt()).messages())
			.containsExactly(new ChatMessage("assistant", "Yes.", "Is it? It is.", List.of(), null, null));
	}

	@Test
	void toolCallsComeTogetherInTheLastChunkWithoutText() {
		List<ChatResponse> chunks = FlashChatModelTests.model(ScriptedEngine.forecaster())
			.stream(new Prompt("Tokyo or Paris?", FlashChatOptions.builder()
				.toolCallbacks(
						FunctionToolCallback.builder("weather", (String city) -> "").inputType(String.class).build())
				.build()))
			.collectList()
			.block();
		assertThat(chunks).hasSize(2);
		assertThat(chunks.getFirst().getResult().getOutput().getText()).isEqualTo("Let me see.");
		assertThat(chunks.getFirst().hasToolCalls()).isFalse();
		assertThat(chunks.getLast().getResult().getOutput().getText()).isEmpty();
		assertThat(chunks.getLast().getResult().getOutput().getToolCalls()).extracting(AssistantMessage.ToolCall::id)
			.containsExactly("call-0", "call-1");
		assertThat(chunks.getLast().getResult().getMetadata().getFinishReason()).isEqualTo("tool_calls");
		assertThat(chunks.getLast().getMetadata().getUsage().getCompletionTokens()).isEqualTo(2);
	}

	@Test
	void usageOfToolRoundsAddsUp() {
		List<ChatResponse> chunks = ChatClient.create(FlashChatModelTests.model(ScriptedEngine.forecaster()))
			.prompt("Weather in Tokyo and Paris?")
			.tools(FunctionToolCallback.builder("weather", (Object place) -> "18").inputType(Object.class).build())
			.stream()
			.chatResponse()
			.collectList()
			.block();
		assertThat(chunks.getLast().getMetadata().getUsage().getPromptTokens()).isEqualTo(14);
		assertThat(chunks.getLast().getMetadata().getUsage().getCompletionTokens()).isEqualTo(5);
		assertThat(chunks).extracting((chunk) -> chunk.getResult().getMetadata().getFinishReason())
			.containsOnly(null, "stop");
	}

	@Test
	void nothingHappensBeforeTheSubscription() {
		ScriptedEngine engine = ScriptedEngine.saying("Fine.");
		Flux<ChatResponse> stream = FlashChatModelTests.model(engine).stream(new Prompt("Hi"));
		assertThat(engine.requests).isEmpty();
		stream.blockLast();
		stream.blockLast();
		assertThat(engine.requests).hasSize(2);
	}

	@Test
	void engineIsReadNoFurtherThanAsked() {
		ScriptedEngine engine = ScriptedEngine.saying("a", "b", "c", "d");
		StepVerifier.create(FlashChatModelTests.model(engine).stream(new Prompt("Hi")), 0)
			.expectSubscription()
			.expectNoEvent(Duration.ofMillis(100))
			.then(() -> assertThat(engine.requests).isEmpty())
			.thenRequest(1)
			.assertNext((chunk) -> assertThat(text(chunk)).isEqualTo("a"))
			.expectNoEvent(Duration.ofMillis(100))
			.then(() -> assertThat(engine.reads).hasValue(1))
			.thenRequest(2)
			.expectNextCount(2)
			.expectNoEvent(Duration.ofMillis(100))
			.then(() -> assertThat(engine.reads).hasValue(3))
			.thenCancel()
			.verify(Duration.ofSeconds(10));
		assertThat(engine.cancellations).hasValue(1);
		assertThat(engine.reads).hasValue(3);
	}

	@Test
	void promptsArePreparedOffTheCallersThread() {
		AtomicReference<Thread> preparing = new AtomicReference<>();
		ScriptedEngine engine = new ScriptedEngine((request) -> {
			preparing.set(Thread.currentThread());
			return List.of(ScriptedEngine.finished(FinishReason.STOP, 0));
		});
		FlashChatModelTests.model(engine)
			.stream(new Prompt("Hi"))
			.subscribeOn(Schedulers.parallel())
			.blockLast(Duration.ofSeconds(10));
		assertThat(preparing.get().getName()).isEqualTo("flash-prompt");
		assertThat(preparing.get().isVirtual()).isTrue();
	}

	@Test
	void contextReachesThreadLocalsOfOperators() {
		ThreadLocal<String> user = new ThreadLocal<>();
		ContextRegistry.getInstance().registerThreadLocalAccessor("user", user);
		Hooks.enableAutomaticContextPropagation();
		try {
			List<String> seen = FlashChatModelTests.model(ScriptedEngine.saying("It", " is"))
				.stream(new Prompt("Hi"))
				.map((chunk) -> String.valueOf(user.get()))
				.contextWrite((context) -> context.put("user", "Lily"))
				.collectList()
				.block(Duration.ofSeconds(10));
			assertThat(seen).containsExactly("Lily", "Lily", "Lily");
		}
		finally {
			Hooks.disableAutomaticContextPropagation();
			ContextRegistry.getInstance().removeThreadLocalAccessor("user");
		}
	}

	@Test
	void cancellingStopsTheEngine() throws Exception {
		RecordingListener listener = new RecordingListener();
		ScriptedEngine engine = new ScriptedEngine((request) -> endless());
		List<ChatResponse> chunks = FlashChatModel.builder(engine)
			.listeners(List.of(listener))
			.build()
			.stream(new Prompt("Hi"))
			.take(3)
			.collectList()
			.block();
		assertThat(chunks).hasSize(3);
		assertThat(engine.cancelled.await(10, TimeUnit.SECONDS)).isTrue();
		assertThat(listener.heard).containsExactly("cancelled");
		int reads = engine.reads.get();
		Thread.sleep(50);
		assertThat(engine.reads).hasValue(reads);
	}

	@Test
	void cancellingDoesNotWaitForTheFirstToken() throws Exception {
		CountDownLatch waiting = new CountDownLatch(1);
		CountDownLatch firstToken = new CountDownLatch(1);
		ScriptedEngine engine = new ScriptedEngine((request) -> () -> Stream.<GenerationEvent>generate(() -> {
			waiting.countDown();
			awaitDeafly(firstToken);
			return new GenerationEvent.Text("late");
		}).iterator());
		List<ChatResponse> chunks = new ArrayList<>();
		List<Throwable> dropped = new ArrayList<>();
		Hooks.onErrorDropped(dropped::add);
		try {
			Disposable subscription = FlashChatModelTests.model(engine).stream(new Prompt("Hi")).subscribe(chunks::add);
			assertThat(waiting.await(10, TimeUnit.SECONDS)).isTrue();
			long start = System.nanoTime();
			subscription.dispose();
			assertThat(engine.cancelled.await(10, TimeUnit.SECONDS)).isTrue();
			assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
			assertThat(firstToken.getCount()).isEqualTo(1);
			firstToken.countDown();
			Awaitility.await().until(() -> engine.cancellations.get() >= 1);
			assertThat(engine.reads).hasValue(1);
			assertThat(chunks).isEmpty();
			assertThat(dropped).isEmpty();
		}
		finally {
			firstToken.countDown();
			Hooks.resetOnErrorDropped();
		}
	}

	@Test
	void cancellingWhileTheEngineAcceptsTheRequestStopsItAfterwards() throws Exception {
		CountDownLatch accepting = new CountDownLatch(1);
		CountDownLatch accepted = new CountDownLatch(1);
		ScriptedEngine engine = new ScriptedEngine((request) -> {
			accepting.countDown();
			awaitDeafly(accepted);
			return endless();
		});
		Disposable subscription = FlashChatModelTests.model(engine).stream(new Prompt("Hi")).subscribe();
		assertThat(accepting.await(10, TimeUnit.SECONDS)).isTrue();
		subscription.dispose();
		assertThat(engine.cancellations).hasValue(0);
		accepted.countDown();
		assertThat(engine.cancelled.await(10, TimeUnit.SECONDS)).isTrue();
		assertThat(engine.reads.get()).isLessThanOrEqualTo(1);
	}

	@RepeatedTest(200)
	void cancellingAtAnyMomentEndsQuietly() throws Exception {
		ConcurrentLinkedQueue<Throwable> errors = new ConcurrentLinkedQueue<>();
		Hooks.onErrorDropped(errors::add);
		try {
			ScriptedEngine engine = new ScriptedEngine((request) -> endless());
			CountDownLatch first = new CountDownLatch(1);
			Disposable subscription = FlashChatModelTests.model(engine)
				.stream(new Prompt("Hi"))
				.doOnNext((chunk) -> first.countDown())
				.subscribe((chunk) -> {
				}, errors::add, () -> errors.add(new AssertionError("completed")));
			assertThat(first.await(10, TimeUnit.SECONDS)).isTrue();
			subscription.dispose();
			assertThat(engine.cancelled.await(10, TimeUnit.SECONDS)).isTrue();
			assertThat(errors).isEmpty();
		}
		finally {
			Hooks.resetOnErrorDropped();
		}
	}

	@Test
	void failureOfTheEngineIsAnErrorOfTheStream() {
		RecordingListener listener = new RecordingListener();
		ScriptedEngine engine = new ScriptedEngine(
				(request) -> FlashChatModelTests.failing(new IllegalStateException("disk gone")));
		StepVerifier
			.create(FlashChatModel.builder(engine).listeners(List.of(listener)).build().stream(new Prompt("Hi")))
			.assertNext((chunk) -> assertThat(text(chunk)).isEqualTo("Once"))
			.expectErrorMessage("disk gone")
			.verify(Duration.ofSeconds(10));
		assertThat(engine.cancellations.get()).isPositive();
		assertThat(listener.heard).containsExactly("failed disk gone");
	}

	@Test
	void promptThatIsRefusedIsAnErrorOfTheStream() {
		StepVerifier
			.create(FlashChatModelTests.model(ScriptedEngine.saying("Fine."))
				.stream(new Prompt("Hi", ChatOptions.builder().temperature(-1.0).build())))
			.expectErrorMessage("temperature must be between 0 and 100, but is -1.0")
			.verify(Duration.ofSeconds(10));
		StepVerifier.create(FlashChatModelTests.model(ScriptedEngine.saying("Fine.")).stream(new Prompt(List.of())))
			.expectErrorMessage("The prompt has no messages")
			.verify(Duration.ofSeconds(10));
	}

	@Test
	void failingSubscriberStopsTheEngine() throws Exception {
		ScriptedEngine engine = new ScriptedEngine((request) -> endless());
		StepVerifier.create(FlashChatModelTests.model(engine).stream(new Prompt("Hi")).map((chunk) -> {
			throw new IllegalStateException("client gone");
		})).expectErrorMessage("client gone").verify(Duration.ofSeconds(10));
		assertThat(engine.cancelled.await(10, TimeUnit.SECONDS)).isTrue();
	}

	@Test
	void streamsRunBesideEachOther() {
		Semaphore together = new Semaphore(0);
		int streams = 8;
		ScriptedEngine engine = new ScriptedEngine((request) -> {
			together.release();
			// Nobody goes on before all have begun.
			awaitAll(together, streams);
			String question = ((GenerationRequest.Chat) request.prompt()).messages().getFirst().content();
			return List.of(new GenerationEvent.Text(question), new GenerationEvent.Text("!"),
					ScriptedEngine.finished(FinishReason.STOP, 2));
		});
		FlashChatModel model = FlashChatModelTests.model(engine);
		List<String> answers = Flux.fromStream(IntStream.range(0, streams).boxed())
			.flatMap((
					i) -> model.stream(new Prompt("q" + i)).map(FlashChatModelStreamTests::text).reduce(String::concat),
					streams)
			.collectList()
			.block(Duration.ofSeconds(30));
		assertThat(answers)
			.containsExactlyInAnyOrderElementsOf(IntStream.range(0, streams).mapToObj((i) -> "q" + i + "!").toList());
	}

	@Test
	void chatClientStreams() {
		List<String> pieces = ChatClient.create(FlashChatModelTests.model(ScriptedEngine.saying("It", " is", " fine")))
			.prompt("How are you?")
			.stream()
			.content()
			.collectList()
			.block();
		assertThat(pieces).containsExactly("It", " is", " fine");
	}

	private static List<ChatResponse> stream(ScriptedEngine engine) {
		List<ChatResponse> chunks = FlashChatModelTests.model(engine).stream(new Prompt("Hi")).collectList().block();
		assertThat(chunks).isNotNull();
		return chunks;
	}

	private static String text(ChatResponse chunk) {
		return chunk.getResult().getOutput().getText();
	}

	private static Iterable<GenerationEvent> endless() {
		return () -> new Iterator<>() {

			@Override
			public boolean hasNext() {
				return true;
			}

			@Override
			public GenerationEvent next() {
				return new GenerationEvent.Text("word ");
			}

		};
	}

	/** Waits as an engine might that does not listen to interrupts. */
	private static void awaitDeafly(CountDownLatch latch) {
		while (true) {
			try {
				latch.await();
				return;
			}
			catch (InterruptedException ex) {
				// Deaf.
			}
		}
	}

	private static void awaitAll(Semaphore semaphore, int permits) {
		semaphore.acquireUninterruptibly(permits);
		semaphore.release(permits);
	}

}
