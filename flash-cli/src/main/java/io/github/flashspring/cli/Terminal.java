package io.github.flashspring.cli;

import java.io.BufferedReader;
import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.lang.reflect.Constructor;
import java.lang.reflect.InaccessibleObjectException;
import java.nio.charset.StandardCharsets;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where a command reads and writes. Text is UTF-8 whatever the locale. Answers go to
 * {@code out} and nothing else does; what is said about them goes to {@code err}.
 *
 * @param in standard input
 * @param out standard output
 * @param err standard error
 * @param interactive whether a person types at standard input
 * @param styled whether standard error shows colours
 */
record Terminal(BufferedReader in, PrintStream out, PrintStream err, boolean interactive, boolean styled) {

	private static final Logger logger = LoggerFactory.getLogger(Terminal.class);

	/**
	 * The streams of this process. The start script knows best which of them are
	 * terminals and says so in {@code flash.terminal}, such as {@code in,err}.
	 * @return the terminal
	 */
	static Terminal system() {
		String streams = System.getProperty("flash.terminal", "unknown");
		Console console = streams.equals("unknown") ? System.console() : null;
		boolean terminal = console != null && console.isTerminal();
		return new Terminal(new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)),
				stream(FileDescriptor.out), error(), terminal || streams.contains("in"),
				(terminal || streams.contains("err")) && System.getenv("NO_COLOR") == null);
	}

	/**
	 * {@return whether a person edits lines at the terminal of this process}
	 */
	boolean editable() {
		return this.interactive && this.out instanceof StandardOutput && !"dumb".equals(System.getenv("TERM"));
	}

	/**
	 * {@return whether standard output is a screen that shows colours}
	 */
	boolean rendering() {
		return this.styled && editable() && System.getProperty("flash.terminal", "in,out,err").contains("out");
	}

	/**
	 * Says something about what is being done, in one line.
	 * @param line the text
	 */
	void note(String line) {
		this.err.println(line);
		this.err.flush();
	}

	/**
	 * Why standard output could not be written.
	 * @return the reason, null if it could
	 */
	@Nullable IOException outputFailure() {
		return (this.out instanceof StandardOutput output) ? output.failure() : null;
	}

	PrintWriter outWriter() {
		return new PrintWriter(new OutputStreamWriter(this.out, StandardCharsets.UTF_8), true);
	}

	PrintWriter errWriter() {
		return new PrintWriter(new OutputStreamWriter(this.err, StandardCharsets.UTF_8), true);
	}

	/**
	 * Standard error, or the descriptor that the start script names in
	 * {@code flash.stderr} since it filters what Java itself writes there. Opening it by
	 * its name instead would lose the position in a file.
	 */
	private static PrintStream error() {
		Integer number = Integer.getInteger("flash.stderr");
		if (number != null) {
			try {
				Constructor<FileDescriptor> constructor = FileDescriptor.class.getDeclaredConstructor(int.class);
				constructor.setAccessible(true);
				return stream(constructor.newInstance(number));
			}
			catch (ReflectiveOperationException | InaccessibleObjectException ex) {
				// the filter passes all but one line
				logger.debug("Descriptor {} cannot be used", number, ex);
			}
		}
		return stream(FileDescriptor.err);
	}

	private static PrintStream stream(FileDescriptor descriptor) {
		return new StandardOutput(new FileOutputStream(descriptor));
	}

}
