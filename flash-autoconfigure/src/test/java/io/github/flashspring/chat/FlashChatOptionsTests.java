package io.github.flashspring.chat;

import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.model.tool.StructuredOutputChatOptions;
import org.springframework.ai.model.tool.ToolCallingChatOptions;
import org.springframework.ai.test.options.AbstractChatOptionsTests;
import org.springframework.ai.tool.ToolCallback;
import org.springframework.ai.tool.function.FunctionToolCallback;

import io.github.flashspring.engine.ToolChoice;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.generate.grammar.Structure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

class FlashChatOptionsTests extends AbstractChatOptionsTests<FlashChatOptions, FlashChatOptions.Builder> {

	private static final Sampling MODEL = new Sampling(1.5f, 0.25f, 0.125f, 0.5f, 20, 0.75f, 0.0625f, null);

	@Override
	protected Class<FlashChatOptions> getConcreteOptionsClass() {
		return FlashChatOptions.class;
	}

	@Override
	protected FlashChatOptions.Builder readyToBuildBuilder() {
		return FlashChatOptions.builder()
			.model("tiny")
			.temperature(0.5)
			.topK(3)
			.topP(0.5)
			.minP(0.25)
			.maxTokens(9)
			.frequencyPenalty(0.5)
			.presencePenalty(0.25)
			.repetitionPenalty(1.25)
			.seed(42L)
			.stopSequences(List.of("END"))
			.enableThinking(false)
			.templateVariables(Map.of("documents", List.of()))
			.outputSchema("{\"type\":\"string\"}")
			.schemaMode(SchemaMode.LENIENT)
			.schemaInPrompt(false)
			.toolChoice("required")
			.parallelToolCalls(false)
			.toolContext(Map.of("user", "me"));
	}

	@Test
	void textShowsWhatIsSetButNoToolContext() {
		FlashChatOptions options = FlashChatOptions.builder()
			.model("mine")
			.temperature(0.5)
			.minP(0.25)
			.seed(7L)
			.stopSequences(List.of("END"))
			.toolContext(Map.of("token", "secret"))
			.build();
		assertThat(options).hasToString(
				"FlashChatOptions{model=mine, temperature=0.5, minP=0.25, seed=7, stopSequences=[END], toolContext=[token]}");
		assertThat(FlashChatOptions.builder().build()).hasToString("FlashChatOptions{}");
	}

	@Test
	void everyOptionCountsForEquality() {
		FlashChatOptions options = readyToBuildBuilder().build();
		assertThat(List.of(readyToBuildBuilder().model("x"), readyToBuildBuilder().temperature(0.0),
				readyToBuildBuilder().topK(4), readyToBuildBuilder().topP(1.0), readyToBuildBuilder().minP(0.0),
				readyToBuildBuilder().maxTokens(1), readyToBuildBuilder().frequencyPenalty(0.0),
				readyToBuildBuilder().presencePenalty(0.0), readyToBuildBuilder().repetitionPenalty(1.0),
				readyToBuildBuilder().seed(1L), readyToBuildBuilder().stopSequences(List.of()),
				readyToBuildBuilder().enableThinking(true), readyToBuildBuilder().templateVariables(Map.of()),
				readyToBuildBuilder().outputSchema("true"), readyToBuildBuilder().schemaMode(SchemaMode.STRICT),
				readyToBuildBuilder().schemaInPrompt(true), readyToBuildBuilder().toolChoice("none"),
				readyToBuildBuilder().parallelToolCalls(true), readyToBuildBuilder().toolContext("a", "b")))
			.allSatisfy((builder) -> assertThat(builder.build()).isNotEqualTo(options))
			.allSatisfy((builder) -> assertThat(builder.build()).doesNotHaveSameHashCodeAs(options));
	}

