package io.github.flashspring.jinja;

/**
 * What rendering may use at most. A template beyond a limit fails, whatever it does.
 *
 * @param source characters of a template's source
 * @param text characters of any one text, the output included
 * @param items elements of any one list
 * @param work steps, of which a processor does some ten million a second; eight
 * characters count as one
 * @param depth nesting of expressions, statements, macros and values
 */
public record Limits(int source, int text, int items, long work, int depth) {

	/** 1 MiB of source, 16 MiB of text, a few seconds of work. */
	public static final Limits DEFAULT = new Limits(1 << 20, 16 << 20, 1_000_000, 20_000_000L, 600);

}
