package io.github.flashspring.engine;

import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.generate.StopSequences;
import io.github.flashspring.engine.generate.grammar.Structure;
import io.github.flashspring.engine.text.ChatMessage;
import io.github.flashspring.engine.text.ToolDefinition;

/**
 * What to generate.
 *
 * @param prompt conversation, text or tokens to continue
 * @param sampling how tokens are chosen; null: {@link ModelInfo#sampling()}
 * @param maxTokens most tokens to generate; null: what is left of the context
 * @param stopSequences texts that end the generation where the answer has one of them,
 * which is not part of it; reasoning and tool calls are not looked at. One that is a
 * special token ends the generation wherever the model writes it. At most 64, of 1 to 512
 * characters each
 * @param ignoreEndOfTurn continue past end-of-text tokens
 * @param structure what the answer must look like; null: anything. Reasoning before it is
 * free. The answer ends when it is complete
 */
public record GenerationRequest(Prompt prompt, @Nullable Sampling sampling, @Nullable Integer maxTokens,
		List<String> stopSequences, boolean ignoreEndOfTurn, @Nullable Structure structure) {

	public GenerationRequest {
		stopSequences = List.copyOf(stopSequences);
		if (maxTokens != null && maxTokens < 1) {
			throw new IllegalArgumentException("maxTokens must be at least 1, but is " + maxTokens);
		}
		StopSequences.validate("stopSequences", stopSequences);
	}

	/**
	 * A request for an answer of any structure.
	 * @param prompt conversation, text or tokens to continue
	 * @param sampling how tokens are chosen, or null
	 * @param maxTokens most tokens to generate, or null
	 * @param stopSequences texts that end the generation
	 * @param ignoreEndOfTurn continue past end-of-text tokens
	 */
	public GenerationRequest(Prompt prompt, @Nullable Sampling sampling, @Nullable Integer maxTokens,
			List<String> stopSequences, boolean ignoreEndOfTurn) {
		this(prompt, sampling, maxTokens, stopSequences, ignoreEndOfTurn, null);
	}

	/**
	 * This request for an answer of a structure.
	 * @param structure what the answer must look like
	 * @return the request
	 */
	public GenerationRequest withStructure(@Nullable Structure structure) {
		return new GenerationRequest(this.prompt, this.sampling, this.maxTokens, this.stopSequences,
				this.ignoreEndOfTurn, structure);
	}

	/**
	 * This request with another tool choice.
	 * @param choice whether tools are called
	 * @return the request; the same one if the prompt is no conversation
	 */
	public GenerationRequest withToolChoice(ToolChoice choice) {
		if (!(this.prompt instanceof Chat chat)) {
			return this;
		}
		return new GenerationRequest(new Chat(chat.messages(), chat.tools(), chat.templateVariables(), choice),
				this.sampling, this.maxTokens, this.stopSequences, this.ignoreEndOfTurn, this.structure);
	}

	/**
	 * A request with default settings.
	 * @param prompt conversation, text or tokens to continue
	 * @return the request
	 */
	public static GenerationRequest of(Prompt prompt) {
		return new GenerationRequest(prompt, null, null, List.of(), false);
	}

	/** What a generation starts from. */
	public sealed interface Prompt {

	}

	/**
	 * A conversation; the model's chat template turns it into text.
	 *
	 * @param messages the messages so far, oldest first
	 * @param tools tools that the model may call
	 * @param templateVariables further variables of the template, such as
	 * {@code enable_thinking}
	 * @param toolChoice whether tools are called
	 */
	public record Chat(List<ChatMessage> messages, List<ToolDefinition> tools, Map<String, Object> templateVariables,
			ToolChoice toolChoice) implements Prompt {

		public Chat {
			messages = List.copyOf(messages);
			tools = List.copyOf(tools);
			templateVariables = Map.copyOf(templateVariables);
		}

		/**
		 * A conversation in which the model decides whether it calls tools.
		 * @param messages the messages so far, oldest first
		 * @param tools tools that the model may call
		 * @param templateVariables further variables of the template
		 */
		public Chat(List<ChatMessage> messages, List<ToolDefinition> tools, Map<String, Object> templateVariables) {
			this(messages, tools, templateVariables, ToolChoice.AUTO);
		}

	}

	/**
	 * Plain text, continued as it is.
	 *
	 * @param text the text; special tokens such as the beginning of a text are added as
	 * the tokenizer does by default
	 * @param parseSpecialTokens whether the texts of special tokens within the text are
	 * read as these tokens, which is unsafe for what users write
	 */
	public record Text(String text, boolean parseSpecialTokens) implements Prompt {

		/**
		 * A text whose special tokens are read as such.
		 * @param text the text
		 */
		public Text(String text) {
			this(text, true);
		}

	}

	/**
	 * Token ids, continued as they are.
	 *
	 * @param ids at least one id of the model's vocabulary
	 */
	public record Tokens(int[] ids) implements Prompt {

	}

}
