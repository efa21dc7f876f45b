package io.github.flashspring.engine.metrics;

import java.util.Locale;

/**
 * Numbers of bytes as people read them.
 */
public final class ByteSize {

	private static final String[] UNITS = { "B", "KB", "MB", "GB", "TB" };

	private ByteSize() {
	}

	/**
	 * Writes a number of bytes with three digits, in units of 1024.
	 * @param bytes number of bytes; {@link Long#MAX_VALUE}: no bound
	 * @return such as {@code 3.25 GB}, {@code 812 MB} or {@code unlimited}
	 */
	public static String readable(long bytes) {
		if (bytes == Long.MAX_VALUE) {
			return "unlimited";
		}
		double value = bytes;
		int unit = 0;
		while (value >= 1024 && unit < UNITS.length - 1) {
			value /= 1024;
			unit++;
		}
		if (unit == 0) {
			return bytes + " " + UNITS[0];
		}
		int decimals = (value < 10) ? 2 : (value < 100) ? 1 : 0;
		return String.format(Locale.ROOT, "%." + decimals + "f %s", value, UNITS[unit]);
	}

}
