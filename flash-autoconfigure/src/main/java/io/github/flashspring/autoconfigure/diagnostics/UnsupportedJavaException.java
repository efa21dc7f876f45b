package io.github.flashspring.autoconfigure.diagnostics;

/**
 * The application runs on a Java that Flash does not support.
 */
class UnsupportedJavaException extends RuntimeException {

	private static final int REQUIRED = 25;

	UnsupportedJavaException(int version) {
		super("Flash needs Java %d or newer, this is %d (%s, from %s).".formatted(REQUIRED, version,
				System.getProperty("java.vm.name"), System.getProperty("java.home")));
	}

	/**
	 * Whether Flash cannot run.
	 * @param version such as 17
	 * @return true if it is too old
	 */
	static boolean appliesTo(int version) {
		return version < REQUIRED;
	}

	/**
	 * What to do.
	 * @return a sentence
	 */
	String action() {
		return "Start the application with a JDK %d or newer, by JAVA_HOME or the path of its java command."
			.formatted(REQUIRED);
	}

}
