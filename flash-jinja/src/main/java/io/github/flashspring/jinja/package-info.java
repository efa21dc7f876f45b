/**
 * The Jinja language as Python renders it, for chat templates that come with a model:
 * closed values, no access to files or Java objects, bounded work. Must not know what a
 * chat message, a tokenizer or a model is.
 */
@NullMarked
package io.github.flashspring.jinja;

import org.jspecify.annotations.NullMarked;
