package io.github.flashspring.cli;

import java.nio.file.Path;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IFactory;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

import io.github.flashspring.cli.bench.BenchCommand;
import io.github.flashspring.cli.bench.SynthesizeCommand;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.checkpoint.CacheFolder;

/**
 * The command {@code flash}: what its subcommands share, and the way from arguments to an
 * exit code. Exit codes are 0 for success, 1 for a failure, 2 for a wrong call and 130
 * for Ctrl-C.
 */
@Command(name = "flash", mixinStandardHelpOptions = true, versionProvider = Version.class,
		description = "Runs language models, also those larger than memory.", synopsisSubcommandLabel = "COMMAND",
		subcommands = { RunCommand.class, ChatCommand.class, CreateCommand.class, ShowCommand.class, PlanCommand.class,
				PullCommand.class, ListCommand.class, RemoveCommand.class, DoctorCommand.class, CompletionCommand.class,
				LogitsCommand.class, ImportCommand.class, RepackCommand.class, BenchCommand.class,
				SynthesizeCommand.class },
		footer = { "", "'flash COMMAND --help' explains a command.",
				"FLASH_JAVA_OPTS holds further options for the Java virtual machine." })
@SuppressWarnings("NullAway.Init") // picocli sets @Spec
public final class FlashCommand implements Runnable {

	@Spec
	private CommandSpec spec;

	@Option(names = "--verbose", scope = ScopeType.INHERIT, description = "Show the stack trace of an error.")
	private boolean verbose;

	FlashCommand() {
	}

	/**
	 * Starts the command line.
	 * @param args arguments as typed
	 */
	public static void main(String[] args) {
		new UnfinishedWork(CacheFolder.ofSystem()).clean();
		Terminal terminal = Terminal.system();
		// so that log lines and answers keep their order
		System.setErr(terminal.err());
		int code = commandLine(terminal, FlashEngine::load).execute(args);
		System.exit(code);
	}

	/**
	 * The command line with everything from outside handed in.
	 * @param terminal streams to read and write
	 * @param loader loads engines
	 * @return what parses and runs arguments
	 */
	static CommandLine commandLine(Terminal terminal, EngineLoader loader) {
		CommandLine commandLine = new CommandLine(new FlashCommand(), new Factory(terminal, loader));
		commandLine.setOut(terminal.outWriter());
		commandLine.setErr(terminal.errWriter());
		commandLine.setExpandAtFiles(false);
		commandLine.setAllowOptionsAsOptionParameters(true);
		commandLine.setCaseInsensitiveEnumValuesAllowed(true);
		commandLine.setOverwrittenOptionsAllowed(false);
		commandLine.setUsageHelpWidth(100);
		commandLine.setParameterExceptionHandler(Errors::usage);
		commandLine.setExecutionExceptionHandler(Errors::failure);
		commandLine.setExecutionStrategy((result) -> execute(result, terminal));
		return commandLine;
	}

	private static int execute(ParseResult result, Terminal terminal) {
		ParseResult command = result.hasSubcommand() ? result.subcommand() : result;
		@Nullable Object out = command.matchedOptionValue("--out", null);
		UnfinishedWork work = new UnfinishedWork(CacheFolder.ofSystem());
		@Nullable Path note = (out instanceof Path target) ? work.begin(target) : null;
		try {
			return Errors.output(new RunLast().execute(result), terminal);
		}
		finally {
			work.end(note);
		}
	}

	@Override
	public void run() {
		throw new ParameterException(this.spec.commandLine(), "A command is missing.");
	}

	boolean verbose() {
		return this.verbose;
	}

	/**
	 * Makes commands with what they need from outside.
	 */
	private record Factory(Terminal terminal, EngineLoader loader) implements IFactory {

		@Override
		@SuppressWarnings("unchecked")
		public <K> K create(Class<K> type) throws Exception {
			if (type == RunCommand.class) {
				return (K) new RunCommand(this.terminal, this.loader);
			}
			if (type == ChatCommand.class) {
				return (K) new ChatCommand(this.terminal, this.loader);
			}
			if (type == CreateCommand.class) {
				return (K) new CreateCommand(this.terminal);
			}
			if (type == LogitsCommand.class) {
				return (K) new LogitsCommand(this.terminal, this.loader);
			}
			if (type == PullCommand.class) {
				return (K) new PullCommand(this.terminal);
			}
			if (type == RemoveCommand.class) {
				return (K) new RemoveCommand(this.terminal);
			}
			if (type == ImportCommand.class) {
				return (K) new ImportCommand(this.terminal);
			}
			if (type == RepackCommand.class) {
				return (K) new RepackCommand(this.terminal);
			}
			if (type == SynthesizeCommand.class) {
				return (K) new SynthesizeCommand(new ProgressLine(this.terminal));
			}
			return CommandLine.defaultFactory().create(type);
		}

	}

}
