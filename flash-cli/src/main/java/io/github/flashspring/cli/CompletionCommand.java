package io.github.flashspring.cli;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;

import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code flash completion}: prints what a shell needs to complete commands and options.
 */
@Command(name = "completion", mixinStandardHelpOptions = true, customSynopsis = "flash completion bash|zsh|fish",
		description = "Print a completion script for a shell.",
		footer = { "", "Examples:", "  source <(flash completion bash)        (bash, zsh; put it into ~/.bashrc)",
				"  flash completion fish > ~/.config/fish/completions/flash.fish" })
@SuppressWarnings("NullAway.Init") // picocli sets @Spec and required parameters
final class CompletionCommand implements Callable<Integer> {

	@Spec
	private CommandSpec spec;

	@Parameters(paramLabel = "SHELL", description = "bash, zsh or fish.")
	private Shell shell;

	@Override
	public Integer call() {
		CommandLine top = this.spec.commandLine().getParent();
		PrintWriter out = this.spec.commandLine().getOut();
		out.print((this.shell == Shell.FISH) ? fish(top) : AutoComplete.bash("flash", top));
		out.flush();
		return 0;
	}

	/** One line for each command and each of its options. */
	private static String fish(CommandLine top) {
		StringBuilder text = new StringBuilder("# fish completion for flash\ncomplete -c flash -f\n"
				+ "complete -c flash -n 'not __fish_use_subcommand' -a '(__fish_complete_directories)'\n");
		Map<String, CommandLine> commands = new TreeMap<>(top.getSubcommands());
		commands.forEach((name, command) -> text.append("complete -c flash -n __fish_use_subcommand -a ")
			.append(name)
			.append(" -d ")
			.append(quoted(command.getCommandSpec().usageMessage().description()))
			.append('\n'));
		commands.forEach((name, command) -> {
			for (OptionSpec option : command.getCommandSpec().options()) {
				if (!option.hidden()) {
					text.append("complete -c flash -n '__fish_seen_subcommand_from ").append(name).append('\'');
					for (String word : option.names()) {
						text.append(word.startsWith("--") ? " -l " + word.substring(2) : " -s " + word.substring(1));
					}
					text.append((option.arity().max() > 0) ? " -r -F" : "")
						.append(" -d ")
						.append(quoted(option.description()))
						.append('\n');
				}
			}
		});
		return text.toString();
	}

	/** The first sentence, in single quotes. */
	private static String quoted(String[] description) {
		String text = String.join(" ", description).replace("%%", "%");
		int end = text.indexOf(". ");
		return "'" + ((end > 0) ? text.substring(0, end) : text).replace("\\", "\\\\").replace("'", "\\'") + "'";
	}

	/** A shell. */
	enum Shell {

		/** The Bourne-again shell. */
		BASH,
		/** The Z shell. */
		ZSH,
		/** The friendly interactive shell. */
		FISH;

		@Override
		public String toString() {
			return name().toLowerCase(Locale.ROOT);
		}

	}

}
