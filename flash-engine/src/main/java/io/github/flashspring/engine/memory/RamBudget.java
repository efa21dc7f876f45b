package io.github.flashspring.engine.memory;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import io.github.flashspring.engine.metrics.ByteSize;
import org.jspecify.annotations.Nullable;

/**
 * How much memory an engine may use.
 *
 * @param kind whether a number is given
 * @param bytes the number, for {@link Kind#BYTES}; otherwise 0
 */
public record RamBudget(Kind kind, long bytes) {

	/** Everything may be resident. */
	public static final RamBudget UNLIMITED = new RamBudget(Kind.UNLIMITED, 0);

	/** The least in which the model can run. */
	public static final RamBudget MINIMUM = new RamBudget(Kind.MINIMUM, 0);

	private static final Pattern SIZE = Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*(B|KB|MB|GB|TB|KIB|MIB|GIB|TIB)?");

	public RamBudget {
		if (kind == Kind.BYTES && bytes <= 0) {
			throw new IllegalArgumentException("A RAM budget must be above 0 bytes, but is " + bytes);
		}
	}

	/**
	 * {@return whether there is no bound}
	 */
	public boolean unlimited() {
		return this.kind == Kind.UNLIMITED;
	}

	/**
	 * {@return the bound for reports, as a number that JSON has; null where there is
	 * none}
	 */
	public @Nullable Long bound() {
		return (this.kind == Kind.BYTES) ? Long.valueOf(this.bytes) : null;
	}

	/**
	 * {@return the budget as text, such as {@code 2.5 GB} or {@code unlimited}}
	 */
	public String readable() {
		return (this.kind == Kind.BYTES) ? ByteSize.readable(this.bytes) : this.kind.name().toLowerCase(Locale.ROOT);
	}

	/**
	 * A budget of a number of bytes.
	 * @param bytes above 0
	 * @return the budget
	 */
	public static RamBudget ofBytes(long bytes) {
		return new RamBudget(Kind.BYTES, bytes);
	}

	/**
	 * A budget of a number of gigabytes of 1024³ bytes.
	 * @param gigabytes above 0, perhaps a fraction
	 * @return the budget
	 */
	public static RamBudget ofGigabytes(double gigabytes) {
		if (!(gigabytes > 0) || gigabytes > 1 << 20) {
			throw new IllegalArgumentException(
					"A RAM budget must be above 0 and at most 1048576 GB, but is " + gigabytes);
		}
		return ofBytes(Math.max(1, (long) (gigabytes * (1L << 30))));
	}

	/**
	 * The default budget: the whole model if it fits in 75 % of the memory that this
	 * process may have, otherwise 75 % of that memory; the rest is for the JVM and for
	 * others.
	 * @param limits memory that this process may have: that of its container, or of the
	 * machine
	 * @param neededBytes memory that the engine would use without a bound
	 * @return the budget
	 */
	public static RamBudget within(MemoryLimits limits, long neededBytes) {
		long share = limits.limitBytes() / 4 * 3;
		return (neededBytes <= share) ? UNLIMITED : ofBytes(share);
	}

	/**
	 * Reads a human-readable budget: {@code 4} or {@code 0.5} (gigabytes), {@code 800MB},
	 * {@code 900KB}, {@code min}, {@code unlimited}. Units are powers of 1024.
	 * @param text the budget
	 * @return the budget
	 * @throws IllegalArgumentException if it cannot be read
	 */
	public static RamBudget parse(String text) {
		String upper = text.strip().toUpperCase(Locale.ROOT);
		if (upper.equals("MIN")) {
			return MINIMUM;
		}
		if (upper.equals("UNLIMITED")) {
			return UNLIMITED;
		}
		Matcher matcher = SIZE.matcher(upper);
		if (!matcher.matches()) {
			throw new IllegalArgumentException("Cannot read \"" + text
					+ "\" as a RAM budget. Expected gigabytes such as 4 or 0.5, a size such as 800MB or 900KB, min, or unlimited.");
		}
		double number = Double.parseDouble(matcher.group(1));
		String unit = matcher.group(2);
		return ofGigabytes(switch ((unit != null) ? unit.charAt(0) : 'G') {
			case 'B' -> number / (1L << 30);
			case 'K' -> number / (1L << 20);
			case 'M' -> number / (1L << 10);
			case 'T' -> number * (1L << 10);
			default -> number;
		});
	}

	/** Whether a number of bytes is given. */
	public enum Kind {

		/** Everything may be resident. */
		UNLIMITED,
		/** The least in which the model can run. */
		MINIMUM,
		/** A number of bytes. */
		BYTES

	}

}
