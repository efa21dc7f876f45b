/**
 * Snapshots of what the engine did: bytes read, times, residency, as plain records. Every
 * part may fill them in. It must not know any part of the engine, nor a metrics library.
 */
@NullMarked
package io.github.flashspring.engine.metrics;

import org.jspecify.annotations.NullMarked;
