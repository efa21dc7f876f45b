package io.github.flashspring.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.flashspring.engine.generate.Constraint;
import io.github.flashspring.engine.generate.grammar.Calls;
import io.github.flashspring.engine.generate.grammar.GrammarException;
import io.github.flashspring.engine.generate.grammar.Structure;
import io.github.flashspring.engine.metrics.GrammarMetrics;
import io.github.flashspring.engine.text.AnswerSyntax;
import io.github.flashspring.engine.text.ChatTemplate;
import io.github.flashspring.engine.text.ChatTemplateException;
import io.github.flashspring.engine.text.ChatTemplateInput;
import io.github.flashspring.engine.text.OutputParser;
import io.github.flashspring.engine.text.StreamDecoder;
import io.github.flashspring.engine.text.Tokenizer;
import io.github.flashspring.engine.text.TokenizerException;
import io.github.flashspring.engine.text.ToolDefinition;
import io.github.flashspring.jinja.MarkedText;

/**
 * The side of a model that faces people: tokenizer and chat template, if it has them.
 */
final class ModelText implements AutoCloseable {

	private static final Logger logger = LoggerFactory.getLogger(ModelText.class);

	/**
	 * Memory of a loaded tokenizer per byte of its file: its tables of tokens and merges.
	 */
	private static final long MEMORY_FACTOR = 8;

	/** Memory of the trie of tokens for structured answers, per byte of the same file. */
	private static final long TRIE_FACTOR = 1;

	/** Tokens of the prompt that decide how the first new one reads. */
	private static final int DECODING_CONTEXT = 8;

	private final Path folder;

	private final FlashConfig.Chat settings;

	private final @Nullable Tokenizer tokenizer;

	private final @Nullable ChatTemplate template;

	/** Why there is a template that cannot be used; it is not needed for plain text. */
	private final @Nullable ChatTemplateException templateFailure;

	private final @Nullable Structures structures;

	private final long memoryBytes;

	/** Whether there is a tokenizer, loaded or not. */
	private final boolean counted;

	private ModelText(Path folder, FlashConfig.Chat settings, @Nullable Tokenizer tokenizer,
			@Nullable ChatTemplate template, @Nullable ChatTemplateException templateFailure, long fileBytes) {
		this.folder = folder;
		this.settings = settings;
		this.tokenizer = tokenizer;
		this.template = template;
		this.templateFailure = templateFailure;
		long structureBytes = Structures.memoryBytes(fileBytes);
		this.structures = (tokenizer != null) ? new Structures(tokenizer, folder, structureBytes) : null;
		this.memoryBytes = (MEMORY_FACTOR + TRIE_FACTOR) * fileBytes + structureBytes;
		this.counted = fileBytes > 0;
	}

