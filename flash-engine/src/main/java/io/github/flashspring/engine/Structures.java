package io.github.flashspring.engine;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import io.github.flashspring.engine.generate.Constraint;
import io.github.flashspring.engine.generate.grammar.Calls;
import io.github.flashspring.engine.generate.grammar.CompiledGrammar;
import io.github.flashspring.engine.generate.grammar.Structure;
import io.github.flashspring.engine.generate.grammar.TokenVocabulary;
import io.github.flashspring.engine.tokenizer.AnswerSyntax;
import io.github.flashspring.engine.tokenizer.Tokenizer;

/**
 * Compiled structures of answers, of which the latest are kept: applications ask for the
 * same few again and again. The vocabulary is arranged when the first is asked for.
 */
final class Structures {

	private static final Logger logger = LoggerFactory.getLogger(Structures.class);

	/** Structures that are kept. */
	private static final int MAX_KEPT = 4;

	private static final long MIN_MASK_BYTES = 64 << 10;

	private final Tokenizer tokenizer;

	private final Path folder;

	private final long maskBytes;

	private final Map<Key, CompiledGrammar> kept = new LinkedHashMap<>(16, 0.75f, true);

	private @Nullable TokenVocabulary vocabulary;

	/**
	 * Makes an empty collection.
	 * @param tokenizer knows the tokens
	 * @param folder the folder that it was loaded from
	 * @param memoryBytes memory for the masks of all structures
	 */
	Structures(Tokenizer tokenizer, Path folder, long memoryBytes) {
		this.tokenizer = tokenizer;
		this.folder = folder;
		this.maskBytes = Math.max(MIN_MASK_BYTES, memoryBytes / MAX_KEPT);
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
			grammar = CompiledGrammar.of(structure, calls, syntax, vocabulary(), this.maskBytes);
			if (!grammar.ignored().isEmpty()) {
				logger.warn("Parts of JSON Schemas are not enforced: {}", grammar.ignored());
			}
			synchronized (this.kept) {
				this.kept.put(key, grammar);
				if (this.kept.size() > MAX_KEPT) {
					this.kept.remove(this.kept.keySet().iterator().next());
				}
			}
		}
		return grammar.constraint();
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
