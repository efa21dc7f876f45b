package io.github.flashspring.engine.device;

/**
 * How a layer attends. Query head {@code h} reads key-value head
 * {@code h / (heads / keyValueHeads)}.
 *
 * @param heads number of query heads
 * @param keyValueHeads number of key-value heads; divides {@code heads}
 * @param keyDim length of a query and of a key
 * @param valueDim length of a value; where the cache holds no values, values are the
 * first {@code valueDim} numbers of the keys
 * @param scale factor of the scores, usually {@code 1 / sqrt(keyDim)}
 * @param window how many positions a token sees, itself included; 0: all before it
 * @param softcap scores become {@code softcap · tanh(score / softcap)}; 0: they stay
 */
public record AttentionSpec(int heads, int keyValueHeads, int keyDim, int valueDim, float scale, int window,
		float softcap) {

	public AttentionSpec(int heads, int keyValueHeads, int keyDim, int valueDim, float scale, int window) {
		this(heads, keyValueHeads, keyDim, valueDim, scale, window, 0f);
	}

}
