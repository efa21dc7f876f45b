/**
 * The prefix cache on disk: files that hold what was computed of some tokens behind
 * others. It must not know devices or where pages lie in memory.
 */
@NullMarked
package io.github.flashspring.engine.cache.disk;

import org.jspecify.annotations.NullMarked;
