package io.github.flashspring.engine.device;

/**
 * Which values of a head are rotated by a rotary embedding.
 *
 * @param headDim length of a head
 * @param offset index of the first value that is rotated
 * @param interleaved whether pairs are neighbours {@code (2i, 2i + 1)}; otherwise they
 * are {@code (i, i + pairs)}
 */
public record RotarySpec(int headDim, int offset, boolean interleaved) {

	/**
	 * Pairs {@code (i, i + pairs)} from the start of a head.
	 * @param headDim length of a head
	 * @return the usual layout
	 */
	public static RotarySpec halves(int headDim) {
		return new RotarySpec(headDim, 0, false);
	}

}
