package io.github.flashspring.engine.memory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;

import io.github.flashspring.engine.memory.MemoryPressure.Level;
import io.github.flashspring.engine.memory.MemoryPressure.Stall;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;

class MemoryPressureTests {

	@TempDir
	private Path root;

	@ParameterizedTest
	@CsvSource({ "0.00, 0.00, NORMAL", "9.99, 1.99, NORMAL", "10.00, 0.00, WARNING", "3.00, 2.00, WARNING",
			"40.00, 0.00, CRITICAL", "12.00, 10.50, CRITICAL", "100.00, 100.00, CRITICAL" })
	void readsPressureStallInformation(String some, String full, Level level) throws IOException {
		pressure("proc/pressure/memory", some, full);
		assertThat(MemoryPressure.ofLinux(this.root).level()).isEqualTo(level);
	}

	@Test
	void theWorseOfMachineAndGroupCounts() throws IOException {
		pressure("proc/pressure/memory", "0.00", "0.00");
		write("proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
		write("proc/self/cgroup", "0::/app\n");
		pressure("sys/fs/cgroup/app/memory.pressure", "15.00", "0.00");
		MemoryPressure pressure = MemoryPressure.ofLinux(this.root);
		assertThat(pressure.level()).isEqualTo(Level.WARNING);
		pressure("proc/pressure/memory", "50.00", "20.00");
		assertThat(pressure.level()).isEqualTo(Level.CRITICAL);
	}

	@Test
	void kernelsWithoutTheInformationHaveNoPressure() throws IOException {
		assertThat(MemoryPressure.ofLinux(this.root).level()).isEqualTo(Level.NORMAL);
		write("proc/pressure/memory", "some avg10=many avg60=0\nfull\n\n");
		assertThat(MemoryPressure.ofLinux(this.root).level()).isEqualTo(Level.NORMAL);
	}

	@Test
	void levelsAreLeftLaterThanTheyAreEntered() {
		AtomicReference<Stall> stall = new AtomicReference<>(Stall.NONE);
		MemoryPressure pressure = new MemoryPressure(stall::get);
		double[] some = { 0, 9, 11, 9, 6, 9, 4.9, 9, 41, 39, 21, 19, 4 };
		Level[] expected = { Level.NORMAL, Level.NORMAL, Level.WARNING, Level.WARNING, Level.WARNING, Level.WARNING,
				Level.NORMAL, Level.NORMAL, Level.CRITICAL, Level.CRITICAL, Level.CRITICAL, Level.WARNING,
				Level.NORMAL };
		for (int i = 0; i < some.length; i++) {
			stall.set(new Stall(some[i], 0));
			assertThat(pressure.level()).as("reading %s", i).isEqualTo(expected[i]);
		}
	}

	@ParameterizedTest
	@CsvSource({ "1, NORMAL", "2, WARNING", "4, CRITICAL", "0, NORMAL", "77, NORMAL" })
	void knowsTheLevelsOfMacOs(int value, Level level) {
		assertThat(new MemoryPressure(() -> MacMemoryPressure.stall(value)).level()).isEqualTo(level);
	}

	@Test
	void systemsThatAreNotMacOsDoNotAnswerItsQuestion() {
		assertThat(new MacMemoryPressure().stall()).isNotNull();
		assertThat(MemoryPressure.ofSystem().level()).isNotNull();
	}

	private void pressure(String name, String some, String full) throws IOException {
		write(name, "some avg10=" + some + " avg60=0.00 avg300=0.00 total=123\nfull avg10=" + full
				+ " avg60=0.00 avg300=0.00 total=45\n");
	}

	private void write(String name, String content) throws IOException {
		Path file = this.root.resolve(name);
		Files.createDirectories(file.getParent());
		Files.writeString(file, content);
	}

}
