package io.github.flashspring.cli.bench;

/**
 * Is told how far something that takes long has come.
 */
@FunctionalInterface
public interface Progress {

	/**
	 * Something was done.
	 * @param what is human-readable
	 * @param done bytes so far
	 * @param total bytes in all
	 */
	void at(String what, long done, long total);

}
