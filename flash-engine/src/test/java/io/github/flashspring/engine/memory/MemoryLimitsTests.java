package io.github.flashspring.engine.memory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Reads copies of the files that Linux shows on machines of different kinds.
 */
class MemoryLimitsTests {

	private static final long GIB = 1L << 30;

	private static final String V2_MOUNT = "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

	private static final String V1_MOUNTS = """
			31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
			32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
			35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
			""";

	@TempDir
	private Path root;

	@BeforeEach
	void machine() throws IOException {
		file("proc/meminfo", "MemTotal:       33554432 kB\nMemFree:  1024 kB\nMemAvailable:   16777216 kB\n");
	}

	@Test
	void aMachineWithoutGroupsIsItsOwnLimit() {
		assertThat(limits()).isEqualTo(new MemoryLimits(32 * GIB, 16 * GIB, "physical memory"));
	}

	@Test
	void otherSystemsAreAsked() throws IOException {
		Files.delete(this.root.resolve("proc/meminfo"));
		assertThat(limits()).isEqualTo(new MemoryLimits(7, 3, "physical memory"));
	}

	@Test
	void aGroupOfVersionTwoIsTheLimit() throws IOException {
		unified("0::/app\n");
		file("sys/fs/cgroup/app/memory.max", "" + 4 * GIB);
		file("sys/fs/cgroup/app/memory.high", "max\n");
		file("sys/fs/cgroup/app/memory.current", "" + 3 * GIB);
		file("sys/fs/cgroup/app/memory.stat",
				"anon 1\ninactive_file " + GIB + "\nactive_file " + GIB / 2 + "\nworkingset_refault_file 77\n");
		MemoryLimits limits = limits();
		assertThat(limits.limitBytes()).isEqualTo(4 * GIB);
		assertThat(limits.availableBytes()).isEqualTo(4 * GIB - 3 * GIB / 2);
		assertThat(limits.source()).contains("app/memory.max");
	}

	@Test
	void outerGroupsBoundInnerOnes() throws IOException {
		unified("0::/kube/pod/app\n");
		file("sys/fs/cgroup/kube/pod/app/memory.max", "max\n");
		file("sys/fs/cgroup/kube/pod/memory.max", "" + 2 * GIB);
		file("sys/fs/cgroup/kube/pod/memory.current", "" + GIB);
		file("sys/fs/cgroup/kube/memory.max", "" + 8 * GIB);
		file("sys/fs/cgroup/kube/memory.current", "" + 15 * GIB / 2);
		MemoryLimits limits = limits();
		assertThat(limits.limitBytes()).isEqualTo(2 * GIB);
		assertThat(limits.availableBytes()).as("the outer group is nearly full").isEqualTo(GIB / 2);
		assertThat(limits.source()).contains("kube/pod/memory.max");
	}

	@Test
	void theThresholdAtWhichProcessesAreHeldUpIsALimit() throws IOException {
		unified("0::/app\n");
		file("sys/fs/cgroup/app/memory.max", "" + 4 * GIB);
		file("sys/fs/cgroup/app/memory.high", "" + 3 * GIB);
		assertThat(limits().limitBytes()).isEqualTo(3 * GIB);
		assertThat(limits().source()).endsWith("memory.high");
	}

	@Test
	void aContainerSeesItsGroupAtTheMountPoint() throws IOException {
		unified("0::/\n");
		file("sys/fs/cgroup/memory.max", "" + GIB);
		assertThat(limits().limitBytes()).isEqualTo(GIB);
	}

	@Test
	void aProcessOutsideOfItsNamespaceUsesTheMountPoint() throws IOException {
		unified("0::/../../other\n");
		file("sys/fs/cgroup/memory.max", "" + GIB);
		file("other/memory.max", "5");
		assertThat(limits().limitBytes()).isEqualTo(GIB);
	}

