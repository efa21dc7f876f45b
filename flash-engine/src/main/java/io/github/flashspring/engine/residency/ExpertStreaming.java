package io.github.flashspring.engine.residency;

/**
 * How a mixture of experts streams.
 *
 * @param keep which experts stay in memory between passes
 * @param lookahead whether experts that a layer will probably choose are read while the
 * layers before it compute
 */
public record ExpertStreaming(Keep keep, boolean lookahead) {

	/** By measured use, with lookahead. */
	public static final ExpertStreaming DEFAULT = new ExpertStreaming(Keep.BY_USE, true);

	/** Which experts stay in memory between passes. */
	public enum Keep {

		/** Those that were used most often, in the long run and lately. */
		BY_USE,

		/** Those that were used last; to compare with. */
		LAST_USED,

		/** None: every expert is read whenever it is needed; to compare with. */
		NONE

	}

}
