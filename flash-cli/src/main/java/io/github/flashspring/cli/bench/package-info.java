/**
 * Benchmarks: synthetic models of a given shape, the memory's own reading rate, and how
 * fast the engine decodes and prefills. It must not know any model's insides.
 */
@NullMarked
package io.github.flashspring.cli.bench;

import org.jspecify.annotations.NullMarked;
