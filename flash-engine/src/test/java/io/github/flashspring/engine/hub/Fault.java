package io.github.flashspring.engine.hub;

/** What a request meets instead of an answer. */
enum Fault {

	NONE, CUT, BUSY, TOO_MANY, EXPIRED, DAMAGED, NO_RANGES, WRONG_RANGE, STALL, SHORT_PAGE

}
