package io.github.flashspring.engine.device.cpu;

import java.util.List;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Tests for {@link JvmOptions}.
 */
class JvmOptionsTests {

	@Test
	void findsWhatMakesComputingSlow() {
		assertThat(JvmOptions.slow(List.of("-Xmx1g", "-XX:TieredStopAtLevel=1", "-ea")))
			.isEqualTo("-XX:TieredStopAtLevel=1");
		assertThat(JvmOptions.slow(List.of("-Xint"))).isEqualTo("-Xint");
	}

	@Test
	void findsNothingInUsualOptions() {
		assertThat(JvmOptions.slow(List.of())).isNull();
		assertThat(JvmOptions.slow(List.of("--add-modules=jdk.incubator.vector", "-XX:+UseSerialGC"))).isNull();
	}

	@Test
	void theLastOfAnOptionCounts() {
		assertThat(JvmOptions.slow(List.of("-XX:TieredStopAtLevel=1", "-XX:TieredStopAtLevel=4"))).isNull();
		assertThat(JvmOptions.slow(List.of("-XX:TieredStopAtLevel=4", "-XX:TieredStopAtLevel=1"))).isNotNull();
	}

}