	@Test
	void aGroupOfVersionOneIsTheLimit() throws IOException {
		file("proc/self/mountinfo", V1_MOUNTS);
		file("proc/self/cgroup", "5:cpu:/app\n4:hugetlb,memory:/app/inner\n1:name=systemd:/\n");
		file("sys/fs/cgroup/memory/app/inner/memory.limit_in_bytes", "9223372036854771712");
		file("sys/fs/cgroup/memory/app/memory.limit_in_bytes", "" + 6 * GIB);
		file("sys/fs/cgroup/memory/app/memory.usage_in_bytes", "" + 5 * GIB);
		file("sys/fs/cgroup/memory/app/memory.stat",
				"inactive_file 5\ntotal_inactive_file " + GIB + "\ntotal_active_file 0\n");
		file("sys/fs/cgroup/cpu/app/memory.limit_in_bytes", "1");
		MemoryLimits limits = limits();
		assertThat(limits).isEqualTo(new MemoryLimits(6 * GIB, 2 * GIB, limits.source()));
		assertThat(limits.source()).contains("memory/app/memory.limit_in_bytes");
	}

	@Test
	void aContainerOfVersionOneSeesItsGroupAtTheMountPoint() throws IOException {
		file("proc/self/mountinfo",
				"35 31 0:32 /docker/12ab /sys/fs/cgroup/memory ro,relatime master:3 - cgroup cgroup rw,memory\n");
		file("proc/self/cgroup", "4:memory:/docker/12ab\n");
		file("sys/fs/cgroup/memory/memory.limit_in_bytes", "" + 2 * GIB);
		assertThat(limits().limitBytes()).isEqualTo(2 * GIB);
		file("proc/self/cgroup", "4:memory:/docker/12ab/inner\n");
		file("sys/fs/cgroup/memory/inner/memory.limit_in_bytes", "" + GIB);
		assertThat(limits().limitBytes()).isEqualTo(GIB);
		file("proc/self/cgroup", "4:memory:/docker/12abc\n");
		assertThat(limits().limitBytes()).isEqualTo(2 * GIB);
	}

	@Test
	void bothVersionsBesideEachOtherBound() throws IOException {
		file("proc/self/mountinfo", V1_MOUNTS + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
		file("proc/self/cgroup", "4:memory:/app\n0::/\n");
		file("sys/fs/cgroup/memory/app/memory.limit_in_bytes", "" + GIB);
		assertThat(limits().limitBytes()).isEqualTo(GIB);
	}

	@Test
	void limitsBeyondTheMachineBoundNothing() throws IOException {
		unified("0::/app\n");
		file("sys/fs/cgroup/app/memory.max", "" + 64 * GIB);
		assertThat(limits().limitBytes()).isEqualTo(32 * GIB);
		assertThat(limits().source()).isEqualTo("physical memory");
	}

	@Test
	void filesThatMakeNoSenseBoundNothing() throws IOException {
		unified("nonsense\n0::/app\n");
		file("sys/fs/cgroup/app/memory.max", "many");
		file("sys/fs/cgroup/app/memory.high", "");
		assertThat(limits().limitBytes()).isEqualTo(32 * GIB);
		file("proc/self/mountinfo", "a b c - cgroup2\n - \n31 23 0:28 / /sys/fs/cgroup rw\n");
		assertThat(limits().limitBytes()).isEqualTo(32 * GIB);
	}

	@Test
	@EnabledOnOs({ OS.LINUX, OS.MAC })
	void thisMachineHasMemory() {
		MemoryLimits limits = MemoryLimits.ofSystem();
		assertThat(limits.limitBytes()).isGreaterThan(256 << 20);
		assertThat(limits.availableBytes()).isBetween(1L, limits.limitBytes());
	}

	private MemoryLimits limits() {
		return MemoryLimits.of(this.root, () -> 7, () -> 3);
	}

	private void unified(String groups) throws IOException {
		file("proc/self/mountinfo", V2_MOUNT);
		file("proc/self/cgroup", groups);
	}

	private void file(String name, String content) throws IOException {
		Path file = this.root.resolve(name);
		Files.createDirectories(file.getParent());
		Files.writeString(file, content);
	}

}
