package io.github.flashspring.chat;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import io.micrometer.observation.Observation;
import io.micrometer.observation.contextpropagation.ObservationThreadLocalAccessor;
import io.micrometer.observation.tck.TestObservationRegistry;
import io.micrometer.observation.tck.TestObservationRegistryAssert;
import org.awaitility.Awaitility;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;

import org.springframework.ai.chat.observation.DefaultChatModelObservationConvention;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.model.tool.ToolCallingChatOptions;
import org.springframework.ai.tool.function.FunctionToolCallback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * What an observer sees of calls and streams.
 */
@NullUnmarked
class FlashChatModelObservationTests {

	private final TestObservationRegistry registry = TestObservationRegistry.create();

	@Test
	void callIsObserved() {
		String id = model(ScriptedEngine.saying("It", " is")).call(prompt()).getMetadata().getId();
		assertObservedToTheEnd(id, false);
	}

	@Test
	void streamIsObserved() {
		String id = model(ScriptedEngine.saying("It", " is")).stream(prompt()).blockLast().getMetadata().getId();
		// The observation stops after the subscriber has seen the end.
		Awaitility.await().untilAsserted(() -> assertObservedToTheEnd(id, true));
	}

	@Test
	void toolNamesAndTheirFinishReasonAreObserved() {
		model(ScriptedEngine.forecaster())
			.stream(new Prompt("Weather in Tokyo?", ToolCallingChatOptions.builder()
				.toolCallbacks(
						FunctionToolCallback.builder("weather", (String city) -> "").inputType(String.class).build())
				.build()))
			.blockLast();
		Awaitility.await()
			.untilAsserted(() -> observation()
				.hasHighCardinalityKeyValue("spring.ai.model.request.tool.names", "[\"weather\"]")
				.hasHighCardinalityKeyValue("gen_ai.response.finish_reasons", "[\"tool_calls\"]")
				.hasBeenStopped());
	}

	@Test
	void failureOfACallIsObserved() {
		IllegalStateException failure = new IllegalStateException("disk gone");
		assertThatExceptionOfType(IllegalStateException.class).isThrownBy(
				() -> model(new ScriptedEngine((request) -> FlashChatModelTests.failing(failure))).call(prompt()));
		observation().hasError(failure).hasBeenStopped();
	}

	@Test
	void failureOfAStreamIsObserved() {
		IllegalStateException failure = new IllegalStateException("disk gone");
		assertThatExceptionOfType(IllegalStateException.class).isThrownBy(
				() -> model(new ScriptedEngine((request) -> FlashChatModelTests.failing(failure))).stream(prompt())
					.blockLast());
		Awaitility.await().untilAsserted(() -> observation().hasError(failure).hasBeenStopped());
	}

	@Test
	void cancelledStreamIsObservedWithoutAnswer() throws Exception {
		CountDownLatch cancelled = new CountDownLatch(1);
		model(ScriptedEngine.saying("It", " is")).stream(prompt())
			.take(1)
			.doOnComplete(cancelled::countDown)
			.subscribe();
		assertThat(cancelled.await(10, TimeUnit.SECONDS)).isTrue();
		Awaitility.await()
			.untilAsserted(() -> observation().hasBeenStopped()
				.doesNotHaveError()
				.doesNotHaveHighCardinalityKeyValueWithKey("gen_ai.response.finish_reasons")
				.doesNotHaveHighCardinalityKeyValueWithKey("gen_ai.usage.total_tokens"));
	}

	@Test
	void parentOfAStreamComesFromItsContext() {
		Observation parent = Observation.start("parent", this.registry);
		model(ScriptedEngine.saying("It", " is")).stream(prompt())
			.contextWrite((context) -> context.put(ObservationThreadLocalAccessor.KEY, parent))
			.blockLast();
		parent.stop();
		Awaitility.await().untilAsserted(() -> observation().hasParentObservationEqualTo(parent).hasBeenStopped());
	}

	@Test
	void conventionCanBeReplaced() {
		FlashChatModel model = model(ScriptedEngine.saying("It", " is"));
		model.setObservationConvention(new DefaultChatModelObservationConvention() {
			@Override
			public String getName() {
				return "my.chat";
			}
		});
		model.call(prompt());
		TestObservationRegistryAssert.assertThat(this.registry).hasObservationWithNameEqualTo("my.chat");
	}

	private void assertObservedToTheEnd(String id, boolean stream) {
		var observation = observation().hasContextualNameEqualTo("chat scripted")
			.hasLowCardinalityKeyValue("gen_ai.operation.name", "chat")
			.hasLowCardinalityKeyValue("gen_ai.system", "flash")
			.hasLowCardinalityKeyValue("gen_ai.request.model", "scripted")
			.hasLowCardinalityKeyValue("gen_ai.response.model", "scripted")
			.hasHighCardinalityKeyValue("gen_ai.request.max_tokens", "9")
			.hasHighCardinalityKeyValue("gen_ai.request.temperature", "0.5")
			.hasHighCardinalityKeyValue("gen_ai.request.top_k", "3")
			.hasHighCardinalityKeyValue("gen_ai.request.top_p", "0.25")
			.hasHighCardinalityKeyValue("gen_ai.request.stop_sequences", "[\"END\"]")
			.hasHighCardinalityKeyValue("gen_ai.response.finish_reasons", "[\"stop\"]")
			.hasHighCardinalityKeyValue("gen_ai.response.id", id)
			.hasHighCardinalityKeyValue("gen_ai.usage.input_tokens", "7")
			.hasHighCardinalityKeyValue("gen_ai.usage.output_tokens", "2")
			.hasHighCardinalityKeyValue("gen_ai.usage.total_tokens", "9")
			.hasBeenStarted()
			.hasBeenStopped();
		if (stream) {
			observation.hasHighCardinalityKeyValue("gen_ai.request.stream", "true");
		}
		else {
			observation.doesNotHaveHighCardinalityKeyValueWithKey("gen_ai.request.stream");
		}
	}

	private TestObservationRegistryAssert.TestObservationRegistryAssertReturningObservationContextAssert observation() {
		return TestObservationRegistryAssert.assertThat(this.registry)
			.doesNotHaveAnyRemainingCurrentObservation()
			.hasObservationWithNameEqualTo("gen_ai.client.operation")
			.that();
	}

	private FlashChatModel model(ScriptedEngine engine) {
		return FlashChatModel.builder(engine)
			.options(FlashChatOptions.builder().maxTokens(9).build())
			.observationRegistry(this.registry)
			.build();
	}

	private static Prompt prompt() {
		return new Prompt("Hi",
				FlashChatOptions.builder().temperature(0.5).topK(3).topP(0.25).stopSequences(List.of("END")).build());
	}

}
