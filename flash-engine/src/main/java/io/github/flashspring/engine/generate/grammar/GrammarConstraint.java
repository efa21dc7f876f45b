package io.github.flashspring.engine.generate.grammar;

import io.github.flashspring.engine.generate.Constraint;

/**
 * Admits the tokens that a grammar admits.
 */
final class GrammarConstraint implements Constraint {

	private final TokenVocabulary vocabulary;

	private final TokenMasks masks;

	private Automaton at;

	GrammarConstraint(Automaton start, TokenVocabulary vocabulary, TokenMasks masks) {
		this.at = start;
		this.vocabulary = vocabulary;
		this.masks = masks;
	}

	@Override
	public long[] admitted() {
		return this.masks.admitted(this.at);
	}

	@Override
	public boolean mayEnd() {
		return this.at.isAccepting();
	}

	@Override
	public boolean isComplete() {
		return this.at.isComplete();
	}

	@Override
	public Runnable preparation() {
		Automaton next = this.at;
		return () -> this.masks.prepare(next);
	}

	@Override
	public void advance(int token) {
		byte[] bytes = this.vocabulary.bytes(token);
		Automaton next = this.at.step(bytes);
		if (bytes.length == 0 || next.isDead()) {
			throw new IllegalArgumentException("The grammar does not admit the token " + token);
		}
		this.at = next;
	}

}
