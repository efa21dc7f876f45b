package io.github.flashspring.engine.generate.grammar;

import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * A set of byte strings, as an expression. Front ends (JSON Schema, GBNF) build
 * expressions, {@link Program} compiles them.
 */
sealed interface Expr {

	/** No upper bound of a repetition. */
	int UNBOUNDED = Integer.MAX_VALUE;

	/** The empty text alone. */
	Expr EMPTY = new Seq(List.of());

	/** Nothing at all, not even the empty text. */
	Expr NOTHING = new Alt(List.of());

	static Expr literal(String text) {
		return new Literals(List.of(text.getBytes(StandardCharsets.UTF_8)));
	}

	static Expr literals(List<String> texts) {
		return new Literals(texts.stream().map((text) -> text.getBytes(StandardCharsets.UTF_8)).toList());
	}

	/**
	 * A special token, which no text can spell.
	 * @param text its text, such as {@code <|channel|>}
	 * @return the expression
	 */
	static Expr specialToken(String text) {
		return new Literals(List.of(TokenVocabulary.specialBytes(text)));
	}

	static Expr seq(Expr... parts) {
		return new Seq(List.of(parts));
	}

	static Expr alt(Expr... choices) {
		return new Alt(List.of(choices));
	}

	static Expr optional(Expr part) {
		return new Alt(List.of(part, EMPTY));
	}

	static Expr many(Expr part) {
		return new Repeat(part, 0, UNBOUNDED);
	}

	/** One after the other. */
	record Seq(List<Expr> parts) implements Expr {

		public Seq {
			parts = List.copyOf(parts);
		}

	}

	/** Any one of them. */
	record Alt(List<Expr> choices) implements Expr {

		public Alt {
			choices = List.copyOf(choices);
		}

	}

	/** Any one of these texts; compiled as a trie, so that there may be many. */
	record Literals(List<byte[]> texts) implements Expr {

		public Literals {
			texts = List.copyOf(texts);
		}

	}

	/**
	 * Repetitions, counted and not unrolled.
	 *
	 * @param part what is repeated
	 * @param min least repetitions
	 * @param max most repetitions, or {@link #UNBOUNDED}
	 */
	record Repeat(Expr part, int min, int max) implements Expr {

	}

	/**
	 * What a rule stands for.
	 *
	 * @param index of the rule in its {@link Grammar}
	 */
	record Rule(int index) implements Expr {

	}

	/**
	 * The content of a JSON string without its quotes, in any of its spellings.
	 *
	 * @param min least code points
	 * @param max most code points
	 */
	record JsonText(int min, int max) implements Expr {

	}

	/**
	 * A deterministic automaton over bytes. State 0 begins. A state with an exit may go
	 * on with that expression, after which the automaton is left.
	 */
	record Machine(List<State> states, List<Expr> exits) implements Expr {

		/**
		 * A state.
		 *
		 * @param lows first byte of each transition, rising
		 * @param highs last byte of each
		 * @param targets state that each leads to
		 * @param exit index of an exit, or -1
		 */
		record State(int[] lows, int[] highs, int[] targets, int exit) {

		}

	}

	/**
	 * Bounds how often {@link Tick} occurs in an expression.
	 *
	 * @param max most ticks
	 * @param part the expression
	 */
	record Counted(int max, Expr part) implements Expr {

	}

	/**
	 * Counts towards the {@link Counted} around it; impossible unless enough is left.
	 *
	 * @param reserve ticks that are needed afterwards
	 */
	record Tick(int reserve) implements Expr {

	}

	/**
	 * The empty text, if the {@link Counted} around it has a tick left.
	 */
	record TickLeft() implements Expr {

	}

}
