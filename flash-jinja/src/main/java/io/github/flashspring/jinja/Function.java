package io.github.flashspring.jinja;

/**
 * Something that a template can call.
 */
@FunctionalInterface
interface Function {

	Object call(Rendering rendering, Arguments arguments);

}
