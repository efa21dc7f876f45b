package io.github.flashspring.engine.generate.grammar;

/**
 * A compiled grammar: instructions of a nondeterministic pushdown automaton over bytes,
 * as Thompson's construction gives them, with a stack for rules and counters.
 *
 * @param code the instructions
 * @param start where the first rule begins
 * @param maxReserve the largest reserve of an {@link Expr.Tick}
 * @see <a href="https://doi.org/10.1145/363347.363387">Thompson: Regular Expression
 * Search Algorithm</a>
 */
record Program(int[] code, int start, int maxReserve) {

	/** A byte from bits 8-15 to bits 16-23; the next instruction follows. */
	static final int BYTE = 0;

	/**
	 * As many ranges of bytes as bits 8-31 say, rising and disjoint, each as low |
	 * high&lt;&lt;8 and a target.
	 */
	static final int BRANCH = 1;

	/** As {@link #BRANCH}, at the beginning of a character of a JSON text. */
	static final int BRANCH_TEXT = 2;

	/** As many targets as bits 8-31 say; all of them are possible. */
	static final int SPLIT = 3;

	/** Goes on at a target. */
	static final int JUMP = 4;

	/** Goes on at a target, and behind this instruction when that returns. */
	static final int CALL = 5;

	/** Returns from a rule. */
	static final int RETURN = 6;

	/** Pushes a counter with a minimum and a maximum. */
	static final int COUNT = 7;

	/**
	 * Either counts and goes on behind this instruction, or drops the counter and goes on
	 * at a target. Bit 8: the part may be empty.
	 */
	static final int LOOP = 8;

	/** Counts, if more than bits 8-31 is left. */
	static final int TICK = 9;

	/** Goes on if anything is left to count. */
	static final int TICK_LEFT = 11;

	/** Drops the counter. */
	static final int DROP = 10;

	static int op(int instruction) {
		return instruction & 0xff;
	}

	static int argument(int instruction) {
		return instruction >>> 8;
	}

}
