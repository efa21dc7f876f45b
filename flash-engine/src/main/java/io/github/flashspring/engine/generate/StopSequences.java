package io.github.flashspring.engine.generate;

import java.util.List;

/**
 * Looks for texts that end a generation in text that arrives in pieces. Text that may be
 * the beginning of one is held back until that is decided. One instance serves one
 * generation.
 */
public final class StopSequences {

	private final List<String> sequences;

	private final StringBuilder held = new StringBuilder();

	private boolean found;

	/**
	 * Looks for sequences.
	 * @param sequences none of them empty
	 */
	public StopSequences(List<String> sequences) {
		this.sequences = sequences;
	}

	/**
	 * Takes the next piece.
	 * @param piece text
	 * @return text that can be emitted
	 */
	public String append(String piece) {
		if (this.sequences.isEmpty()) {
			return piece;
		}
		if (this.found) {
			return "";
		}
		this.held.append(piece);
		int first = Integer.MAX_VALUE;
		for (String sequence : this.sequences) {
			int at = this.held.indexOf(sequence);
			if (at >= 0) {
				first = Math.min(first, at);
			}
		}
		if (first != Integer.MAX_VALUE) {
			this.found = true;
			return this.held.substring(0, first);
		}
		int safe = this.held.length();
		for (String sequence : this.sequences) {
			safe = Math.min(safe, beginning(sequence));
		}
		String text = this.held.substring(0, safe);
		this.held.delete(0, safe);
		return text;
	}

	/** Where the longest end of the held text begins that begins the sequence. */
	private int beginning(String sequence) {
		int length = this.held.length();
		for (int at = Math.max(0, length - sequence.length() + 1); at < length; at++) {
			if (sequence.startsWith(this.held.substring(at))) {
				return at;
			}
		}
		return length;
	}

	/**
	 * Whether a sequence has appeared.
	 * @return true from then on
	 */
	public boolean found() {
		return this.found;
	}

	/**
	 * The text held back, when no more will come.
	 * @return text that can be emitted
	 */
	public String flush() {
		String text = this.found ? "" : this.held.toString();
		this.held.setLength(0);
		return text;
	}

}
