package io.github.flashspring.engine.generate.grammar;

import java.util.List;
import java.util.Map;
import java.util.Set;

import org.jspecify.annotations.Nullable;

/**
 * Compiles what texts must match, within bounds for all patterns of a schema together.
 */
final class PatternCompiler {

	/** Steps of the construction of all patterns: some seconds. */
	private static final int MAX_PATTERN_WORK = 1 << 24;

	/** States of the automata of all patterns: 16 MiB while compiling. */
	private static final int MAX_PATTERN_STATES = 1 << 17;

	/** Lengths of strings that are counted where their content is restricted. */
	private static final int MAX_COUNTED = 256;

	/** Gets the keywords that are not enforced, as pointers. */
	private final Set<String> ignored;

	private int patternWork;

	private int patternStates;

	PatternCompiler(Set<String> ignored) {
		this.ignored = ignored;
	}

	/**
	 * Runs what a string must be.
	 * @param string the string
	 * @param without what it must not contain, null: anything may be in it
	 * @param pointer where it comes from, for errors
	 * @return the automaton, with the label 1
	 */
	TextAutomaton automaton(Shape.Str string, @Nullable Regex without, String pointer) {
		List<Regex> patterns = List.copyOf(string.patterns().values());
		boolean counted = string.min() > MAX_COUNTED || string.max() != Expr.UNBOUNDED && string.max() > MAX_COUNTED;
		if (without != null && counted) {
			this.ignored.add(pointer.replace("/pattern", "/maxLength"));
			return automaton(patterns, without, true, Math.min(string.min(), MAX_COUNTED), Expr.UNBOUNDED, pointer);
		}
		return automaton(patterns, without, true, string.min(), string.max(), pointer);
	}

	TextAutomaton automaton(List<Regex> regexes, @Nullable Regex without, boolean all, int min, int max,
			String pointer) {
		TextAutomaton automaton;
		try {
			automaton = TextAutomaton.of(regexes, without, all, min, max);
		}
		catch (GrammarException ex) {
			throw new UnsupportedSchemaException(pointer, "pattern", "has an expression in which " + ex.getMessage(),
					"Use a simpler one, or fewer together.");
		}
		this.patternWork += automaton.work();
		bound(pointer);
		return automaton;
	}

	/**
	 * A text as it is.
	 * @param automaton what it must be
	 * @param exits label to what follows
	 * @param pointer where it comes from, for errors
	 * @return the expression
	 */
	Expr text(TextAutomaton automaton, Map<Integer, Expr> exits, String pointer) {
		Expr.Machine machine = automaton.toText(exits);
		this.patternStates += machine.states().size();
		bound(pointer);
		return machine;
	}

	/**
	 * The content of a JSON string.
	 * @param automaton what it must be
	 * @param exits label to what follows
	 * @param pointer where it comes from, for errors
	 * @return the expression
	 */
	Expr content(TextAutomaton automaton, Map<Integer, Expr> exits, String pointer) {
		Expr.Machine machine = automaton.toJson(exits);
		this.patternStates += machine.states().size();
		bound(pointer);
		return machine;
	}

	private void bound(String pointer) {
		if (this.patternWork > MAX_PATTERN_WORK || this.patternStates > MAX_PATTERN_STATES) {
			throw new UnsupportedSchemaException(pointer, "pattern", "is one of too many that are too complex together",
					"Use simpler ones, or fewer.");
		}
	}

}
