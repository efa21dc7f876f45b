package io.github.flashspring.engine.model;

/**
 * Whether a linear layer adds a learned vector to its outputs.
 */
enum Bias {

	ABSENT, PRESENT;

	/**
	 * From a property such as {@code attention_bias}.
	 * @param present its value
	 * @return {@link #PRESENT} if true
	 */
	static Bias of(boolean present) {
		return present ? PRESENT : ABSENT;
	}

}
