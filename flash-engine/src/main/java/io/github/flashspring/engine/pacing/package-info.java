/**
 * When prefetches may go so that compute is not slowed down: the bandwidth controller
 * with its demand, rate limit and experiment. It must not know weights, files or devices.
 */
@NullMarked
package io.github.flashspring.engine.pacing;

import org.jspecify.annotations.NullMarked;
