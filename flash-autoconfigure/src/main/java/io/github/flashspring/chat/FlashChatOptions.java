package io.github.flashspring.chat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.model.tool.DefaultToolCallingChatOptions;
import org.springframework.ai.model.tool.StructuredOutputChatOptions;
import org.springframework.ai.model.tool.ToolCallingChatOptions;

import io.github.flashspring.engine.ToolChoice;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.generate.StopSequences;
import io.github.flashspring.engine.generate.grammar.Structure;

/**
 * How a {@link FlashChatModel} answers. Options that are not set fall back to those of
 * the chat model, then to the {@code generation_config.json} of the language model.
 * Immutable.
 */
public final class FlashChatOptions extends DefaultToolCallingChatOptions implements StructuredOutputChatOptions {

	private static final String ENABLE_THINKING_VARIABLE = "enable_thinking";

	private final @Nullable Double minP;

	private final @Nullable Double repetitionPenalty;

	private final @Nullable Long seed;

	private final @Nullable Boolean enableThinking;

	private final @Nullable Map<String, Object> templateVariables;

	private final @Nullable String outputSchema;

	private final @Nullable SchemaMode schemaMode;

	private final @Nullable Boolean schemaInPrompt;

	private final @Nullable String toolChoice;

	private final @Nullable Boolean parallelToolCalls;

	private FlashChatOptions(ToolCallingChatOptions portable, Builder builder) {
		super(portable.getToolCallbacks(), portable.getToolContext(), portable.getModel(),
				portable.getFrequencyPenalty(), portable.getMaxTokens(), portable.getPresencePenalty(),
				portable.getStopSequences(), portable.getTemperature(), portable.getTopK(), portable.getTopP());
		this.minP = builder.minP;
		this.repetitionPenalty = builder.repetitionPenalty;
		this.seed = builder.seed;
		this.enableThinking = builder.enableThinking;
		this.templateVariables = (builder.templateVariables != null) ? Map.copyOf(builder.templateVariables) : null;
		this.outputSchema = builder.outputSchema;
		this.schemaMode = builder.schemaMode;
		this.schemaInPrompt = builder.schemaInPrompt;
		this.toolChoice = builder.toolChoice;
		this.parallelToolCalls = builder.parallelToolCalls;
		validate();
	}

	/**
	 * A builder with nothing set.
	 * @return the builder
	 */
	public static Builder builder() {
		return new Builder();
	}

	/**
	 * The options of any model that this one understands.
	 * @param options options of any kind
	 * @return those of Flash; the same object when they are already
	 * @throws IllegalArgumentException if a value is out of its range
	 */
	public static FlashChatOptions from(ChatOptions options) {
		if (options instanceof FlashChatOptions flash) {
			return flash;
		}
		Builder builder = builder().model(options.getModel())
			.frequencyPenalty(options.getFrequencyPenalty())
			.maxTokens(options.getMaxTokens())
			.presencePenalty(options.getPresencePenalty())
			.stopSequences(options.getStopSequences())
			.temperature(options.getTemperature())
			.topK(options.getTopK())
			.topP(options.getTopP());
		if (options instanceof ToolCallingChatOptions tools) {
			builder.toolCallbacks(tools.getToolCallbacks()).toolContext(tools.getToolContext());
		}
		if (options instanceof StructuredOutputChatOptions structured) {
			builder.outputSchema(structured.getOutputSchema());
		}
		return builder.build();
	}

	/**
	 * Tokens less likely than this fraction of the most likely one are never chosen.
	 * @return 0 to 1, or null if not set
	 */
	public @Nullable Double getMinP() {
		return this.minP;
	}

	/**
	 * Makes tokens of the prompt and of the answer less likely to come again.
	 * @return above 0, where 1 changes nothing, or null if not set
	 */
	public @Nullable Double getRepetitionPenalty() {
		return this.repetitionPenalty;
	}

