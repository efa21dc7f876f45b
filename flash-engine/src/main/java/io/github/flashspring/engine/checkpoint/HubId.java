package io.github.flashspring.engine.checkpoint;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The name of a model on a Hugging Face hub: a repository, and a revision of it.
 *
 * @param repository {@code org/name}
 * @param revision a branch, tag or commit
 */
public record HubId(String repository, String revision) {

	/** The revision of a name without one. */
	public static final String MAIN = "main";

	private static final String SCHEME = "hf://";

	private static final Pattern PATTERN = Pattern.compile(
			"(?<repository>[A-Za-z0-9][\\w.-]{0,95}/[A-Za-z0-9][\\w.-]{0,95})(?:@(?<revision>\\w[\\w./-]{0,199}))?");

	/**
	 * Reads a name.
	 * @param text {@code org/name}, {@code org/name@revision}, or either of them behind
	 * {@code hf://}
	 * @return the name, with {@code main} where no revision is given; empty if the text
	 * is no such name
	 */
	public static Optional<HubId> parse(String text) {
		String id = text.startsWith(SCHEME) ? text.substring(SCHEME.length()) : text;
		var matcher = PATTERN.matcher(id);
		if (!matcher.matches() || id.contains("..") || id.contains("--") || id.contains("//") || id.endsWith("/")) {
			return Optional.empty();
		}
		String revision = matcher.group("revision");
		return Optional.of(new HubId(matcher.group("repository"), (revision != null) ? revision : MAIN));
	}

	/**
	 * The same repository at another revision.
	 * @param other a branch, tag or commit
	 * @return the name; empty if the revision cannot be one
	 */
	public Optional<HubId> at(String other) {
		return parse(this.repository + "@" + other);
	}

	/**
	 * {@return the folder of the repository in the cache of the Hugging Face tools}
	 */
	public String folderName() {
		return "models--" + this.repository.replace("/", "--");
	}

	/**
	 * {@return {@code org/name}, with the revision unless it is {@code main}}
	 */
	@Override
	public String toString() {
		return this.revision.equals(MAIN) ? this.repository : this.repository + "@" + this.revision;
	}

}
