/**
 * From text to token ids and back: tokenizer, chat template, incremental decoding. It
 * reads the files next to a checkpoint. It must not know models, devices or weights.
 */
@NullMarked
package io.github.flashspring.engine.text;

import org.jspecify.annotations.NullMarked;
