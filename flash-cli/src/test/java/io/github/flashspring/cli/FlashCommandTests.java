package io.github.flashspring.cli;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

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

	@ParameterizedTest
	@MethodSource("commands")
	void helpOfEachCommandIsWellFormed(String command) {
		PrintStream before = System.err;
		ByteArrayOutputStream warnings = new ByteArrayOutputStream();
		// where picocli warns, at help with a wrong format
		System.setErr(new PrintStream(warnings, true, StandardCharsets.UTF_8));
		try {
			Call call = Call.of(this.engine::load, command, "--help");
			assertThat(call.code()).isZero();
			assertThat(call.out()).startsWith("Usage: flash " + command).doesNotContain("%%");
			assertThat(call.err()).isEmpty();
		}
		finally {
			System.setErr(before);
		}
		assertThat(warnings.toString(StandardCharsets.UTF_8)).isEmpty();
	}

	static Set<String> commands() {
		Set<String> commands = FlashCommand.commandLine(Terminal.system(), (config) -> {
			throw new AssertionError("nothing is loaded");
		}).getSubcommands().keySet();
		assertThat(commands).contains("run", "bench");
		return commands;
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
	void tokensThatWereCachedAreShown() {
		Usage usage = new Usage(100, 1, Duration.ZERO, Duration.ofSeconds(2), Duration.ofSeconds(2), 0, 64, 0);
		assertThat(Figures.of(usage, FinishReason.STOP))
			.isEqualTo("100 prompt tokens, 64 of them cached (18.0 tokens/s), first token after 2.00 s,"
					+ " 1 generated token, 0 B read");
	}

	@Test
	void speedIsLeftOutWhereThereIsNone() {
		Usage usage = new Usage(1, 1, Duration.ZERO, Duration.ZERO, Duration.ZERO, 0);
		assertThat(Figures.of(usage, FinishReason.STOP))
			.isEqualTo("1 prompt token, first token after 0.00 s, 1 generated token, 0 B read");
	}

}
