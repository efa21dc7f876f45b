/**
 * Keys and values of the tokens already seen, in paged blocks with owners. It gives
 * blocks to sequences and takes them back. It must not know models, weights or how text
 * became tokens.
 */
@NullMarked
package io.github.flashspring.engine.cache;

import org.jspecify.annotations.NullMarked;