	/**
	 * What is needed to plan: the size of the tokenizer's file tells how much memory it
	 * takes, so it is not read.
	 */
	static ModelText unread(Path folder, FlashConfig.Chat settings) {
		try {
			return new ModelText(folder, settings, null, null, null,
					Tokenizer.isPresent(folder) ? Files.size(folder.resolve("tokenizer.json")) : 0);
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	static ModelText load(Path folder, FlashConfig.Chat settings) {
		if (!Tokenizer.isPresent(folder)) {
			return new ModelText(folder, settings, null, null, null, 0);
		}
		ChatTemplate template = null;
		ChatTemplateException failure = null;
		try {
			template = found(folder, settings).map((found) -> found.withTools(settings.tools())).orElse(null);
			if (template != null) {
				logger.debug("The chat template of {} can carry: {}", folder, template.capabilities());
			}
		}
		catch (ChatTemplateException ex) {
			failure = ex;
		}
		try {
			long bytes = Files.size(folder.resolve("tokenizer.json"));
			return new ModelText(folder, settings, Tokenizer.load(folder, template), template, failure, bytes);
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	private static Optional<ChatTemplate> found(Path folder, FlashConfig.Chat settings) {
		String source = settings.template();
		return (source != null) ? Optional.of(ChatTemplate.replacing(folder, source, "the configured chat template"))
				: ChatTemplate.find(folder);
	}

	/**
	 * Memory of the tokenizer, with that of encoding one prompt.
	 * @param contextLength tokens that a prompt may have
	 * @return bytes
	 */
	long memoryBytes(int contextLength) {
		return this.counted ? this.memoryBytes + Tokenizer.encodingBytes(contextLength) : 0;
	}

	/** Masks of structured answers. */
	GrammarMetrics grammarMetrics() {
		return (this.structures != null) ? this.structures.metrics() : GrammarMetrics.NONE;
	}

	boolean hasTokenizer() {
		return this.tokenizer != null;
	}

	boolean isChat() {
		return this.template != null || this.templateFailure != null;
	}

	Set<Integer> endOfTurnTokens() {
		return (this.tokenizer != null) ? this.tokenizer.endOfTurnTokens() : Tokenizer.endOfTurnTokens(this.folder);
	}

	/**
	 * Turns the prompt of a request into tokens, and makes what reads the answer.
	 * @param request what is to be generated
	 * @param model named in errors, and how long its context is
	 * @return tokens and pipeline
	 * @throws FlashEngineException if the prompt surely exceeds the context, which is
	 * known before all of it is encoded
	 */
	Prepared prepare(GenerationRequest request, ModelInfo model) {
		return switch (request.prompt()) {
			case GenerationRequest.Tokens tokens -> continuation(tokens.ids(), request);
			case GenerationRequest.Text text -> {
				MarkedText marked = text.parseSpecialTokens() ? MarkedText.trusted(text.text())
						: MarkedText.untrusted(text.text());
				yield continuation(encode(marked, true, model), request);
			}
			case GenerationRequest.Chat chat -> conversation(chat, request, model);
		};
	}

	private @Nullable Constraint constraint(@Nullable Structure structure, @Nullable Calls calls, AnswerSyntax syntax) {
		if (structure == null && calls == null) {
			return null;
		}
		requireTokenizer();
		try {
			Constraint constraint = Objects.requireNonNull(this.structures).constraint(structure, calls, syntax);
			// The first mask is ready, or refused, before the request is queued.
			long[] ignored = constraint.admitted();
			return constraint;
		}
		catch (TokenizerException | GrammarException ex) {
			if (structure == null && calls != null && !calls.required()) {
				logger.debug("Calls of tools are not forced to be well-formed", ex);
				return null;
			}
			throw ex;
		}
	}

	/** The tools that may be called, if the model can be forced to call them rightly. */
	private static @Nullable Calls calls(GenerationRequest.Chat chat, AnswerSyntax syntax) {
		ToolChoice choice = chat.toolChoice();
		List<ToolDefinition> callable = choice.callable(chat.tools());
		boolean required = choice.use() == ToolChoice.Use.REQUIRED;
		if (callable.isEmpty()) {
			return null;
		}
		if (!syntax.knowsCalls()) {
			if (required || !choice.parallel()) {
				throw new FlashEngineException(
						"A tool choice other than 'auto' cannot be enforced: how this model writes calls is not known well enough. Leave the tool choice unset.");
			}
			return null;
		}
		return new Calls(callable, required, choice.parallel());
	}

	private int[] encode(MarkedText text, boolean addSpecialTokens, ModelInfo model) {
		Tokenizer present = requireTokenizer();
		String prompt = this.settings.parseSpecialTokens() ? text.string() : present.hideUntrusted(text);
		if (present.exceeds(prompt, model.contextLength())) {
			throw new FlashEngineException(
					"The prompt has %d characters, too many for the context of %s, which is %d tokens long and must hold the answer too. Shorten the prompt or raise the context length."
						.formatted(prompt.length(), model.id(), model.contextLength()));
		}
		return present.encode(prompt, addSpecialTokens);
	}

	/** A continuation keeps the space between the prompt and its first new token. */
	private Prepared continuation(int[] tokens, GenerationRequest request) {
		Constraint constraint = constraint(request.structure(), null, AnswerSyntax.PLAIN);
		StreamDecoder decoder = (this.tokenizer != null) ? this.tokenizer.streamDecoder() : null;
		if (decoder != null) {
			Arrays.stream(tokens, Math.max(0, tokens.length - DECODING_CONTEXT), tokens.length)
				.filter((token) -> token >= 0)
				.forEach(decoder::append);
		}
		return new Prepared(tokens, new TextPipeline(decoder, request.stopSequences(), OutputParser.plain()),
				constraint);
	}

	private Prepared conversation(GenerationRequest.Chat chat, GenerationRequest request, ModelInfo model) {
		Tokenizer present = requireTokenizer();
		if (this.templateFailure != null) {
			throw new ChatTemplateException(this.templateFailure.description(), this.templateFailure.action(),
					this.templateFailure);
		}
		if (this.template == null) {
			throw ChatTemplate.missing(this.folder);
		}
		List<ToolDefinition> tools = (chat.toolChoice().use() == ToolChoice.Use.NONE) ? List.of() : chat.tools();
		MarkedText prompt = this.template.renderMarked(new ChatTemplateInput(
				SchemaPrompt.messages(chat.messages(), request.structure()), tools, true, chat.templateVariables()));
		// what a user wrote does not say where the answer begins
		String trusted = prompt.trustedCharacters();
		OutputParser parser = OutputParser.create(this.template, trusted, tools);
		AnswerSyntax syntax = AnswerSyntax.of(this.template, trusted);
		Constraint constraint = constraint(request.structure(), calls(chat, syntax), syntax);
		return new Prepared(encode(prompt, false, model),
				new TextPipeline(present.streamDecoder(parser.markers()), request.stopSequences(), parser), constraint);
	}

	private Tokenizer requireTokenizer() {
		if (this.tokenizer == null) {
			TokenizerException missing = Tokenizer.missing(this.folder);
			throw new FlashEngineException(
					missing.description() + " The model understands token ids only. " + missing.action());
		}
		return this.tokenizer;
	}

	@Override
	public void close() {
		if (this.tokenizer != null) {
			this.tokenizer.close();
		}
	}

	/**
	 * A prompt that is ready.
	 *
	 * @param tokens its token ids
	 * @param pipeline reads the tokens that follow
	 * @param constraint restricts them, or null
	 */
	record Prepared(int[] tokens, TextPipeline pipeline, @Nullable Constraint constraint) {

	}

}
