package io.github.flashspring.jinja;

import java.util.Arrays;

import org.jspecify.annotations.Nullable;

/**
 * A text and which of its characters are untrusted: those that came from variables marked
 * as {@link Untrusted}. It is the type of all texts while a template is rendered, so that
 * no operation can lose the marks without saying so. Two texts with the same characters
 * are equal, whatever their marks.
 */
public final class MarkedText {

	private static final int[] NOWHERE = {};

	static final MarkedText EMPTY = trusted("");

	private final String string;

	/** Where untrusted ranges begin and end, in turns and ascending. */
	private final int[] borders;

	private MarkedText(String string, int[] borders) {
		this.string = string;
		this.borders = borders;
	}

	/**
	 * A text of the template itself.
	 * @param string its characters
	 * @return the text
	 */
	public static MarkedText trusted(String string) {
		return new MarkedText(string, NOWHERE);
	}

	/**
	 * A text from outside.
	 * @param string its characters
	 * @return the text
	 */
	public static MarkedText untrusted(String string) {
		return string.isEmpty() ? EMPTY : new MarkedText(string, new int[] { 0, string.length() });
	}

	static MarkedText of(String string, int[] borders) {
		return new MarkedText(string, borders);
	}

	/**
	 * The characters.
	 * @return the text without its marks
	 */
	public String string() {
		return this.string;
	}

	/**
	 * Whether there is anything untrusted.
	 * @return whether at least one character is
	 */
	public boolean hasUntrusted() {
		return this.borders.length > 0;
	}

	/**
	 * Whether a character is untrusted.
	 * @param index its index
	 * @return whether it came from outside
	 */
	public boolean isUntrusted(int index) {
		int found = Arrays.binarySearch(this.borders, index);
		// a border counts for the range that begins there, and not for the one that ends
		return ((found >= 0) ? found : -found - 2) % 2 == 0;
	}

	/**
	 * The first untrusted character of a range.
	 * @param from where the range begins
	 * @param to where it ends
	 * @return its index, -1 if there is none
	 */
	public int firstUntrusted(int from, int to) {
		if (from < to && isUntrusted(from)) {
			return from;
		}
		int found = Arrays.binarySearch(this.borders, from);
		int next = (found >= 0) ? found : -found - 1;
		next += next % 2;
		return (next < this.borders.length && this.borders[next] < to) ? this.borders[next] : -1;
	}

	/**
	 * What the template itself wrote.
	 * @return the trusted characters, without the untrusted ones between them
	 */
	public String trustedCharacters() {
		if (this.borders.length == 0) {
			return this.string;
		}
		StringBuilder trusted = new StringBuilder();
		int from = 0;
		for (int i = 0; i < this.borders.length; i += 2) {
			trusted.append(this.string, from, this.borders[i]);
			from = this.borders[i + 1];
		}
		return trusted.append(this.string, from, this.string.length()).toString();
	}

	boolean isEmpty() {
		return this.string.isEmpty();
	}

	int length() {
		return this.string.length();
	}

	MarkedText substring(int from) {
		return substring(from, this.string.length());
	}

	MarkedText substring(int from, int to) {
		if (from == 0 && to == this.string.length()) {
			return this;
		}
		return new MarkedText(this.string.substring(from, to), borders(from, to, 0));
	}

	/**
	 * The untrusted ranges within a range.
	 * @param from where the range begins
	 * @param to where it ends
	 * @param shift what to add to the indices, counted from the range's beginning
	 * @return where they begin and end, in turns
	 */
	int[] borders(int from, int to, int shift) {
		if (this.borders.length == 0 || from >= to) {
			return NOWHERE;
		}
		int found = Arrays.binarySearch(this.borders, from);
		int first = ((found >= 0) ? found : -found - 1) & ~1;
		int last = first;
		while (last < this.borders.length && this.borders[last] < to) {
			last += 2;
		}
		int[] part = new int[last - first];
		int size = 0;
		for (int i = first; i < last; i += 2) {
			int begin = Math.max(this.borders[i], from);
			int end = Math.min(this.borders[i + 1], to);
			if (begin < end) {
				part[size++] = begin - from + shift;
				part[size++] = end - from + shift;
			}
		}
		return (size == part.length) ? part : Arrays.copyOf(part, size);
	}

	/**
	 * This text and another.
	 * @param other what follows
	 * @return both
	 */
	public MarkedText plus(MarkedText other) {
		int[] more = other.borders(0, other.length(), length());
		if (more.length == 0) {
			return new MarkedText(this.string + other.string, this.borders);
		}
		boolean joined = this.borders.length > 0 && this.borders[this.borders.length - 1] == more[0];
		int skipped = joined ? 1 : 0;
		int[] both = Arrays.copyOf(this.borders, this.borders.length + more.length - 2 * skipped);
		System.arraycopy(more, skipped, both, this.borders.length - skipped, more.length - skipped);
		return new MarkedText(this.string + other.string, both);
	}

	/**
	 * What an operation makes of this text that does not keep characters apart.
	 * @param changed the result
	 * @return the result, untrusted as a whole if any of this text is
	 */
	MarkedText changed(String changed) {
		return changed.equals(this.string) ? this : hasUntrusted() ? untrusted(changed) : trusted(changed);
	}

	@Override
	public boolean equals(@Nullable Object other) {
		return other instanceof MarkedText text && this.string.equals(text.string);
	}

	@Override
	public int hashCode() {
		return this.string.hashCode();
	}

	@Override
	public String toString() {
		return this.string;
	}

}
