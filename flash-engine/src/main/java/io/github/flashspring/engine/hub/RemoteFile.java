package io.github.flashspring.engine.hub;

import java.util.List;
import java.util.regex.Pattern;

/**
 * A file of a repository.
 *
 * @param path its place, with {@code /} between the names; not checked yet
 * @param size bytes
 * @param etag names its content: the SHA-256 of a large file, git's SHA-1 of a small one
 */
record RemoteFile(String path, long size, String etag) {

	private static final Pattern HASH = Pattern.compile("[0-9a-f]{40}|[0-9a-f]{64}");

	private static final int MAX_PATH = 1024;

	private static final int MAX_NAME = 255;

	private static final int MAX_DEPTH = 16;

	/** What Windows reads as a device, with any ending. */
	private static final Pattern DEVICE = Pattern.compile("(?i)(con|prn|aux|nul|com\\d|lpt\\d)(\\..*)?");

	static boolean isHash(String text) {
		return HASH.matcher(text).matches();
	}

	/**
	 * {@return whether the content is named by its SHA-256}
	 */
	boolean isLarge() {
		return this.etag.length() == 64;
	}

	/**
	 * {@return the names of the path, each of which stays within its folder}
	 * @throws HubException if it is none that this machine should write
	 */
	List<String> names() {
		List<String> names = List.of(this.path.split("/", -1));
		if (this.path.length() > MAX_PATH || names.size() > MAX_DEPTH || !names.stream().allMatch(RemoteFile::isName)) {
			throw new HubException(
					"The repository has a file with the path " + HubException.quote(this.path)
							+ ", which is no plain path of files below a folder.",
					"Do not use this repository, and tell its hub.");
		}
		return names;
	}

	private static boolean isName(String name) {
		return !name.isEmpty() && name.length() <= MAX_NAME && !name.equals(".") && !name.equals("..")
				&& !name.endsWith(" ") && !name.endsWith(".") && !DEVICE.matcher(name).matches()
				&& name.chars()
					.allMatch((c) -> c >= ' ' && c != 0x7f && "\\:*?\"<>|".indexOf(c) < 0 && !Character.isISOControl(c)
							&& !Character.isSurrogate((char) c));
	}

}
