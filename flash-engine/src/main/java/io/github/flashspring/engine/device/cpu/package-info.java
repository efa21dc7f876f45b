/**
 * The device that computes on the CPU: vector kernels, their portable twins and a worker
 * pool. It is found through the device's provider interface. It must not be known to
 * model code and must not know anything but the seam.
 */
@NullMarked
package io.github.flashspring.engine.device.cpu;

import org.jspecify.annotations.NullMarked;
