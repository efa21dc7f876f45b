package io.github.flashspring.engine.model;

import io.github.flashspring.engine.weights.WeightGroup;

/**
 * An expert of a MoE layer while it is defined.
 *
 * @param layer the layer
 * @param group weights of the expert
 * @param index of the expert
 * @param count number of experts of the layer
 */
record ExpertBuilder(LayerBuilder layer, WeightGroup group, int index, int count) {

}
