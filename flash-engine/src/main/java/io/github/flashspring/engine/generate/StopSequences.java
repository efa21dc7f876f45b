package io.github.flashspring.engine.generate;

import java.util.List;

/**
 * Looks for texts that end a generation in text that arrives in pieces. The one that is
 * complete first counts, so that pieces make no difference. Text that may be the
 * beginning of one is held back until that is decided. One instance serves one
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
		for (int i = 0; i < piece.length(); i++) {
			this.held.append(piece.charAt(i));
			int start = completed();
			if (start >= 0) {
				this.found = true;
				return this.held.substring(0, start);
			}
		}
		int safe = this.held.length();
		for (String sequence : this.sequences) {
			safe = Math.min(safe, beginning(sequence));
		}
		String text = this.held.substring(0, safe);
		this.held.delete(0, safe);
		return text;
	}

	/** Where the longest sequence begins with which the held text ends, or -1. */
	private int completed() {
		int start = -1;
		for (String sequence : this.sequences) {
			int from = this.held.length() - sequence.length();
			if (from >= 0 && this.held.indexOf(sequence, from) == from && (start < 0 || from < start)) {
				start = from;
			}
		}
		return start;
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
