package io.github.flashspring.jinja;

import org.jspecify.annotations.Nullable;

/**
 * A variable of a template whose texts came from outside, such as a user's message or a
 * tool's result. The template sees the value alone; the characters of its texts are
 * marked in what is rendered.
 *
 * @param value null, a text, boolean or number, or a list or map of these
 */
public record Untrusted(@Nullable Object value) {

}
