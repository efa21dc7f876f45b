package io.github.flashspring.engine.tokenizer.jinja;

/**
 * Python's {@code None}.
 */
enum None {

	NONE

}
