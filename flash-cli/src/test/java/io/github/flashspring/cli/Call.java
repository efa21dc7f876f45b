package io.github.flashspring.cli;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;

/**
 * One call of the command line in a test.
 *
 * @param code exit code
 * @param out standard output
 * @param err standard error
 */
record Call(int code, String out, String err) {

	static Call of(EngineLoader loader, String... args) {
		return typing("", false, loader, args);
	}

	static Call typing(String in, boolean interactive, EngineLoader loader, String... args) {
		ByteArrayOutputStream out = new ByteArrayOutputStream();
		ByteArrayOutputStream err = new ByteArrayOutputStream();
		Terminal terminal = new Terminal(new BufferedReader(new StringReader(in)),
				new PrintStream(out, false, StandardCharsets.UTF_8),
				new PrintStream(err, false, StandardCharsets.UTF_8), interactive, false);
		int code = FlashCommand.commandLine(terminal, loader).execute(args);
		terminal.out().flush();
		terminal.err().flush();
		return new Call(code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
	}

}
