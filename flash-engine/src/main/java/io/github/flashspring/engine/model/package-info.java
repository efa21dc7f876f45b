/**
 * The architectures: configuration, attention, feed-forward, blocks, written once against
 * the device. It must not know files, streaming, requests or sampling, and never looks
 * into a tensor.
 */
@NullMarked
package io.github.flashspring.engine.model;

import org.jspecify.annotations.NullMarked;