	@Test
	void combiningKeepsWhatTheOtherLeavesUnset() {
		FlashChatOptions options = readyToBuildBuilder().build();
		assertThat(options.mutate().combineWith(FlashChatOptions.builder()).build()).isEqualTo(options);
		assertThat(FlashChatOptions.builder().combineWith(options.mutate()).build()).isEqualTo(options);
		assertThat(options.mutate()
			.combineWith(FlashChatOptions.builder().seed(7L).templateVariables(Map.of("date", "today")))
			.build())
			.isEqualTo(readyToBuildBuilder().seed(7L)
				.templateVariables(Map.of("documents", List.of(), "date", "today"))
				.build());
	}

	@Test
	void combiningTwiceIsCombiningOnce() {
		FlashChatOptions defaults = readyToBuildBuilder().toolCallbacks(tool("a")).build();
		FlashChatOptions.Builder own = FlashChatOptions.builder()
			.stopSequences(List.of("STOP"))
			.toolCallbacks(tool("b"));
		FlashChatOptions once = defaults.mutate().combineWith(own).build();
		assertThat(once.getStopSequences()).containsExactly("END", "STOP");
		assertThat(once.getToolCallbacks()).hasSize(2);
		assertThat(defaults.mutate().combineWith(once.mutate()).build()).isEqualTo(once);
	}

	@Test
	void builderCanBeCloned() {
		FlashChatOptions.Builder builder = readyToBuildBuilder();
		FlashChatOptions.Builder clone = builder.clone().seed(1L).templateVariables(Map.of());
		assertThat(builder.build()).isEqualTo(readyToBuildBuilder().build());
		assertThat(clone.build().getSeed()).isEqualTo(1);
		assertThat(clone.build().getTemplateVariables()).isEmpty();
	}

	@Test
	void portableOptionsAreUnderstood() {
		ChatOptions portable = ChatOptions.builder()
			.model("tiny")
			.temperature(0.5)
			.topK(3)
			.topP(0.25)
			.maxTokens(9)
			.frequencyPenalty(0.5)
			.presencePenalty(0.125)
			.stopSequences(List.of("END"))
			.build();
		assertThat(FlashChatOptions.from(portable)).isEqualTo(FlashChatOptions.builder()
			.model("tiny")
			.temperature(0.5)
			.topK(3)
			.topP(0.25)
			.maxTokens(9)
			.frequencyPenalty(0.5)
			.presencePenalty(0.125)
			.stopSequences(List.of("END"))
			.build());
		ToolCallback tool = tool("a");
		assertThat(FlashChatOptions
			.from(ToolCallingChatOptions.builder().toolCallbacks(tool).toolContext(Map.of("user", "me")).build()))
			.isEqualTo(FlashChatOptions.builder().toolCallbacks(tool).toolContext("user", "me").build());
	}

	@Test
	void unsetOptionsAreThoseOfTheModel() {
		assertThat(FlashChatOptions.builder().build().sampling(MODEL)).isEqualTo(MODEL);
		assertThat(FlashChatOptions.builder().temperature(0.0).seed(3L).build().sampling(MODEL))
			.isEqualTo(new Sampling(1.5f, 0.25f, 0.125f, 0, 20, 0.75f, 0.0625f, 3L));
		assertThat(readyToBuildBuilder().build().sampling(MODEL))
			.isEqualTo(new Sampling(1.25f, 0.25f, 0.5f, 0.5f, 3, 0.5f, 0.25f, 42L));
	}

	@Test
	void thinkingIsAVariableOfTheTemplate() {
		assertThat(FlashChatOptions.builder().build().allTemplateVariables()).isEmpty();
		assertThat(FlashChatOptions.builder()
			.templateVariables(Map.of("date", "today"))
			.enableThinking(false)
			.build()
			.allTemplateVariables()).isEqualTo(Map.of("date", "today", "enable_thinking", false));
	}

