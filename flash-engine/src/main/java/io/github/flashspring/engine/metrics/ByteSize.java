package io.github.flashspring.engine.metrics;

import java.util.Locale;

/** Human-readable numbers of bytes. */
public final class ByteSize {

	private static final String[] UNITS = { "B", "KB", "MB", "GB", "TB" };

	private ByteSize() {
	}

	/**
	 * Writes a number of bytes with three digits, in units of 1024.
	 * @param bytes number of bytes
	 * @return such as {@code 3.25 GB} or {@code 812 MB}
	 */
	public static String readable(long bytes) {
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
