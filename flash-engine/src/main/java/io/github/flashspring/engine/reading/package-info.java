/**
 * How blocks come from files into memory: the schedule of reads, the readers, and compute
 * that waits for them. It must not know which blocks are pinned, streamed or cached.
 */
@NullMarked
package io.github.flashspring.engine.reading;

import org.jspecify.annotations.NullMarked;
