/**
 * What all exceptions of the engine have in common that people are meant to read. Every
 * part may throw them. It must not know any part of the engine.
 */
@NullMarked
package io.github.flashspring.engine.failure;

import org.jspecify.annotations.NullMarked;
