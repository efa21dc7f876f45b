/**
 * Where checkpoints come from: downloads from a Hugging Face hub or a mirror of it into
 * the cache that the Hugging Face tools share, and what that cache holds. Whatever a
 * server says is held against limits, and each file against its hash. It must not know
 * what is in the files, but for the length of a safetensors header.
 */
@NullMarked
package io.github.flashspring.engine.hub;

import org.jspecify.annotations.NullMarked;
