package io.github.flashspring.chat;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;

import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.client.advisor.MessageChatMemoryAdvisor;
import org.springframework.ai.chat.memory.ChatMemory;
import org.springframework.ai.chat.memory.MessageWindowChatMemory;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.messages.SystemMessage;
import org.springframework.ai.chat.messages.ToolResponseMessage;
import org.springframework.ai.chat.messages.UserMessage;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.content.Media;
import org.springframework.ai.tool.function.FunctionToolCallback;
import org.springframework.util.MimeTypeUtils;

import io.github.flashspring.engine.GenerationEvent;
import io.github.flashspring.engine.GenerationRequest;
import io.github.flashspring.engine.ModelInfo;
import io.github.flashspring.engine.Usage;
import io.github.flashspring.engine.generate.FinishReason;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.text.ChatMessage;
import io.github.flashspring.engine.text.ToolCall;
import io.github.flashspring.engine.text.ToolDefinition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/**
 * Answers as wholes, and what of a prompt reaches the engine.
 * {@link FlashChatModelStreamTests} has the streams.
 */
@NullUnmarked
class FlashChatModelTests {

	@Test
	void answerCarriesTextReasonUsageAndTimes() {
		ChatResponse response = model(ScriptedEngine.saying(" Hello", " ", "\n", "world ")).call(new Prompt("Hi"));
		assertThat(response.getResults()).hasSize(1);
		assertThat(response.getResult().getOutput().getText()).isEqualTo(" Hello \nworld ");
		assertThat(response.getResult().getMetadata().getFinishReason()).isEqualTo("stop");
		assertThat(response.getMetadata().getModel()).isEqualTo("scripted");
		assertThat(response.getMetadata().getId()).isNotBlank();
		assertThat(response.getMetadata().getUsage().getPromptTokens()).isEqualTo(7);
		assertThat(response.getMetadata().getUsage().getCompletionTokens()).isEqualTo(4);
		assertThat(response.getMetadata().getUsage().getTotalTokens()).isEqualTo(11);
		assertThat(response.getMetadata().getUsage().getNativeUsage()).isInstanceOfSatisfying(Usage.class,
				(usage) -> assertThat(usage.bytesRead()).isEqualTo(4096));
		assertThat(response.getMetadata().<Duration>get(FlashChatModel.QUEUED)).isEqualTo(Duration.ofMillis(10));
		assertThat(response.getMetadata().<Duration>get(FlashChatModel.TIME_TO_FIRST_TOKEN))
			.isEqualTo(Duration.ofMillis(110));
		assertThat(response.getMetadata().<Duration>get(FlashChatModel.TOTAL_DURATION))
			.isEqualTo(Duration.ofMillis(1110));
		assertThat(response.getMetadata().<Double>get(FlashChatModel.TOKENS_PER_SECOND)).isEqualTo(3);
		assertThat(response.getMetadata().<Double>get(FlashChatModel.PROMPT_TOKENS_PER_SECOND)).isEqualTo(70);
	}

	@Test
	void everyAnswerHasItsOwnId() {
		FlashChatModel model = model(ScriptedEngine.saying("Hello"));
		assertThat(model.call(new Prompt("Hi")).getMetadata().getId())
			.isNotEqualTo(model.call(new Prompt("Hi")).getMetadata().getId());
	}

	@Test
	void answerThatReachedTheLimitSaysSo() {
		ChatResponse response = model(
				new ScriptedEngine((request) -> List.of(ScriptedEngine.finished(FinishReason.LENGTH, 0))))
			.call(new Prompt("Hi"));
		assertThat(response.getResult().getOutput().getText()).isEmpty();
		assertThat(response.getResult().getMetadata().getFinishReason()).isEqualTo("length");
	}

	@Test
	void reasoningStaysApartFromTheText() {
		ChatResponse response = model(thinker()).call(new Prompt("Hi"));
		assertThat(response.getResult().getOutput().getText()).isEqualTo("Yes.");
		assertThat(response.getResult().getOutput().getMetadata()).containsEntry("thinking", "Is it? It is.");
		assertThat(response.getResult().getMetadata().<String>get("thinking")).isEqualTo("Is it? It is.");
	}

