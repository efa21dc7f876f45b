package io.github.flashspring.engine.metrics;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Tests for {@link ByteSize}.
 */
class ByteSizeTests {

	@ParameterizedTest
	@CsvSource({ "0, 0 B", "1023, 1023 B", "1024, 1.00 KB", "1258291, 1.20 MB", "13107200, 12.5 MB",
			"851443712, 812 MB", "5368709120, 5.00 GB", "1152921504606846976, 1048576 TB" })
	void bytesAreReadable(long bytes, String text) {
		assertThat(ByteSize.readable(bytes)).isEqualTo(text);
	}

}
