package io.github.flashspring.cli.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The most memory that this process had at once, as Linux counts it: resident pages,
 * those of mapped files included.
 */
final class PeakMemory {

	private static final Path RESET = Path.of("/proc/self/clear_refs");

	private static final Path STATUS = Path.of("/proc/self/status");

	private PeakMemory() {
	}

	/** Counts from now on, where the system can. */
	static void reset() {
		try {
			if (Files.isWritable(RESET)) {
				Files.writeString(RESET, "5");
			}
		}
		catch (IOException ex) {
			// then it counts from the start of the process: more, never less
		}
	}

	/**
	 * The most since {@link #reset}.
	 * @return bytes; 0 where the system does not tell
	 */
	static long bytes() {
		return status("VmHWM:");
	}

	/**
	 * What it has now.
	 * @return bytes; 0 where the system does not tell
	 */
	static long now() {
		return status("VmRSS:");
	}

	private static long status(String name) {
		try {
			return Files.isReadable(STATUS) ? Files.readAllLines(STATUS)
				.stream()
				.filter((line) -> line.startsWith(name))
				.mapToLong((line) -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
				.findFirst()
				.orElse(0) : 0;
		}
		catch (IOException ex) {
			return 0;
		}
	}

}
