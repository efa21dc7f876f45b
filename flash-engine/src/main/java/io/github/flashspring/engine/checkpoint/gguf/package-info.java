/**
 * From a GGUF file to a checkpoint in the MLX layout. It reads GGUF, changes the order
 * and packing of numbers, and writes the settings that go with them; it must not know how
 * the engine computes. Nothing else reads GGUF.
 */
@NullMarked
package io.github.flashspring.engine.checkpoint.gguf;

import org.jspecify.annotations.NullMarked;
