package io.github.flashspring.engine.checkpoint;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/**
 * What lies in a model's folder in place of a file that was not downloaded.
 */
public enum Substitute {

	/** The few lines with which Git LFS stands for a large file. */
	LFS_POINTER("is a Git LFS pointer: the file that it stands for was not downloaded.",
			"Run 'git lfs pull' in its folder, or download the model with 'flash pull'."),

	/** What a website answers with an error or a login. */
	HTML_PAGE("is an HTML page, such as a website's error or login page, and not the file that its name says.",
			"Download it again; the file of a gated model needs an access token.");

	/** Enough of a file to tell. */
	public static final int HEAD_BYTES = 64;

	private static final String LFS_START = "version https://git-lfs.github.com/spec/";

	private final String problem;

	private final String action;

	Substitute(String problem, String action) {
		this.problem = problem;
		this.action = action;
	}

	/**
	 * Looks at how a file begins.
	 * @param head its first bytes, {@value #HEAD_BYTES} or all if there are fewer
	 * @return what it is, if it is a substitute
	 */
	public static Optional<Substitute> of(byte[] head) {
		String start = new String(head, 0, Math.min(head.length, HEAD_BYTES), StandardCharsets.ISO_8859_1);
		if (start.startsWith(LFS_START)) {
			return Optional.of(LFS_POINTER);
		}
		String text = start.strip().toLowerCase(Locale.ROOT);
		return (text.startsWith("<!doctype html") || text.startsWith("<html")) ? Optional.of(HTML_PAGE)
				: Optional.empty();
	}

	/**
	 * What is wrong with a file.
	 * @param file the file
	 * @return a sentence
	 */
	public String problem(Path file) {
		return file + " " + this.problem;
	}

	/**
	 * What to do.
	 * @return a sentence
	 */
	public String action() {
		return this.action;
	}

}