	@Test
	void toolCallsAreReturnedAndNotRun() {
		ChatResponse response = model(ScriptedEngine.forecaster()).call(new Prompt("Tokyo or Paris?",
				FlashChatOptions.builder().toolCallbacks(FunctionToolCallback.builder("weather", (String city) -> {
					throw new AssertionError("The model must not run tools");
				}).description("Get the weather").inputType(String.class).build()).build()));
		assertThat(response.hasToolCalls()).isTrue();
		assertThat(response.getResult().getMetadata().getFinishReason()).isEqualTo("tool_calls");
		assertThat(response.getResult().getOutput().getText()).isEqualTo("Let me see.");
		assertThat(response.getResult().getOutput().getToolCalls()).containsExactly(
				new AssistantMessage.ToolCall("call-0", "function", "weather",
						"{\"location\":\"Tokyo\",\"unit\":\"C\",\"lat\":0,\"lon\":0}"),
				new AssistantMessage.ToolCall("call-1", "function", "weather",
						"{\"location\":\"Paris\",\"unit\":\"C\",\"lat\":0,\"lon\":0}"));
	}

	@Test
	void conversationAndToolsReachTheEngine() {
		ScriptedEngine engine = ScriptedEngine.saying("Fine.");
		FunctionToolCallback<String, String> tool = FunctionToolCallback.builder("weather", (String city) -> "")
			.description("Get the weather")
			.inputType(String.class)
			.build();
		model(engine).call(new Prompt(List.of(new SystemMessage("Be brief."), new UserMessage("Weather?"),
				AssistantMessage.builder()
					.content(null)
					.properties(Map.of("thinking", "Ask."))
					.toolCalls(List.of(new AssistantMessage.ToolCall("1", "function", "weather", "{}"),
							new AssistantMessage.ToolCall("2", "function", "weather", "{}")))
					.build(),
				ToolResponseMessage.builder()
					.responses(List.of(new ToolResponseMessage.ToolResponse("1", "weather", "15"),
							new ToolResponseMessage.ToolResponse("2", "weather", "20")))
					.build()),
				FlashChatOptions.builder().toolCallbacks(tool).enableThinking(true).build()));
		assertThat(engine.requests).hasSize(1);
		assertThat(engine.requests.getFirst().prompt())
			.isEqualTo(
					new GenerationRequest.Chat(
							List.of(ChatMessage.system("Be brief."), ChatMessage.user("Weather?"),
									new ChatMessage("assistant", "", "Ask.",
											List.of(new ToolCall("1", "weather", "{}"),
													new ToolCall("2", "weather", "{}")),
											null, null),
									ChatMessage.tool("15", "1", "weather"), ChatMessage.tool("20", "2", "weather")),
							List.of(new ToolDefinition("weather", "Get the weather",
									tool.getToolDefinition().inputSchema())),
							Map.of("enable_thinking", true)));
	}

	@Test
	void optionsOfThePromptComeBeforeThoseOfTheChatModelBeforeThoseOfTheModel() {
		ScriptedEngine engine = ScriptedEngine.saying("Fine.");
		FlashChatModel model = FlashChatModel.builder(engine)
			.options(FlashChatOptions.builder().topK(5).temperature(0.25).maxTokens(9).build())
			.build();
		model.call(new Prompt("Hi"));
		model.call(new Prompt("Hi", ChatOptions.builder().temperature(1.0).stopSequences(List.of("END")).build()));
		model.call(new Prompt("Hi", FlashChatOptions.builder().seed(3L).maxTokens(1).build()));
		assertThat(engine.requests.get(0).sampling()).isEqualTo(new Sampling(1.5f, 0, 0, 0.25f, 5, 0.75f, 0, null));
		assertThat(engine.requests.get(0).maxTokens()).isEqualTo(9);
		assertThat(engine.requests.get(0).stopSequences()).isEmpty();
		assertThat(engine.requests.get(1).sampling()).isEqualTo(new Sampling(1.5f, 0, 0, 1, 5, 0.75f, 0, null));
		assertThat(engine.requests.get(1).maxTokens()).isEqualTo(9);
		assertThat(engine.requests.get(1).stopSequences()).containsExactly("END");
		assertThat(engine.requests.get(2).sampling()).isEqualTo(new Sampling(1.5f, 0, 0, 0.25f, 5, 0.75f, 0, 3L));
		assertThat(engine.requests.get(2).maxTokens()).isEqualTo(1);
	}

