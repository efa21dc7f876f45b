package io.github.flashspring.chat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.model.tool.DefaultToolCallingChatOptions;
import org.springframework.ai.model.tool.StructuredOutputChatOptions;

/**
 * Collects options and combines them.
 *
 * @param <B> the type of the builder
 */
abstract sealed class FlashChatOptionsBuilder<B extends FlashChatOptionsBuilder<B>>
		extends DefaultToolCallingChatOptions.Builder<B> implements StructuredOutputChatOptions.Builder<B>
		permits FlashChatOptions.Builder {

	@Nullable Double minP;

	@Nullable Double repetitionPenalty;

	@Nullable Long seed;

	@Nullable Boolean enableThinking;

	@Nullable Map<String, Object> templateVariables;

	@Nullable String outputSchema;

	@Nullable SchemaMode schemaMode;

	@Nullable Boolean schemaInPrompt;

	@Nullable String toolChoice;

	@Nullable Boolean parallelToolCalls;

	/**
	 * Sets {@link FlashChatOptions#getMinP()}.
	 * @param minP 0 to 1, or null
	 * @return this
	 */
	public B minP(@Nullable Double minP) {
		this.minP = minP;
		return self();
	}

	/**
	 * Sets {@link FlashChatOptions#getRepetitionPenalty()}.
	 * @param repetitionPenalty above 0, or null
	 * @return this
	 */
	public B repetitionPenalty(@Nullable Double repetitionPenalty) {
		this.repetitionPenalty = repetitionPenalty;
		return self();
	}

	/**
	 * Sets {@link FlashChatOptions#getSeed()}.
	 * @param seed the seed, or null
	 * @return this
	 */
	public B seed(@Nullable Long seed) {
		this.seed = seed;
		return self();
	}

	/**
	 * Sets {@link FlashChatOptions#getEnableThinking()}.
	 * @param enableThinking the choice, or null
	 * @return this
	 */
	public B enableThinking(@Nullable Boolean enableThinking) {
		this.enableThinking = enableThinking;
		return self();
	}

	/**
	 * Sets {@link FlashChatOptions#getTemplateVariables()}.
	 * @param templateVariables names and values, or null
	 * @return this
	 */
	public B templateVariables(@Nullable Map<String, Object> templateVariables) {
		this.templateVariables = (templateVariables != null) ? new HashMap<>(templateVariables) : null;
		return self();
	}

	/**
	 * Sets {@link FlashChatOptions#getOutputSchema()}.
	 * @param outputSchema a JSON Schema, or null
	 * @return this
	 */
	@Override
	public B outputSchema(@Nullable String outputSchema) {
		this.outputSchema = outputSchema;
		return self();
	}

	/**
	 * Sets {@link FlashChatOptions#getSchemaMode()}.
	 * @param schemaMode the mode, or null
	 * @return this
	 */
	public B schemaMode(@Nullable SchemaMode schemaMode) {
		this.schemaMode = schemaMode;
		return self();
	}

	/**
	 * Sets {@link FlashChatOptions#getSchemaInPrompt()}.
	 * @param schemaInPrompt the choice, or null
	 * @return this
	 */
	public B schemaInPrompt(@Nullable Boolean schemaInPrompt) {
		this.schemaInPrompt = schemaInPrompt;
		return self();
	}

	/**
	 * Sets {@link FlashChatOptions#getToolChoice()}.
	 * @param toolChoice auto, none, required or the name of a tool, or null
	 * @return this
	 */
	public B toolChoice(@Nullable String toolChoice) {
		this.toolChoice = toolChoice;
		return self();
	}

	/**
	 * Sets {@link FlashChatOptions#getParallelToolCalls()}.
	 * @param parallelToolCalls the choice, or null
	 * @return this
	 */
	public B parallelToolCalls(@Nullable Boolean parallelToolCalls) {
		this.parallelToolCalls = parallelToolCalls;
		return self();
	}

	@Override
	public B clone() {
		return super.clone().templateVariables(this.templateVariables);
	}

	@Override
	public B combineWith(ChatOptions.Builder<?> other) {
		super.combineWith(other);
		if (other instanceof FlashChatOptionsBuilder<?> that) {
			this.minP = (that.minP != null) ? that.minP : this.minP;
			this.repetitionPenalty = (that.repetitionPenalty != null) ? that.repetitionPenalty : this.repetitionPenalty;
			this.seed = (that.seed != null) ? that.seed : this.seed;
			this.enableThinking = (that.enableThinking != null) ? that.enableThinking : this.enableThinking;
			if (that.templateVariables != null) {
				Map<String, Object> merged = new HashMap<>(that.templateVariables);
				if (this.templateVariables != null) {
					this.templateVariables.forEach(merged::putIfAbsent);
				}
				this.templateVariables = merged;
			}
			this.outputSchema = (that.outputSchema != null) ? that.outputSchema : this.outputSchema;
			this.schemaMode = (that.schemaMode != null) ? that.schemaMode : this.schemaMode;
			this.schemaInPrompt = (that.schemaInPrompt != null) ? that.schemaInPrompt : this.schemaInPrompt;
			this.toolChoice = (that.toolChoice != null) ? that.toolChoice : this.toolChoice;
			this.parallelToolCalls = (that.parallelToolCalls != null) ? that.parallelToolCalls : this.parallelToolCalls;
		}
		else if (other instanceof StructuredOutputChatOptions.Builder<?> structured
				&& structured.build() instanceof StructuredOutputChatOptions options
				&& options.getOutputSchema() != null) {
			this.outputSchema = options.getOutputSchema();
		}
		this.stopSequences = once(this.stopSequences);
		this.toolCallbacks = once(this.toolCallbacks);
		return self();
	}

	private static <T> @Nullable List<T> once(@Nullable List<T> values) {
		return (values != null) ? new ArrayList<>(new LinkedHashSet<>(values)) : null;
	}

}