	/**
	 * Start of the random numbers, so that an answer can be repeated.
	 * @return the seed, or null for a fresh one each time
	 */
	public @Nullable Long getSeed() {
		return this.seed;
	}

	/**
	 * Whether a model that can do both shall think before it answers: the variable
	 * {@code enable_thinking} of the chat template.
	 * @return the choice, or null to leave it to the template
	 */
	public @Nullable Boolean getEnableThinking() {
		return this.enableThinking;
	}

	/**
	 * Further variables of the model's chat template.
	 * @return names and values, or null if not set
	 */
	public @Nullable Map<String, Object> getTemplateVariables() {
		return this.templateVariables;
	}

	/**
	 * A JSON Schema that answers satisfy: tokens that break it are never chosen.
	 * Reasoning before the answer is free.
	 * @return the schema, or null if answers are free
	 */
	@Override
	public @Nullable String getOutputSchema() {
		return this.outputSchema;
	}

	/**
	 * What becomes of keywords of {@link #getOutputSchema()} that cannot be enforced.
	 * @return the mode, or null for {@link SchemaMode#STRICT}
	 */
	public @Nullable SchemaMode getSchemaMode() {
		return this.schemaMode;
	}

	/**
	 * Whether the model is told {@link #getOutputSchema()} behind the last user message.
	 * @return the choice, or null to tell it
	 */
	public @Nullable Boolean getSchemaInPrompt() {
		return this.schemaInPrompt;
	}

	/**
	 * Whether tools are called: {@code auto}, where the model decides, {@code none},
	 * {@code required}, or the name of the tool that must be called. With its result, the
	 * model decides again if a call was required, and answers if the tool was named.
	 * @return the choice, or null for {@code auto}
	 */
	public @Nullable String getToolChoice() {
		return this.toolChoice;
	}

	/**
	 * Whether several tools may be called at once.
	 * @return the choice, or null to allow it unless a call is required: models that must
	 * call a tool and may go on tend to repeat the call
	 */
	public @Nullable Boolean getParallelToolCalls() {
		return this.parallelToolCalls;
	}

	/**
	 * Whether tools are called.
	 * @param called whether the conversation ends with the result of a tool
	 * @return the choice
	 */
	ToolChoice toolChoice(boolean called) {
		boolean parallel = !Boolean.FALSE.equals(this.parallelToolCalls);
		boolean repeated = Boolean.TRUE.equals(this.parallelToolCalls);
		String choice = (this.toolChoice != null) ? this.toolChoice : "auto";
		return switch (choice) {
			case "none" -> ToolChoice.NONE;
			case "auto" -> new ToolChoice(ToolChoice.Use.AUTO, null, parallel);
			case "required" -> new ToolChoice(called ? ToolChoice.Use.AUTO : ToolChoice.Use.REQUIRED, null,
					called ? parallel : repeated);
			// Applications send the same options with the result: small models that may
			// call again do so until nothing is left of the context.
			default -> called ? ToolChoice.NONE : new ToolChoice(ToolChoice.Use.REQUIRED, choice, repeated);
		};
	}

	/**
	 * What answers must look like.
	 * @return the structure, or null if they are free
	 */
	@Nullable Structure structure() {
		if (this.outputSchema == null) {
			return null;
		}
		return new Structure.JsonSchema(this.outputSchema, this.schemaMode != SchemaMode.LENIENT,
				!Boolean.FALSE.equals(this.schemaInPrompt));
	}

	/**
	 * These options over those of a language model.
	 * @param model what holds for options that are not set
	 * @return how tokens are chosen
	 */
	Sampling sampling(Sampling model) {
		return new Sampling(value(this.repetitionPenalty, model.repetitionPenalty()),
				value(getPresencePenalty(), model.presencePenalty()),
				value(getFrequencyPenalty(), model.frequencyPenalty()), value(getTemperature(), model.temperature()),
				(getTopK() != null) ? getTopK() : model.topK(), value(getTopP(), model.topP()),
				value(this.minP, model.minP()), (this.seed != null) ? this.seed : model.seed());
	}

