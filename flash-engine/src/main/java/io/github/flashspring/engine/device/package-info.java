/**
 * The seam between model code and hardware: buffers with owners and lifetimes, and the
 * operations that a layer needs, executed at once or recorded for later. It must not know
 * files, models or any one kind of hardware.
 */
@NullMarked
package io.github.flashspring.engine.device;

import org.jspecify.annotations.NullMarked;
