package io.github.flashspring.engine.generate.grammar;

/**
 * Well-formed UTF-8, byte by byte.
 *
 * @see <a href="https://www.unicode.org/versions/latest/core-spec/chapter-3/">Unicode,
 * table 3-7</a>
 */
final class Utf8 {

	/** Characters of one byte. */
	static final int ASCII = 0x80;

	/** First and last value of each byte of characters that have more than one. */
	static final int[][] SEQUENCES = { { 0xc2, 0xdf, 0x80, 0xbf }, { 0xe0, 0xe0, 0xa0, 0xbf, 0x80, 0xbf },
			{ 0xe1, 0xec, 0x80, 0xbf, 0x80, 0xbf }, { 0xed, 0xed, 0x80, 0x9f, 0x80, 0xbf },
			{ 0xee, 0xef, 0x80, 0xbf, 0x80, 0xbf }, { 0xf0, 0xf0, 0x90, 0xbf, 0x80, 0xbf, 0x80, 0xbf },
			{ 0xf1, 0xf3, 0x80, 0xbf, 0x80, 0xbf, 0x80, 0xbf }, { 0xf4, 0xf4, 0x80, 0x8f, 0x80, 0xbf, 0x80, 0xbf } };

	/** Between two characters. */
	static final int BOUNDARY = 0;

	private static final int MALFORMED = -1;

	private Utf8() {
	}

	static boolean isContinuation(byte value) {
		return (value & 0xc0) == 0x80;
	}

	/**
	 * Goes on with a byte.
	 * @param state {@link #BOUNDARY}, or what this gave for the byte before
	 * @param value the byte
	 * @return the state behind it; negative if the byte is malformed there, and then the
	 * complement of the state behind it: as if the text began with it
	 */
	static int next(int state, byte value) {
		int next = follow(state, value & 0xff);
		return (next != MALFORMED) ? next : ~Math.max(BOUNDARY, follow(BOUNDARY, value & 0xff));
	}

	/** States within a character are its row, and behind how many of its bytes. */
	private static int follow(int state, int value) {
		if (state == BOUNDARY) {
			if (value < ASCII) {
				return BOUNDARY;
			}
			for (int row = 0; row < SEQUENCES.length; row++) {
				if (value >= SEQUENCES[row][0] && value <= SEQUENCES[row][1]) {
					return row << 4 | 1;
				}
			}
			return MALFORMED;
		}
		int[] sequence = SEQUENCES[state >> 4];
		int at = 2 * (state & 15);
		if (value < sequence[at] || value > sequence[at + 1]) {
			return MALFORMED;
		}
		return (at + 2 == sequence.length) ? BOUNDARY : state + 1;
	}

}
