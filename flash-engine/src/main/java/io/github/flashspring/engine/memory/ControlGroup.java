package io.github.flashspring.engine.memory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The control groups of Linux that bound the memory of this process, of version 1, 2 or
 * both: its own and those around it, as far as they are mounted. A file that cannot be
 * read bounds nothing.
 * <p>
 * See <a href="https://docs.kernel.org/admin-guide/cgroup-v2.html#memory">version 2</a>
 * and <a href="https://docs.kernel.org/admin-guide/cgroup-v1/memory.html">version 1</a>.
 *
 * @param folder its files
 * @param unified whether it is of version 2
 */
record ControlGroup(Path folder, boolean unified) {

	private static final Logger logger = LoggerFactory.getLogger(ControlGroup.class);

	/**
	 * Finds the groups of this process.
	 * @param root of the file system
	 * @return inner groups before outer ones; empty where there are none
	 */
	static List<ControlGroup> ofProcess(Path root) {
		List<ControlGroup> groups = new ArrayList<>();
		List<String> mounts = lines(root.resolve("proc/self/mountinfo"));
		for (String line : lines(root.resolve("proc/self/cgroup"))) {
			// hierarchy:controllers:path
			String[] fields = line.split(":", 3);
			if (fields.length < 3) {
				continue;
			}
			boolean unified = fields[0].equals("0") && fields[1].isEmpty();
			if (unified || Arrays.asList(fields[1].split(",")).contains("memory")) {
				mounts.stream()
					.map((mount) -> Mount.parse(mount, unified))
					.filter((mount) -> mount != null)
					.findFirst()
					.ifPresent((mount) -> groups.addAll(groups(root, mount, fields[2], unified)));
			}
		}
		return groups;
	}

	private static List<ControlGroup> groups(Path root, Mount mount, String path, boolean unified) {
		Path top = root.resolve(mount.point().substring(1)).normalize();
		List<ControlGroup> groups = new ArrayList<>();
		for (Path folder = top.resolve(mount.relative(path)).normalize(); folder != null
				&& folder.startsWith(top); folder = folder.getParent()) {
			groups.add(new ControlGroup(folder, unified));
		}
		return groups;
	}

	/**
	 * Most memory that the processes of the group may have.
	 * @return bytes, {@link Long#MAX_VALUE} if it is not bounded
	 */
	long limitBytes() {
		// Beyond "high" processes are not killed, but held up until it is kept again.
		return this.unified ? Math.min(number("memory.max"), number("memory.high")) : number("memory.limit_in_bytes");
	}

	/**
	 * The file that bounds it.
	 * @return a path for messages
	 */
	Path limitFile() {
		if (!this.unified) {
			return this.folder.resolve("memory.limit_in_bytes");
		}
		return this.folder.resolve((number("memory.high") < number("memory.max")) ? "memory.high" : "memory.max");
	}

	/**
	 * Memory that the processes of the group have, less what the kernel takes back at
	 * once when it is needed: pages of files.
	 * @return bytes
	 */
	long usedBytes() {
		long used = number(this.unified ? "memory.current" : "memory.usage_in_bytes");
		if (used == Long.MAX_VALUE) {
			return 0;
		}
		String prefix = this.unified ? "" : "total_";
		for (String line : lines(this.folder.resolve("memory.stat"))) {
			if (line.startsWith(prefix + "inactive_file ") || line.startsWith(prefix + "active_file ")) {
				used -= parse(line.substring(line.indexOf(' ') + 1));
			}
		}
		return Math.max(0, used);
	}

	private long number(String file) {
		List<String> lines = lines(this.folder.resolve(file));
		return lines.isEmpty() ? Long.MAX_VALUE : parse(lines.getFirst());
	}

	private static long parse(String text) {
		if (text.strip().equals("max")) {
			return Long.MAX_VALUE;
		}
		try {
			return Long.parseLong(text.strip());
		}
		catch (NumberFormatException ex) {
			logger.debug("Expected a number of bytes, found '{}'", text);
			return Long.MAX_VALUE;
		}
	}

	static List<String> lines(Path file) {
		try {
			return Files.readAllLines(file);
		}
		catch (NoSuchFileException ex) {
			return List.of();
		}
		catch (IOException ex) {
			logger.debug("Cannot read {}", file, ex);
			return List.of();
		}
	}

	/**
	 * Where a hierarchy of groups is mounted.
	 *
	 * @param root the group that is seen at the mount point
	 * @param point the mount point
	 */
	private record Mount(String root, String point) {

		/**
		 * Reads a line of mountinfo: {@code 31 23 0:28 / /sys/fs/cgroup rw - cgroup2 …}.
		 * @return null if it is not the mount that is looked for
		 */
		static @Nullable Mount parse(String line, boolean unified) {
			int dash = line.indexOf(" - ");
			String[] fields = line.split(" ");
			if (dash < 0 || fields.length < 6) {
				return null;
			}
			String[] system = line.substring(dash + 3).split(" ", 3);
			boolean found = unified ? system[0].equals("cgroup2") : system[0].equals("cgroup") && system.length == 3
					&& Arrays.asList(system[2].split(",")).contains("memory");
			return (found && fields[4].startsWith("/")) ? new Mount(fields[3], fields[4].replace("\\040", " ")) : null;
		}

		/**
		 * Where a group is below the mount point.
		 * @param path the process's group
		 * @return the mount point itself if it shows other groups than that one
		 */
		String relative(String path) {
			if (path.contains("..")) {
				return "";
			}
			String below = path;
			if (!this.root.equals("/")) {
				if (!path.equals(this.root) && !path.startsWith(this.root + "/")) {
					return "";
				}
				below = path.substring(this.root.length());
			}
			return below.startsWith("/") ? below.substring(1) : below;
		}

	}

}
