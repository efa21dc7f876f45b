package io.github.flashspring.autoconfigure;

import java.lang.reflect.Modifier;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import org.awaitility.Awaitility;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.Disposable;

import org.springframework.ai.chat.prompt.Prompt;

import io.github.flashspring.chat.FlashChatModel;
import io.github.flashspring.chat.FlashChatOptions;
import io.github.flashspring.chat.ScriptedEngine;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.FlashEngineException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

@NullUnmarked
@Timeout(60)
class BackgroundFlashEngineTests {

	private final CompletableFuture<FlashEngine> loading = new CompletableFuture<>();

	private final BackgroundFlashEngine engine = new BackgroundFlashEngine("some/model", this.loading::join);

	private final FlashChatModel chatModel = FlashChatModel.builder(this.engine)
		.options(FlashChatOptions.builder().model("some/model").build())
		.build();

	@Test
	void requestsWaitForTheModel() throws Exception {
		CountDownLatch begun = new CountDownLatch(1);
		CompletableFuture<String> answer = this.chatModel.stream(new Prompt("Hi"))
			.doOnSubscribe((subscription) -> begun.countDown())
			.map((chunk) -> String.valueOf(chunk.getResult().getOutput().getText()))
			.reduce(String::concat)
			.toFuture();
		assertThat(begun.await(10, TimeUnit.SECONDS)).isTrue();
		assertThat(this.engine.state()).isEqualTo(Future.State.RUNNING);
		assertThat(answer).isNotDone();
		this.loading.complete(ScriptedEngine.saying("Hello", " there"));
		assertThat(answer.get(10, TimeUnit.SECONDS)).isEqualTo("Hello there");
		assertThat(this.engine.state()).isEqualTo(Future.State.SUCCESS);
		assertThat(this.engine.model().id()).isEqualTo("scripted");
		assertThat(this.engine.snapshot().device()).isEqualTo("scripted device");
	}

	@Test
	void everyMethodIsPassedOn() {
		assertThat(FlashEngine.class.getMethods()).filteredOn((method) -> !Modifier.isStatic(method.getModifiers()))
			.allSatisfy((method) -> assertThat(
					BackgroundFlashEngine.class.getMethod(method.getName(), method.getParameterTypes())
						.getDeclaringClass())
				.as(method.getName())
				.isEqualTo(BackgroundFlashEngine.class));
	}

	@Test
	void waitingRequestCanBeCancelled() {
		List<Throwable> errors = new CopyOnWriteArrayList<>();
		Disposable subscription = this.chatModel.stream(new Prompt("Hi")).subscribe((chunk) -> {
		}, errors::add);
		subscription.dispose();
		ScriptedEngine scripted = ScriptedEngine.saying("Hello");
		this.loading.complete(scripted);
		Awaitility.await().until(() -> this.engine.state() == Future.State.SUCCESS);
		assertThat(this.chatModel.call("Hi")).isEqualTo("Hello");
		assertThat(errors).isEmpty();
	}

	@Test
	void failureIsToldToEveryRequest() {
		this.loading.completeExceptionally(new IllegalStateException("no such file"));
		Awaitility.await().until(() -> this.engine.state() == Future.State.FAILED);
		assertThat(this.engine.failure()).hasMessage("no such file");
		for (int i = 0; i < 2; i++) {
			assertThatExceptionOfType(FlashEngineException.class).isThrownBy(() -> this.chatModel.call("Hi"))
				.withMessageStartingWith("some/model could not be loaded: ")
				.withMessageContaining("no such file");
		}
	}

	@Test
	void callbacksComeWhenTheModelIsLoaded() {
		List<FlashEngine> called = new CopyOnWriteArrayList<>();
		BackgroundFlashEngine.whenLoaded(this.engine, called::add);
		assertThat(called).isEmpty();
		ScriptedEngine scripted = ScriptedEngine.saying();
		this.loading.complete(scripted);
		Awaitility.await().untilAsserted(() -> assertThat(called).containsExactly(scripted));
		BackgroundFlashEngine.whenLoaded(this.engine, called::add);
		BackgroundFlashEngine.whenLoaded(scripted, called::add);
		assertThat(called).containsExactly(scripted, scripted, scripted);
	}

	@Test
	void closingClosesTheLoadedEngine() {
		ScriptedEngine scripted = ScriptedEngine.saying();
		this.loading.complete(scripted);
		this.engine.model();
		this.engine.close();
		assertThat(scripted.isClosed()).isTrue();
	}

	@Test
	void closingWhileLoadingClosesWhatComes() {
		this.engine.close();
		assertThatExceptionOfType(FlashEngineException.class).isThrownBy(this.engine::model)
			.withMessageContaining("The engine was closed");
		ScriptedEngine scripted = ScriptedEngine.saying();
		this.loading.complete(scripted);
		Awaitility.await().until(scripted::isClosed);
	}

}
