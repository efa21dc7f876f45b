/**
 * Files and the disks below them: aligned direct reads, the fault-injectable file access,
 * the page cache, what a disk was measured to give, the token bucket. It must not know
 * tensors, weights or devices.
 */
@NullMarked
package io.github.flashspring.engine.storage;

import org.jspecify.annotations.NullMarked;
