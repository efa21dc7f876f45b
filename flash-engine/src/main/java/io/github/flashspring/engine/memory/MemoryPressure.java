package io.github.flashspring.engine.memory;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Whether the system is short of memory. On Linux from pressure stall information, the
 * share of the time in which work waited for memory, of the machine and of the control
 * group; on macOS from the kernel's own level; elsewhere it never is. A level is left
 * later than it is entered, so that values around a threshold do not make it flicker.
 * Safe for use by many threads.
 * <p>
 * See <a href="https://docs.kernel.org/accounting/psi.html">PSI</a>.
 */
public final class MemoryPressure {

	private static final Pattern AVERAGE = Pattern.compile("(some|full) avg10=(\\d{1,3}(?:\\.\\d{1,9})?) .*");

	private final Supplier<Stall> source;

	private Level level = Level.NORMAL;

	/**
	 * Watches a source.
	 * @param source tells how much is waited for memory
	 */
	MemoryPressure(Supplier<Stall> source) {
		this.source = source;
	}

	/**
	 * The pressure of this system.
	 * @return the source of readings
	 */
	public static MemoryPressure ofSystem() {
		String system = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
		if (system.startsWith("mac")) {
			MacMemoryPressure mac = new MacMemoryPressure();
			return new MemoryPressure(mac::stall);
		}
		return ofLinux(Path.of("/"));
	}

	/**
	 * The pressure that Linux tells below a root.
	 * @param root of the file system
	 */
	static MemoryPressure ofLinux(Path root) {
		List<Path> files = new ArrayList<>();
		files.add(root.resolve("proc/pressure/memory"));
		ControlGroup.ofProcess(root)
			.stream()
			.filter(ControlGroup::unified)
			.map((group) -> group.folder().resolve("memory.pressure"))
			.filter(Files::isReadable)
			.forEach(files::add);
		return new MemoryPressure(() -> files.stream().map(MemoryPressure::read).reduce(Stall.NONE, Stall::worse));
	}

	private static Stall read(Path file) {
		double some = 0;
		double full = 0;
		for (String line : ControlGroup.lines(file)) {
			Matcher matcher = AVERAGE.matcher(line);
			if (matcher.matches()) {
				double value = Double.parseDouble(Objects.requireNonNull(matcher.group(2)));
				if ("some".equals(matcher.group(1))) {
					some = value;
				}
				else {
					full = value;
				}
			}
		}
		return new Stall(some, full);
	}

	/**
	 * Reads the pressure.
	 * @return the level now
	 */
	public synchronized Level level() {
		Stall stall = this.source.get();
		Level entered = stall.level(1);
		// Half of what it took to get in keeps one in.
		Level kept = stall.level(0.5);
		if (entered.compareTo(this.level) > 0) {
			this.level = entered;
		}
		else if (kept.compareTo(this.level) < 0) {
			this.level = kept;
		}
		return this.level;
	}

	/** How short memory is. */
	public enum Level {

		/** There is enough. */
		NORMAL,
		/** Work begins to wait for memory: give some back soon. */
		WARNING,
		/** Processes may be killed: give much back at once. */
		CRITICAL

	}

	/**
	 * How much was waited for memory in the last ten seconds.
	 *
	 * @param some percentage of the time in which somebody waited
	 * @param full percentage of the time in which everybody did
	 */
	record Stall(double some, double full) {

		static final Stall NONE = new Stall(0, 0);

		static final Stall WARNING = new Stall(10, 2);

		static final Stall CRITICAL = new Stall(40, 10);

		Level level(double factor) {
			if (reaches(CRITICAL, factor)) {
				return Level.CRITICAL;
			}
			return reaches(WARNING, factor) ? Level.WARNING : Level.NORMAL;
		}

		private boolean reaches(Stall threshold, double factor) {
			return this.some >= factor * threshold.some || this.full >= factor * threshold.full;
		}

		Stall worse(Stall other) {
			return new Stall(Math.max(this.some, other.some), Math.max(this.full, other.full));
		}

	}

}
