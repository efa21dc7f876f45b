package io.github.flashspring.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.tokenizer.ChatTemplate;
import io.github.flashspring.engine.tokenizer.ChatTemplateInput;
import io.github.flashspring.engine.tokenizer.StreamDecoder;
import io.github.flashspring.engine.tokenizer.Tokenizer;

/**
 * The side of a model that faces people: tokenizer and chat template, if it has them.
 */
final class ModelText implements AutoCloseable {

	/**
	 * Memory of a loaded tokenizer per byte of its file: its tables of tokens and merges.
	 */
	private static final long MEMORY_FACTOR = 8;

	/** Tokens of the prompt that decide how the first new one reads. */
	private static final int DECODING_CONTEXT = 8;

	private final Path folder;

	private final @Nullable Tokenizer tokenizer;

	private final @Nullable ChatTemplate template;

	private final long memoryBytes;

	private ModelText(Path folder, @Nullable Tokenizer tokenizer, @Nullable ChatTemplate template, long memoryBytes) {
		this.folder = folder;
		this.tokenizer = tokenizer;
		this.template = template;
		this.memoryBytes = memoryBytes;
	}

	static ModelText load(Path folder) {
		if (!Tokenizer.isPresent(folder)) {
			return new ModelText(folder, null, null, 0);
		}
		try {
			return new ModelText(folder, Tokenizer.load(folder), ChatTemplate.find(folder).orElse(null),
					MEMORY_FACTOR * Files.size(folder.resolve("tokenizer.json")));
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	long memoryBytes() {
		return this.memoryBytes;
	}

	boolean isChat() {
		return this.template != null;
	}

	Set<Integer> endOfTurnTokens() {
		return (this.tokenizer != null) ? this.tokenizer.endOfTurnTokens() : Set.of();
	}

	int[] encode(GenerationRequest.Prompt prompt) {
		return switch (prompt) {
			case GenerationRequest.Tokens tokens -> tokens.ids();
			case GenerationRequest.Text text -> requireTokenizer().encode(text.text(), true);
			case GenerationRequest.Chat chat -> {
				Tokenizer present = requireTokenizer();
				if (this.template == null) {
					throw ChatTemplate.missing(this.folder);
				}
				yield present.encode(
						this.template.render(
								new ChatTemplateInput(chat.messages(), chat.tools(), true, chat.templateVariables())),
						false);
			}
		};
	}

	private Tokenizer requireTokenizer() {
		if (this.tokenizer == null) {
			throw new FlashEngineException("The model in " + this.folder
					+ " has no tokenizer.json, so it understands token ids only. Download the model's tokenizer.json into its folder.");
		}
		return this.tokenizer;
	}

	/**
	 * Makes events of the tokens that will follow a prompt.
	 * @param request what is to be generated
	 * @param prompt the tokens of its prompt
	 * @return the pipeline
	 */
	TextPipeline pipeline(GenerationRequest request, int[] prompt) {
		if (this.tokenizer == null) {
			return TextPipeline.withoutTokenizer();
		}
		StreamDecoder decoder = this.tokenizer.streamDecoder();
		if (!(request.prompt() instanceof GenerationRequest.Chat)) {
			// a continuation keeps the space between the prompt and its first token
			Arrays.stream(prompt, Math.max(0, prompt.length - DECODING_CONTEXT), prompt.length)
				.forEach(decoder::append);
		}
		return TextPipeline.of(decoder, request.stopSequences());
	}

	@Override
	public void close() {
		if (this.tokenizer != null) {
			this.tokenizer.close();
		}
	}

}
