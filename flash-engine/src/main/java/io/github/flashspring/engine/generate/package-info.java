/**
 * From requests to tokens: scheduling of passes, sampling, penalties, stop sequences,
 * cancellation. It sees a model as something that turns rows into logits. It must not
 * know one architecture, device or file format from another.
 */
@NullMarked
package io.github.flashspring.engine.generate;

import org.jspecify.annotations.NullMarked;
