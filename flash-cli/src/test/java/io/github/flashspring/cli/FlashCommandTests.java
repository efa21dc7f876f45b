package io.github.flashspring.cli;

import java.time.Duration;

import org.junit.jupiter.api.Test;

import io.github.flashspring.engine.Usage;
import io.github.flashspring.engine.generate.FinishReason;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What all commands share: help, version, and how figures are written.
 */
class FlashCommandTests {

	private final ScriptedEngine engine = new ScriptedEngine();

	@Test
	void helpNamesTheCommands() {
		Call call = Call.of(this.engine::load, "--help");
		assertThat(call.code()).isZero();
		assertThat(call.out()).contains("run", "logits", "FLASH_JAVA_OPTS");
		assertThat(call.err()).isEmpty();
	}

	@Test
	void versionNamesOursAndJavas() {
		Call call = Call.of(this.engine::load, "--version");
		assertThat(call.code()).isZero();
		assertThat(call.out()).startsWith("flash ").contains("Java " + Runtime.version());
	}

	@Test
	void missingAndUnknownCommandsAreWrongCalls() {
		Call missing = Call.of(this.engine::load);
		assertThat(missing.code()).isEqualTo(2);
		assertThat(missing.err()).startsWith("flash: A command is missing").endsWith("Try 'flash --help'.\n");
		Call unknown = Call.of(this.engine::load, "rum");
		assertThat(unknown.code()).isEqualTo(2);
		assertThat(unknown.err()).contains("'rum'").contains("run");
	}

	@Test
	void firstTokenIsLeftOutWhereThereIsNone() {
		Usage usage = new Usage(9, 0, Duration.ZERO, Duration.ZERO, Duration.ofSeconds(1), 0);
		assertThat(Figures.of(usage, FinishReason.CANCELLED))
			.isEqualTo("9 prompt tokens, 0 generated tokens, 0 B read; cancelled");
	}

	@Test
	void speedIsLeftOutWhereThereIsNone() {
		Usage usage = new Usage(1, 1, Duration.ZERO, Duration.ZERO, Duration.ZERO, 0);
		assertThat(Figures.of(usage, FinishReason.STOP))
			.isEqualTo("1 prompt token, first token after 0.00 s, 1 generated token, 0 B read");
	}

}
