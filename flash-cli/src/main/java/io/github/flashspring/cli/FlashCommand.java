package io.github.flashspring.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/**
 * The command {@code flash} with its subcommands.
 */
@Command(name = "flash", mixinStandardHelpOptions = true, description = "Runs language models larger than memory.")
public final class FlashCommand {

	private FlashCommand() {
	}

	public static void main(String[] args) {
		System.exit(new CommandLine(new FlashCommand()).execute(args));
	}

}
