package io.github.flashspring.cli;

import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.hub.DownloadProgress;
import io.github.flashspring.engine.hub.DownloadProgress.FileProgress;
import io.github.flashspring.engine.hub.DownloadProgress.State;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Tests for {@code flash pull}, {@code list} and {@code rm}, without a hub.
 */
class HubCommandsTests {

	@ParameterizedTest
	@ValueSource(strings = { "name", "./org/name", "org/name@", "https://huggingface.co/org/name", "org/../name" })
	void pullRefusesWhatIsNoModelOfAHub(String model) {
		Call call = Call.of(FlashEngine::load, "pull", model);
		assertThat(call.code()).isEqualTo(2);
		assertThat(call.err()).contains("'" + model + "' is no model of a hub", "org/name@revision");
	}

	@Test
	void pullRefusesARevisionThatIsNone() {
		Call call = Call.of(FlashEngine::load, "pull", "org/name", "--revision", "../x");
		assertThat(call.code()).isEqualTo(2);
		assertThat(call.err()).contains("'../x' is no revision");
	}

	@Test
	void runNamesTheCommandThatDownloads() {
		Call call = Call.of(FlashEngine::load, "run", "--model", "flash-tests/never-there", "--prompt", "Hi");
		assertThat(call.code()).isEqualTo(1);
		assertThat(call.err()).contains("Download it first: flash pull flash-tests/never-there");
	}

	@Test
	void listOfAnEmptyCacheHasItsHeadings() {
		Call call = Call.of(FlashEngine::load, "list");
		assertThat(call.code()).isZero();
		assertThat(call.out()).startsWith("NAME").contains("REVISION", "SIZE", "TYPE", "MODIFIED");
	}

	@Test
	void removingWhatIsNotThereFails() {
		Call call = Call.of(FlashEngine::load, "rm", "flash-tests/never-there");
		assertThat(call.code()).isEqualTo(1);
		assertThat(call.err()).contains("is not in the cache", "flash list");
	}

	@Test
	void lineTellsBytesRateAndTimeLeft() {
		DownloadProgress progress = new DownloadProgress("org/name", 4L << 30, 1L << 30, 1L << 30, 9, 7,
				List.of(new FileProgress("tokenizer.json", 100, 100, State.CHECKING),
						new FileProgress("model-1.safetensors", 2L << 30, 1L << 29, State.DOWNLOADING)));
		assertThat(DownloadLines.line(progress, 16 << 20)).isEqualTo(
				" 25 % █████░░░░░░░░░░░░░░░ 1.00 GB of 4.00 GB, 16.0 MB/s, 3 min 12 s left · 7/9 files · model-1.safetensors 25 %");
	}

}
