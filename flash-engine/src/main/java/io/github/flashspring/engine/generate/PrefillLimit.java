package io.github.flashspring.engine.generate;

/**
 * How many rows of prompts a pass may have if a sequence generates in it: so many that it
 * takes twice as long as without them. Then prompts get half of the time, and who
 * generates at least half of the speed.
 * <p>
 * Where passes wait for the disk, rows are free until computing takes as long as reading:
 * such passes take no longer, and the limit rises until they do. Where weights are in
 * memory, it settles at the number of rows that computes in the time in which a pass
 * reads the weights from memory.
 */
final class PrefillLimit {

	/** Fewer rows would hardly use the weights that a pass brings. */
	private static final int MIN_ROWS = 8;

	private static final int FIRST_ROWS = 64;

	/** How fast the time of a pass without prompts is forgotten. */
	private static final double FADING = 0.25;

	private int rows = FIRST_ROWS;

	/** Time of a pass in which sequences only generate. */
	private double decodeNanos;

	/**
	 * {@return most rows of prompts now}
	 */
	int rows() {
		return this.rows;
	}

	/**
	 * Notes how long a pass took.
	 * @param decodeRows its rows of sequences that generate
	 * @param promptRows its other rows
	 * @param nanos time in nanoseconds
	 */
	void passed(int decodeRows, int promptRows, long nanos) {
		if (decodeRows == 0) {
			return;
		}
		if (promptRows == 0) {
			this.decodeNanos += (this.decodeNanos == 0) ? nanos : FADING * (nanos - this.decodeNanos);
			return;
		}
		if (this.decodeNanos == 0) {
			return;
		}
		double extra = Math.max(nanos - this.decodeNanos, this.decodeNanos / 2);
		int wanted = (int) Math.clamp((long) (promptRows * this.decodeNanos / extra), MIN_ROWS, 2L * this.rows);
		// a pass with fewer rows than allowed does not show that more would take too long
		this.rows = (wanted < promptRows) ? wanted : Math.max(this.rows, wanted);
	}

}
