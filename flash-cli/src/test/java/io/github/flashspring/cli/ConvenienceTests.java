package io.github.flashspring.cli;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.Generation.PromptProgress;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Completion scripts, the line that turns, {@code flash doctor}, and the length of help.
 */
class ConvenienceTests {

	@Test
	void progressNamesWhatIsLeft() {
		long second = 1_000_000_000;
		PromptProgress some = new PromptProgress(412, 1900);
		assertThat(Spinner.progress(some, 10_500_000_000L, 10_500_000_000L))
			.isEqualTo("412 of 1,900 tokens, 38 s left");
		assertThat(Spinner.progress(some, 10_500_000_000L, 12_500_000_000L))
			.isEqualTo("412 of 1,900 tokens, 36 s left");
		assertThat(Spinner.progress(some, 10 * second, 90 * second)).isEqualTo("412 of 1,900 tokens, 1 s left");
		assertThat(Spinner.progress(new PromptProgress(0, 1900), 0, 2 * second)).isEqualTo("0 of 1,900 tokens, 2 s");
		assertThat(Spinner.progress(PromptProgress.UNKNOWN, 0, 2 * second)).isEqualTo("2 s");
	}

	@Test
	void completionScriptsNameCommandsAndOptions() {
		assertThat(completion("bash").out()).contains("complete -F _complete_flash").contains("--modelfile");
		assertThat(completion("ZSH").out()).contains("bashcompinit");
		assertThat(completion("fish").out()).contains("complete -c flash -n __fish_use_subcommand -a run -d 'Answer a")
			.contains("complete -c flash -n '__fish_seen_subcommand_from run' -l ram -r -F -d 'Memory: 4");
		assertThat(completion("csh").code()).isEqualTo(2);
	}

	@ParameterizedTest
	@ValueSource(strings = { "run", "chat", "create", "show", "doctor", "completion" })
	void helpFitsOneScreen(String command) {
		assertThat(Call.of(FlashEngine::load, command, "--help").out().lines().count()).isLessThanOrEqualTo(50);
	}

	@Test
	@Tag("slow")
	void doctorRunsASmallModelFromDisk() {
		Call call = Call.of(FlashEngine::load, "doctor");
		assertThat(call.out()).contains("ok    java")
			.contains("memory")
			.contains("disk")
			.contains("the same as those with all in memory");
	}

	private static Call completion(String shell) {
		return Call.of(FlashEngine::load, "completion", shell);
	}

}
