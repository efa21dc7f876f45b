package io.github.flashspring.engine.generate.grammar;

import java.util.Set;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.generate.Constraint;
import io.github.flashspring.engine.text.AnswerSyntax;

/**
 * A structure for a vocabulary: makes a {@link Constraint} for each sequence. What
 * sequences of the same structure find out about the vocabulary is shared. Thread-safe.
 */
public final class CompiledGrammar {

	private final Automaton start;

	private final TokenVocabulary vocabulary;

	private final TokenMasks masks;

	private final Set<String> ignored;

	private final long programBytes;

	private CompiledGrammar(Program program, TokenVocabulary vocabulary, long maskBytes, MaskCounters counters,
			Set<String> ignored) {
		this.start = Automaton.start(program);
		this.vocabulary = vocabulary;
		this.masks = new TokenMasks(vocabulary, maskBytes, counters);
		this.ignored = ignored;
		this.programBytes = 4L * program.code().length;
	}

	/**
	 * Compiles what a turn may be.
	 * @param structure of the answer; null: it is free
	 * @param calls tools that may be called; null: none
	 * @param syntax where the answer begins in what the model says, and how it writes
	 * calls
	 * @param vocabulary the tokens
	 * @param maskBytes memory for masks and states
	 * @param counters count the masks
	 * @return the grammar
	 * @throws UnsupportedSchemaException if a keyword of a schema cannot be enforced
	 * @throws GrammarException if the structure is malformed, breaks a limit, or nothing
	 * has it
	 */
	public static CompiledGrammar of(@Nullable Structure structure, @Nullable Calls calls, AnswerSyntax syntax,
			TokenVocabulary vocabulary, long maskBytes, MaskCounters counters) {
		AnswerGrammar.Composed composed = AnswerGrammar.of(structure, calls, syntax);
		return new CompiledGrammar(ProgramCompiler.compile(composed.grammar()), vocabulary, maskBytes, counters,
				composed.ignored());
	}

	/**
	 * Checks a structure without a vocabulary.
	 * @param structure of answers
	 * @throws UnsupportedSchemaException if a keyword of a schema cannot be enforced
	 * @throws GrammarException if the structure is malformed, breaks a limit, or nothing
	 * has it
	 */
	public static void check(Structure structure) {
		ProgramCompiler.compile(AnswerGrammar.of(structure, null, AnswerSyntax.PLAIN).grammar());
	}

	static CompiledGrammar of(Grammar grammar, TokenVocabulary vocabulary, long maskBytes) {
		return new CompiledGrammar(ProgramCompiler.compile(grammar), vocabulary, maskBytes, new MaskCounters(),
				Set.of());
	}

	/**
	 * A constraint for one sequence.
	 * @return the constraint, at the beginning
	 */
	public Constraint constraint() {
		return new GrammarConstraint(this.start, this.vocabulary, this.masks);
	}

	/**
	 * Keywords of a schema that are not enforced.
	 * @return JSON pointers to them, and why schemas of tools are not enforced
	 */
	public Set<String> ignored() {
		return this.ignored;
	}

	/**
	 * Memory of the compiled structure, without masks.
	 * @return bytes
	 */
	public long programBytes() {
		return this.programBytes;
	}

	Automaton start() {
		return this.start;
	}

}