	@ParameterizedTest
	@ValueSource(strings = { "temperature", "topK", "topP", "minP", "maxTokens", "repetitionPenalty",
			"frequencyPenalty", "presencePenalty", "stopSequences" })
	void valuesOutOfRangeAreRefusedByName(String option) {
		FlashChatOptions.Builder builder = FlashChatOptions.builder();
		switch (option) {
			case "temperature" -> builder.temperature(-0.5);
			case "topK" -> builder.topK(-1);
			case "topP" -> builder.topP(1.5);
			case "minP" -> builder.minP(-0.5);
			case "maxTokens" -> builder.maxTokens(0);
			case "repetitionPenalty" -> builder.repetitionPenalty(0.0);
			case "frequencyPenalty" -> builder.frequencyPenalty(Double.NaN);
			case "presencePenalty" -> builder.presencePenalty(1000.0);
			case "stopSequences" -> builder.stopSequences(List.of("a", ""));
			default -> throw new AssertionError(option);
		}
		assertThatIllegalArgumentException().isThrownBy(builder::build).withMessageStartingWith(option + " must ");
	}

	private static ToolCallback tool(String name) {
		return FunctionToolCallback.builder(name, (String input) -> input).inputType(String.class).build();
	}

	@Test
	void structuredOutputOptionsAreUnderstood() {
		String schema = "{\"type\":\"string\"}";
		StructuredOutputChatOptions portable = (StructuredOutputChatOptions) StructuredOutputChatOptions.builder()
			.outputSchema(schema)
			.build();
		assertThat(FlashChatOptions.from(portable).getOutputSchema()).isEqualTo(schema);
		assertThat(FlashChatOptions.builder().combineWith(portable.mutate()).build().getOutputSchema())
			.isEqualTo(schema);
	}

	@Test
	void schemasAreStrictAndToldToTheModelByDefault() {
		assertThat(FlashChatOptions.builder().build().structure()).isNull();
		assertThat(FlashChatOptions.builder().outputSchema("true").build().structure())
			.isEqualTo(new Structure.JsonSchema("true", true, true));
		assertThat(readyToBuildBuilder().build().structure())
			.isEqualTo(new Structure.JsonSchema("{\"type\":\"string\"}", false, false));
	}

	@Test
	void toolsAreRequiredUntilTheirResultIsThere() {
		FlashChatOptions required = readyToBuildBuilder().build();
		assertThat(required.toolChoice(false)).isEqualTo(new ToolChoice(ToolChoice.Use.REQUIRED, null, false));
		assertThat(required.toolChoice(true)).isEqualTo(new ToolChoice(ToolChoice.Use.AUTO, null, false));
		FlashChatOptions named = FlashChatOptions.builder().toolChoice("search").build();
		assertThat(named.toolChoice(false)).isEqualTo(ToolChoice.named("search"));
		assertThat(named.toolChoice(true)).isEqualTo(ToolChoice.NONE);
		assertThat(FlashChatOptions.builder().toolChoice("none").build().toolChoice(false)).isEqualTo(ToolChoice.NONE);
		assertThat(FlashChatOptions.builder().build().toolChoice(false)).isEqualTo(ToolChoice.AUTO);
	}

	@Test
	void requiredToolsAreCalledOnceUnlessSeveralCallsAreAllowed() {
		FlashChatOptions required = FlashChatOptions.builder().toolChoice("required").build();
		assertThat(required.toolChoice(false)).isEqualTo(ToolChoice.REQUIRED)
			.isEqualTo(new ToolChoice(ToolChoice.Use.REQUIRED, null, false));
		assertThat(required.toolChoice(true)).isEqualTo(ToolChoice.AUTO);
		assertThat(required.mutate().parallelToolCalls(true).build().toolChoice(false))
			.isEqualTo(new ToolChoice(ToolChoice.Use.REQUIRED, null, true));
		assertThat(FlashChatOptions.builder().toolChoice("search").parallelToolCalls(true).build().toolChoice(false))
			.isEqualTo(new ToolChoice(ToolChoice.Use.REQUIRED, "search", true));
		assertThat(ToolChoice.named("search").parallel()).isFalse();
	}

}
