package io.github.flashspring.engine.residency;

/**
 * An expert that a router would choose for a token, were the residual stream already what
 * it will be.
 *
 * @param expert index of the expert in its layer
 * @param margin by what factor its score is above that of the best expert that would not
 * be chosen: the more, the more certain; from 1
 */
public record ExpertGuess(int expert, double margin) {

}
