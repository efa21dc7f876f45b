/**
 * Which weights are in memory, when, and why: the plan, the store, the reads that feed
 * it. It keeps the promise of the memory budget. It must not know architectures, requests
 * or how a layer computes.
 */
@NullMarked
package io.github.flashspring.engine.residency;

import org.jspecify.annotations.NullMarked;
