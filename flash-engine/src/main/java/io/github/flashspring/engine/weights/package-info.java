/**
 * What a weight is: parameters, weight groups, the layout of a model over its files, the
 * blocks that it is cut into, and repacking. It must not know which weights are in
 * memory.
 */
@NullMarked
package io.github.flashspring.engine.weights;

import org.jspecify.annotations.NullMarked;
