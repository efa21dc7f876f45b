package io.github.flashspring.cli;

import java.util.Objects;

import picocli.CommandLine.IVersionProvider;

/**
 * What {@code flash --version} prints: our version, and that of Java.
 */
final class Version implements IVersionProvider {

	@Override
	public String[] getVersion() {
		String version = Objects.requireNonNullElse(Version.class.getPackage().getImplementationVersion(),
				"(built from sources)");
		return new String[] { "flash " + version, "Java " + Runtime.version() + ", " + System.getProperty("java.vendor")
				+ ", " + System.getProperty("os.name") + " " + System.getProperty("os.arch") };
	}

}
