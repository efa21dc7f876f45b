package io.github.flashspring.engine.cache;

import java.util.Arrays;

/**
 * The tokens of one page as a key: equal if the tokens are, not only their hash.
 */
final class TokenPage {

	private final int[] tokens;

	private final int hash;

	private TokenPage(int[] tokens) {
		this.tokens = tokens;
		this.hash = Arrays.hashCode(tokens);
	}

	/**
	 * Copies the tokens of a page.
	 * @param tokens of a sequence
	 * @param page index of the page
	 * @param pageTokens tokens of a page
	 */
	static TokenPage of(int[] tokens, int page, int pageTokens) {
		return new TokenPage(Arrays.copyOfRange(tokens, page * pageTokens, (page + 1) * pageTokens));
	}

	int[] tokens() {
		return this.tokens;
	}

	@Override
	public boolean equals(Object other) {
		return other instanceof TokenPage page && page.hash == this.hash && Arrays.equals(page.tokens, this.tokens);
	}

	@Override
	public int hashCode() {
		return this.hash;
	}

}