	/**
	 * All variables for the chat template.
	 * @return names and values
	 */
	Map<String, Object> allTemplateVariables() {
		Map<String, Object> variables = new HashMap<>();
		if (this.templateVariables != null) {
			variables.putAll(this.templateVariables);
		}
		if (this.enableThinking != null) {
			variables.put(ENABLE_THINKING_VARIABLE, this.enableThinking);
		}
		return variables;
	}

	private void validate() {
		sampling(Sampling.GREEDY);
		Integer maxTokens = getMaxTokens();
		if (maxTokens != null && maxTokens < 1) {
			throw new IllegalArgumentException("maxTokens must be at least 1, but is " + maxTokens);
		}
		List<String> stopSequences = getStopSequences();
		if (stopSequences != null) {
			StopSequences.validate("stopSequences", stopSequences);
		}
		if (this.outputSchema != null && this.outputSchema.isBlank()) {
			throw new IllegalArgumentException("outputSchema must be a JSON Schema or null, but is blank");
		}
		if (this.toolChoice != null && this.toolChoice.isBlank()) {
			throw new IllegalArgumentException(
					"toolChoice must be auto, none, required or the name of a tool, but is blank");
		}
	}

	private static float value(@Nullable Double own, float model) {
		return (own != null) ? own.floatValue() : model;
	}

	@Override
	public Builder mutate() {
		return builder().model(getModel())
			.frequencyPenalty(getFrequencyPenalty())
			.maxTokens(getMaxTokens())
			.presencePenalty(getPresencePenalty())
			.stopSequences(getStopSequences())
			.temperature(getTemperature())
			.topK(getTopK())
			.topP(getTopP())
			.toolCallbacks(getToolCallbacks())
			.toolContext(getToolContext())
			.minP(this.minP)
			.repetitionPenalty(this.repetitionPenalty)
			.seed(this.seed)
			.enableThinking(this.enableThinking)
			.templateVariables(this.templateVariables)
			.outputSchema(this.outputSchema)
			.schemaMode(this.schemaMode)
			.schemaInPrompt(this.schemaInPrompt)
			.toolChoice(this.toolChoice)
			.parallelToolCalls(this.parallelToolCalls);
	}

	@Override
	public boolean equals(@Nullable Object o) {
		return super.equals(o) && o instanceof FlashChatOptions that && Objects.equals(this.minP, that.minP)
				&& Objects.equals(this.repetitionPenalty, that.repetitionPenalty)
				&& Objects.equals(this.seed, that.seed) && Objects.equals(this.enableThinking, that.enableThinking)
				&& Objects.equals(this.templateVariables, that.templateVariables)
				&& Objects.equals(this.outputSchema, that.outputSchema) && this.schemaMode == that.schemaMode
				&& Objects.equals(this.schemaInPrompt, that.schemaInPrompt)
				&& Objects.equals(this.toolChoice, that.toolChoice)
				&& Objects.equals(this.parallelToolCalls, that.parallelToolCalls);
	}

	@Override
	public int hashCode() {
		return Objects.hash(super.hashCode(), this.minP, this.repetitionPenalty, this.seed, this.enableThinking,
				this.templateVariables, this.outputSchema, this.schemaMode, this.schemaInPrompt, this.toolChoice,
				this.parallelToolCalls);
	}

	/**
	 * The options that are set. Of tools only the names are told, and of the tool context
	 * only the keys: its values may be secret.
	 */
	@Override
	public String toString() {
		return OptionsPrinter.print(this);
	}

	/**
	 * Collects options. Combining is idempotent: stop sequences and tools that both sides
	 * name count once.
	 */
	public static final class Builder extends FlashChatOptionsBuilder<Builder> {

		private Builder() {
		}

		@Override
		public FlashChatOptions build() {
			return new FlashChatOptions(super.build(), this);
		}

	}

}
