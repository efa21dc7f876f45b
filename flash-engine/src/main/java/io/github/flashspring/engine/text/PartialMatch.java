package io.github.flashspring.engine.text;

/**
 * Compares text that still grows with what may stand in it.
 */
final class PartialMatch {

	private PartialMatch() {
	}

	/**
	 * Whether a text stands at a place.
	 * @param text the text
	 * @param at the place
	 * @param expected what may stand there, never empty
	 * @param last whether no more text comes
	 * @return 1 if it does, 0 if it does not, -1 if that is not known yet
	 */
	static int match(CharSequence text, int at, String expected, boolean last) {
		int there = Math.min(expected.length(), text.length() - at);
		for (int i = 0; i < there; i++) {
			if (text.charAt(at + i) != expected.charAt(i)) {
				return 0;
			}
		}
		return (there == expected.length()) ? 1 : last ? 0 : -1;
	}

	/**
	 * The length of the longest end of a text that begins a tag, but is not all of it.
	 * @param text the text
	 * @param tag the tag
	 * @return how many characters, 0 if the text ends with none of the tag
	 */
	static int begun(StringBuilder text, String tag) {
		for (int held = Math.min(tag.length() - 1, text.length()); held > 0; held--) {
			if (tag.startsWith(text.substring(text.length() - held))) {
				return held;
			}
		}
		return 0;
	}

}
