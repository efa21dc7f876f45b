package io.github.flashspring.engine.hub;

/**
 * A secret that a hub knows its user by. It has no text form but {@link #header()}.
 */
final class AccessToken {

	private static final int MAX_LENGTH = 4096;

	private final String value;

	private AccessToken(String value) {
		this.value = value;
	}

	/**
	 * Reads a token.
	 * @param text the token, with white space around it
	 * @param source where it was found, for the error
	 * @throws HubException if it cannot be sent in a header
	 */
	static AccessToken of(String text, String source) {
		String stripped = text.strip();
		boolean plain = !stripped.isEmpty() && stripped.length() <= MAX_LENGTH
				&& stripped.chars().allMatch((c) -> c > ' ' && c < 0x7f);
		if (!plain) {
			throw new HubException(
					"The access token of " + source + " is not one: expected one line of letters, digits and signs.",
					"Set it to a token such as hf_…, or remove it.");
		}
		return new AccessToken(stripped);
	}

	String header() {
		return "Bearer " + this.value;
	}

	@Override
	public String toString() {
		return "(hidden)";
	}

}