	@Test
	void withoutOptionsTheModelChooses() {
		ScriptedEngine engine = ScriptedEngine.saying("Fine.");
		model(engine).call(new Prompt("Hi"));
		assertThat(engine.requests.getFirst().sampling()).isEqualTo(ScriptedEngine.SAMPLING);
		assertThat(engine.requests.getFirst().maxTokens()).isNull();
		assertThat(engine.requests.getFirst().ignoreEndOfTurn()).isFalse();
	}

	@Test
	void anotherModelIsRefused() {
		ScriptedEngine engine = ScriptedEngine.saying("Fine.");
		assertThatIllegalArgumentException()
			.isThrownBy(() -> model(engine).call(new Prompt("Hi", ChatOptions.builder().model("gpt").build())))
			.withMessageContaining("'gpt'")
			.withMessageContaining("'scripted'");
		assertThat(engine.requests).isEmpty();
		assertThat(model(engine).call(new Prompt("Hi", ChatOptions.builder().model("scripted").build()))).isNotNull();
	}

	@Test
	void modelMayHaveAnAlias() {
		FlashChatModel model = FlashChatModel.builder(ScriptedEngine.saying("Fine."))
			.options(FlashChatOptions.builder().model("my-model").build())
			.build();
		assertThat(model.getOptions().getModel()).isEqualTo("my-model");
		assertThat(model.call(new Prompt("Hi")).getMetadata().getModel()).isEqualTo("my-model");
	}

	@Test
	void mediaAreRefused() {
		UserMessage message = UserMessage.builder()
			.text("What is this?")
			.media(new Media(MimeTypeUtils.IMAGE_PNG, URI.create("https://example.org/a.png")))
			.build();
		assertThatIllegalArgumentException()
			.isThrownBy(() -> model(ScriptedEngine.saying("Fine.")).call(new Prompt(message)))
			.withMessage("A user message contains media of type image/png, but the model reads text only");
	}

	@Test
	void emptyPromptIsRefused() {
		assertThatIllegalArgumentException()
			.isThrownBy(() -> model(ScriptedEngine.saying("Fine.")).call(new Prompt(List.of())))
			.withMessage("The prompt has no messages");
	}

	@Test
	void modelWithoutChatTemplateContinuesTheConversationAsOneText() {
		ScriptedEngine engine = baseModel();
		model(engine).call(new Prompt(List.of(new SystemMessage("A story."), new UserMessage("Once upon a time"),
				new AssistantMessage(", there was a cat."), new UserMessage("One day"))));
		assertThat(engine.requests.getFirst().prompt())
			.isEqualTo(new GenerationRequest.Text("A story.\nOnce upon a time, there was a cat.\nOne day", false));
	}

	@Test
	void modelWithoutChatTemplateTakesNoTools() {
		Prompt prompt = new Prompt("What is the weather in Paris?", FlashChatOptions.builder()
			.toolCallbacks(
					FunctionToolCallback.builder("weather", (String city) -> "mild").inputType(String.class).build())
			.build());
		assertThatIllegalArgumentException().isThrownBy(() -> model(baseModel()).call(prompt))
			.withMessage("scripted has no chat template, so it cannot be given tools");
	}

	@Test
	void failureOfTheEngineIsThrownAndTheGenerationStopped() {
		ScriptedEngine engine = new ScriptedEngine((request) -> failing(new IllegalStateException("disk gone")));
		assertThatExceptionOfType(IllegalStateException.class).isThrownBy(() -> model(engine).call(new Prompt("Hi")))
			.withMessage("disk gone");
		assertThat(engine.cancellations).hasPositiveValue();
	}

