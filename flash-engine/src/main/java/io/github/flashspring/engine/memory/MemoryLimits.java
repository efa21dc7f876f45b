package io.github.flashspring.engine.memory;

import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.LongSupplier;

import com.sun.management.OperatingSystemMXBean;

/**
 * How much memory this process may use, and how much of it is free: that of its control
 * groups where they bound it, else that of the machine.
 *
 * @param limitBytes most memory that this process and those in its group may have
 * @param availableBytes how much more they can have now, with what the kernel would take
 * from its caches
 * @param source what bounds it, for messages
 */
public record MemoryLimits(long limitBytes, long availableBytes, String source) {

	/**
	 * The limits of this process.
	 * @return as they are now
	 */
	public static MemoryLimits ofSystem() {
		var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
		return of(Path.of("/"), system::getTotalMemorySize, system::getFreeMemorySize);
	}

	/**
	 * The limits below a root.
	 * @param root of the file system
	 * @param total memory of the machine, in bytes, if the file system does not tell
	 * @param free how much of that is free
	 */
	static MemoryLimits of(Path root, LongSupplier total, LongSupplier free) {
		MemoryLimits limits = ofMachine(root, total, free);
		for (ControlGroup group : ControlGroup.ofProcess(root)) {
			long limit = group.limitBytes();
			// Groups of version 1 that are not bounded have a limit as well: 2^63 less a
			// page.
			if (limit < Long.MAX_VALUE / 2) {
				long available = Math.min(limits.availableBytes, Math.max(0, limit - group.usedBytes()));
				limits = (limit < limits.limitBytes)
						? new MemoryLimits(limit, available, "control group " + group.limitFile())
						: new MemoryLimits(limits.limitBytes, available, limits.source);
			}
		}
		return limits;
	}

	private static MemoryLimits ofMachine(Path root, LongSupplier total, LongSupplier free) {
		Path file = root.resolve("proc/meminfo");
		if (Files.isReadable(file)) {
			long all = 0;
			long available = 0;
			for (String line : ControlGroup.lines(file)) {
				if (line.startsWith("MemTotal:")) {
					all = kibibytes(line);
				}
				if (line.startsWith("MemAvailable:")) {
					available = kibibytes(line);
				}
			}
			if (all > 0) {
				return new MemoryLimits(all, available, "physical memory");
			}
		}
		return new MemoryLimits(total.getAsLong(), free.getAsLong(), "physical memory");
	}

	/** Reads a line such as {@code MemTotal: 24684096 kB}. */
	private static long kibibytes(String line) {
		String digits = line.replaceAll("\\D", "");
		return (digits.isEmpty() || digits.length() > 15) ? 0 : Long.parseLong(digits) << 10;
	}

}
