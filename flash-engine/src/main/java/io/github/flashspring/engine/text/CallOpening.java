package io.github.flashspring.engine.text;

/**
 * What opens calls, and where.
 *
 * @param kind what may begin there
 * @param at index of its first character
 * @param length of what opens the calls
 */
record CallOpening(Kind kind, int at, int length) {

	/** What opens calls. */
	enum Kind {

		NOTHING, HELD, SILENT, TAG, BARE_JSON, FENCED_JSON, BARE_PYTHON, FENCED_PYTHON

	}

}
