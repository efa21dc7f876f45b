/**
 * From files to named tensors: safetensors, quantisation layouts, model configuration. No
 * arithmetic on weights happens here. It must not know devices, models or who reads the
 * tensors, and when.
 */
@NullMarked
package io.github.flashspring.engine.checkpoint;

import org.jspecify.annotations.NullMarked;
