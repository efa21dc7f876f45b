package io.github.flashspring.engine;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.flashspring.engine.generate.Constraint;
import io.github.flashspring.engine.generate.grammar.Calls;
import io.github.flashspring.engine.generate.grammar.CompiledGrammar;
import io.github.flashspring.engine.generate.grammar.GrammarException;
import io.github.flashspring.engine.generate.grammar.MaskCounters;
import io.github.flashspring.engine.generate.grammar.Structure;
import io.github.flashspring.engine.generate.grammar.TokenVocabulary;
import io.github.flashspring.engine.metrics.ByteSize;
import io.github.flashspring.engine.metrics.GrammarMetrics;
import io.github.flashspring.engine.text.AnswerSyntax;
import io.github.flashspring.engine.text.Tokenizer;
import io.github.flashspring.engine.text.ToolDefinition;

/**
 * Compiled structures of answers, of which the latest are kept: applications ask for the
 * same few again and again. The vocabulary is arranged when the first is asked for.
 */
final class Structures {

	private static final Logger logger = LoggerFactory.getLogger(Structures.class);

	/** Structures that are kept. */
	private static final int MAX_KEPT = 4;

	/** Memory per byte of the tokenizer's file, half of it for masks. */
	private static final long MEMORY_FACTOR = 2;

	/** Memory with a small vocabulary. */
	private static final long MIN_BYTES = 64 << 10;

	/**
	 * A structure may take as much with any vocabulary, and exceed what is planned where
	 * the tokenizer's file is smaller.
	 */
	private static final long MIN_LIMIT = 2 << 20;

	private final Tokenizer tokenizer;

	private final Path folder;

	private final long maskBytes;

	private final long programBytes;

	private final MaskCounters counters = new MaskCounters();

	private final SequencedMap<Key, CompiledGrammar> kept = new LinkedHashMap<>(16, 0.75f, true);

	private @Nullable TokenVocabulary vocabulary;

	/**
	 * Makes an empty collection.
	 * @param tokenizer knows the tokens
	 * @param folder the folder that it was loaded from
	 * @param memoryBytes memory for structures and their masks
	 */
	Structures(Tokenizer tokenizer, Path folder, long memoryBytes) {
		this.tokenizer = tokenizer;
		this.folder = folder;
		this.programBytes = memoryBytes / 2;
		this.maskBytes = memoryBytes / 2 / MAX_KEPT;
	}

	/**
	 * Memory for structures and their masks.
	 * @param fileBytes size of the tokenizer's file
	 * @return bytes
	 */
	static long memoryBytes(long fileBytes) {
		return Math.max(MIN_BYTES, MEMORY_FACTOR * fileBytes);
	}

	GrammarMetrics metrics() {
		return this.counters.snapshot();
	}

	/**
	 * A constraint for one answer.
	 * @param structure of the answer; null: it is free
	 * @param calls tools that may be called; null: none
	 * @param syntax where the answer begins, and how calls are written
	 * @return the constraint
	 */
	Constraint constraint(@Nullable Structure structure, @Nullable Calls calls, AnswerSyntax syntax) {
		Key key = new Key(structure, calls, syntax);
		CompiledGrammar grammar;
		synchronized (this.kept) {
			grammar = this.kept.get(key);
		}
		if (grammar == null) {
			// Large schemas take a while: others need not wait for them.
			grammar = CompiledGrammar.of(structure, calls, syntax, vocabulary(), this.maskBytes, this.counters);
			long limit = Math.max(MIN_LIMIT, this.programBytes);
			if (bytes(key, grammar) > limit) {
				throw new GrammarException(
						"The structure is too large: it takes %s, but %s are planned for structures with this tokenizer. Use a smaller schema, or fewer tools."
							.formatted(ByteSize.readable(bytes(key, grammar)), ByteSize.readable(limit)));
			}
			if (!grammar.ignored().isEmpty()) {
				logger.warn("Parts of JSON Schemas are not enforced: {}", grammar.ignored());
			}
			keep(key, grammar);
		}
		return grammar.constraint();
	}

	private void keep(Key key, CompiledGrammar grammar) {
		synchronized (this.kept) {
			this.kept.put(key, grammar);
			while (this.kept.size() > MAX_KEPT || this.kept.size() > 1 && keptBytes() > this.programBytes) {
				this.kept.pollFirstEntry();
			}
		}
	}

	/** Memory of what is kept, without masks. */
	long keptBytes() {
		synchronized (this.kept) {
			return this.kept.entrySet().stream().mapToLong((each) -> bytes(each.getKey(), each.getValue())).sum();
		}
	}

	private static long bytes(Key key, CompiledGrammar grammar) {
		long characters = switch (key.structure()) {
			case Structure.JsonSchema schema -> schema.schema().length();
			case Structure.Gbnf gbnf -> gbnf.grammar().length();
			case null -> 0;
		};
		if (key.calls() != null) {
			for (ToolDefinition tool : key.calls().tools()) {
				characters += tool.name().length() + tool.description().length() + tool.parametersJsonSchema().length();
			}
		}
		return grammar.programBytes() + 2 * characters;
	}

	private synchronized TokenVocabulary vocabulary() {
		TokenVocabulary known = this.vocabulary;
		if (known == null) {
			List<byte @Nullable []> tokens = new ArrayList<>(this.tokenizer.tokenBytes(this.folder));
			Set<Integer> ends = this.tokenizer.endOfTurnTokens();
			for (int id = 0; id < tokens.size(); id++) {
				byte[] token = tokens.get(id);
				if (ends.contains(id)) {
					tokens.set(id, null);
				}
				else if (token != null && this.tokenizer.isSpecial(id)) {
					tokens.set(id, TokenVocabulary.specialBytes(new String(token, StandardCharsets.UTF_8)));
				}
				else if (token != null && !TokenVocabulary.isText(token)) {
					tokens.set(id, null);
				}
			}
			known = new TokenVocabulary(tokens);
			this.vocabulary = known;
		}
		return known;
	}

	/** What a compiled grammar depends on. */
	private record Key(@Nullable Structure structure, @Nullable Calls calls, AnswerSyntax syntax) {

	}

}
