package io.github.flashspring.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * Turns exceptions into one human-readable message and an exit code.
 */
final class Errors {

	private Errors() {
	}

	/**
	 * A wrong call: says what is wrong and where to read more.
	 * @param exception what was wrong
	 * @param args arguments as typed
	 * @return the exit code
	 */
	static int usage(ParameterException exception, String[] args) {
		CommandLine command = exception.getCommandLine();
		PrintWriter err = command.getErr();
		String name = command.getCommandSpec().qualifiedName();
		err.println(name + ": " + exception.getMessage());
		UnmatchedArgumentException.printSuggestions(exception, err);
		err.println("Try '" + name + " --help'.");
		err.flush();
		if (exception.getCause() != null && verbose(command)) {
			exception.printStackTrace(err);
		}
		return ExitCode.USAGE;
	}

	/**
	 * A failure: says what happened; the stack trace only on request. A command that was
	 * ended by a signal fails too, as its files vanish, and says nothing.
	 * @param exception what happened
	 * @param command the command that ran
	 * @param result its arguments
	 * @return the exit code
	 */
	static int failure(Exception exception, CommandLine command, ParseResult result) {
		if (isShuttingDown()) {
			return ExitCode.SOFTWARE;
		}
		PrintWriter err = command.getErr();
		err.println(command.getCommandSpec().qualifiedName() + ": " + message(exception));
		if (verbose(command)) {
			exception.printStackTrace(err);
		}
		err.flush();
		return ExitCode.SOFTWARE;
	}

	/**
	 * After a command that succeeded: says why its output is incomplete, if it is. That a
	 * reader left, such as {@code head}, needs no words.
	 * @param code the command's exit code
	 * @param terminal where it wrote
	 * @return the exit code
	 */
	static int output(int code, Terminal terminal) {
		IOException failure = terminal.outputFailure();
		if (failure == null) {
			return code;
		}
		String reason = String.valueOf(failure.getMessage());
		if (!reason.contains("Broken pipe")) {
			terminal.note("flash: cannot write to standard output: " + reason);
		}
		return (code != ExitCode.OK) ? code : ExitCode.SOFTWARE;
	}

	private static boolean isShuttingDown() {
		Thread hook = new Thread(() -> {
		});
		try {
			Runtime.getRuntime().addShutdownHook(hook);
			Runtime.getRuntime().removeShutdownHook(hook);
			return false;
		}
		catch (IllegalStateException ex) {
			return true;
		}
	}

	private static boolean verbose(CommandLine command) {
		CommandLine top = command;
		while (top.getParent() != null) {
			top = top.getParent();
		}
		return top.getCommand() instanceof FlashCommand flash && flash.verbose();
	}

	/**
	 * What happened, human-readable.
	 * @param exception what was thrown
	 * @return one or more sentences
	 */
	static String message(Throwable exception) {
		String message = exception.getMessage();
		if (exception instanceof FileSystemException file) {
			return reason(file) + ": " + file.getFile();
		}
		boolean ours = exception.getClass().getName().startsWith("io.github.flashspring.")
				|| exception instanceof IllegalArgumentException || exception instanceof IOException
				|| exception instanceof UncheckedIOException;
		if (ours && message != null) {
			return message;
		}
		return "unexpected " + exception.getClass().getSimpleName() + ((message != null) ? ": " + message : "")
				+ ". This is a defect; --verbose shows where it happened.";
	}

	private static @Nullable String reason(FileSystemException exception) {
		return switch (exception) {
			case NoSuchFileException _ -> "no such file or folder";
			case AccessDeniedException _ -> "permission denied";
			case FileAlreadyExistsException _ -> "exists already";
			default -> (exception.getReason() != null) ? exception.getReason() : "cannot be used";
		};
	}

}
