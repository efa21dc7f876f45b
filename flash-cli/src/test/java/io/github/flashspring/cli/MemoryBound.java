package io.github.flashspring.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * A bound on the memory of a process that the kernel of Linux enforces: a control group
 * where one may be made, else a limit on the pages that a process may write to.
 */
final class MemoryBound implements AutoCloseable {

	private final @Nullable Path group;

	private final long bytes;

	private MemoryBound(@Nullable Path group, long bytes) {
		this.group = group;
		this.bytes = bytes;
	}

	/**
	 * Makes a bound.
	 * @param bytes most memory of a process
	 */
	static MemoryBound of(long bytes) throws IOException {
		for (String line : Files.readAllLines(Path.of("/proc/self/cgroup"))) {
			String[] fields = line.split(":", 3);
			boolean unified = fields[1].isEmpty();
			Path parent = Path.of("/sys/fs/cgroup", unified ? "." : "memory", fields[2]).normalize();
			if (unified || List.of(fields[1].split(",")).contains("memory")) {
				Path made = make(parent, unified ? "memory.max" : "memory.limit_in_bytes", bytes);
				if (made != null) {
					return new MemoryBound(made, bytes);
				}
			}
		}
		return new MemoryBound(null, bytes);
	}

	/**
	 * Makes a bound on the pages that a process may write to, touched or not.
	 * @param bytes most memory of a process
	 */
	static MemoryBound ofData(long bytes) {
		return new MemoryBound(null, bytes);
	}

	/** Makes a group of its own, or null if this process may not. */
	private static @Nullable Path make(Path parent, String limit, long bytes) throws IOException {
		Path group = parent.resolve("flash-test-" + ProcessHandle.current().pid() + "-" + System.nanoTime());
		try {
			Files.createDirectory(group);
		}
		catch (IOException ex) {
			return null;
		}
		try {
			if (Files.exists(group.resolve(limit))) {
				Files.writeString(group.resolve(limit), Long.toString(bytes));
				if (Files.exists(group.resolve("memory.swap.max"))) {
					Files.writeString(group.resolve("memory.swap.max"), "0");
				}
				return group;
			}
		}
		catch (IOException ex) {
			// Not ours to set: there is another way.
		}
		Files.delete(group);
		return null;
	}

	/** Starts this Java with a class of the tests in it. */
	Process start(Path output, Class<?> main, String... arguments) throws IOException {
		String enter = (this.group != null) ? "echo $$ > '" + this.group.resolve("cgroup.procs") + "'"
				: "ulimit -d " + (this.bytes >> 10);
		List<String> command = new ArrayList<>(List.of("sh", "-c", enter + " && exec \"$@\"", "sh",
				Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--add-modules",
				"jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-Xmx64m", "-Xss512k",
				"-XX:ReservedCodeCacheSize=48m", "-XX:CompressedClassSpaceSize=32m", "-cp",
				System.getProperty("java.class.path"), main.getName()));
		command.addAll(List.of(arguments));
		ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
		builder.environment().put("MALLOC_ARENA_MAX", "2");
		return builder.start();
	}

	/** What enforces it. */
	String kind() {
		return (this.group != null) ? "control group" : "limit of data";
	}

	/** Removes the group, once the last process in it has ended. */
	@Override
	public void close() throws IOException {
		if (this.group != null) {
			Files.delete(this.group);
		}
	}

}
