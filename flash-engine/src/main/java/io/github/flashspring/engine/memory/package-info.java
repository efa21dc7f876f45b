/**
 * How much native memory the process may use, and the memory itself: budgets, limits of
 * the machine and its control groups, memory pressure, allocations. It must not know
 * files, devices or models.
 */
@NullMarked
package io.github.flashspring.engine.memory;

import org.jspecify.annotations.NullMarked;
