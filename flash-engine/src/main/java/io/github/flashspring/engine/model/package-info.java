/**
 * The architectures: config, attention, MLP, MoE layers, state spaces, written once
 * against the device. It must not know files, streaming, requests or sampling, and never
 * looks into a tensor.
 */
@NullMarked
package io.github.flashspring.engine.model;

import org.jspecify.annotations.NullMarked;
