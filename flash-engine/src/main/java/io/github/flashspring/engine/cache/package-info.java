/**
 * The memory of sequences: keys and values of the tokens already seen, in pages that
 * sequences share, and states. It must not know models, weights or how text became
 * tokens.
 */
@NullMarked
package io.github.flashspring.engine.cache;

import org.jspecify.annotations.NullMarked;