	@Test
	void generationThatEndsWithoutReasonIsAFailure() {
		assertThatExceptionOfType(IllegalStateException.class)
			.isThrownBy(() -> model(new ScriptedEngine((request) -> List.of())).call(new Prompt("Hi")))
			.withMessage("The generation ended without saying why");
	}

	@Test
	void listenersHearTheEndOnce() {
		RecordingListener listener = new RecordingListener();
		FlashChatModel.builder(ScriptedEngine.saying("Fine.")).listeners(List.of(listener)).build().call("Hi");
		assertThat(listener.heard).containsExactly("finished STOP 1");
		RecordingListener failed = new RecordingListener();
		FlashChatModel model = FlashChatModel
			.builder(new ScriptedEngine((request) -> failing(new IllegalStateException("disk gone"))))
			.listeners(List.of(failed))
			.build();
		assertThatExceptionOfType(IllegalStateException.class).isThrownBy(() -> model.call("Hi"));
		assertThat(failed.heard).containsExactly("failed disk gone");
	}

	@Test
	void chatClientAsks() {
		ScriptedEngine engine = ScriptedEngine.saying("Fine", ".");
		String answer = ChatClient.builder(model(engine))
			.defaultSystem("Be brief.")
			.build()
			.prompt()
			.user("How are you?")
			.options(ChatOptions.builder().temperature(0.25))
			.call()
			.content();
		assertThat(answer).isEqualTo("Fine.");
		assertThat(engine.requests.getFirst().sampling().temperature()).isEqualTo(0.25f);
		assertThat(((GenerationRequest.Chat) engine.requests.getFirst().prompt()).messages())
			.containsExactly(ChatMessage.system("Be brief."), ChatMessage.user("How are you?"));
	}

	@Test
	void memoryKeepsToolCallsAndTheirAnswers() {
		ScriptedEngine engine = ScriptedEngine.forecaster();
		MessageWindowChatMemory memory = MessageWindowChatMemory.builder().build();
		String answer = ChatClient.builder(model(engine))
			.defaultAdvisors(MessageChatMemoryAdvisor.builder(memory).order(1000).build())
			.defaultTools(FunctionToolCallback.builder("weather", (Map<String, Object> place) -> "18 degrees")
				.inputType(Map.class)
				.build())
			.build()
			.prompt("Weather in Paris?")
			.advisors((advisors) -> advisors.param(ChatMemory.CONVERSATION_ID, "1"))
			.call()
			.content();
		assertThat(answer).isEqualTo("You said: Weather in Paris? 18 degrees");
		assertThat(((GenerationRequest.Chat) engine.requests.getLast().prompt()).messages())
			.extracting(ChatMessage::role)
			.containsExactly("user", "assistant", "tool");
		assertThat(memory.get("1").getLast().getText()).isEqualTo(answer);
	}

	static FlashChatModel model(ScriptedEngine engine) {
		return FlashChatModel.builder(engine).build();
	}

	private static ScriptedEngine baseModel() {
		return new ScriptedEngine((request) -> List.of(ScriptedEngine.finished(FinishReason.STOP, 0))) {
			@Override
			public ModelInfo model() {
				ModelInfo model = super.model();
				return new ModelInfo(model.id(), model.architecture(), model.parameters(), model.bytes(),
						model.precision(), model.layers(), model.vocabularySize(), model.contextLength(), true, false,
						model.sampling());
			}
		};
	}

	static ScriptedEngine thinker() {
		return new ScriptedEngine(
				(request) -> List.of(new GenerationEvent.Reasoning("Is it?"), new GenerationEvent.Reasoning(" It is."),
						new GenerationEvent.Text("Yes."), ScriptedEngine.finished(FinishReason.STOP, 9)));
	}

	static Iterable<GenerationEvent> failing(RuntimeException failure) {
		return () -> List.<GenerationEvent>of(new GenerationEvent.Text("Once"), new GenerationEvent.Text(" upon"))
			.stream()
			.peek((event) -> {
				if (((GenerationEvent.Text) event).text().equals(" upon")) {
					throw failure;
				}
			})
			.iterator();
	}

}
