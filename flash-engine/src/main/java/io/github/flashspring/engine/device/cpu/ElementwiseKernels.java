package io.github.flashspring.engine.device.cpu;

import io.github.flashspring.engine.device.Activation;

/**
 * The loops of {@link io.github.flashspring.engine.device.Elementwise} for the rows
 * {@code from … to - 1}. All implementations do the operations of
 * {@link PortableElementwise} in the same order.
 */
interface ElementwiseKernels {

	void activate(Rows out, Rows x, Activation activation, int from, int to, Scratch scratch);

	void gate(Rows out, Rows gate, Rows up, Activation activation, int from, int to, Scratch scratch);

	void clampedSwiGlu(Rows out, Rows gate, Rows up, float alpha, float limit, int from, int to, Scratch scratch);

	void softcap(Rows x, float cap, int from, int to, Scratch scratch);

	void scale(Rows x, float factor, int from, int to);

	void addScaled(Rows x, Rows y, float factor, int from, int to);

	void split(Rows even, Rows odd, Rows x, int from, int to);

}
