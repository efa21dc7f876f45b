package io.github.flashspring.jinja;

/**
 * Python's {@code None}.
 */
enum None {

	NONE

}
