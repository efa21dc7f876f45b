package io.github.flashspring.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.reader.impl.DefaultParser;
import org.jline.reader.impl.completer.StringsCompleter;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jspecify.annotations.Nullable;

/**
 * Lines that a person edits, with a history that is kept. Ctrl-C drops the line; twice in
 * a row on an empty line, it ends the input, as Ctrl-D does.
 */
final class EditedInput implements LineInput {

	private static final int HISTORY = 1000;

	private final Terminal terminal;

	private final LineReader reader;

	private boolean interrupted;

	EditedInput(Path history) throws IOException {
		this.terminal = TerminalBuilder.builder()
			.system(true)
			.nativeSignals(true)
			.encoding(StandardCharsets.UTF_8)
			.build();
		DefaultParser parser = new DefaultParser();
		// a person's words are no command line
		parser.setEscapeChars(null);
		parser.setQuoteChars(new char[0]);
		this.reader = LineReaderBuilder.builder()
			.terminal(this.terminal)
			.parser(parser)
			.completer(new StringsCompleter(SlashCommands.NAMES))
			.option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
			.option(LineReader.Option.HISTORY_IGNORE_SPACE, false)
			.option(LineReader.Option.INSERT_TAB, true)
			.variable(LineReader.HISTORY_SIZE, HISTORY)
			.variable(LineReader.HISTORY_FILE_SIZE, HISTORY)
			.build();
		privately(history);
		this.reader.variable(LineReader.HISTORY_FILE, history);
		this.reader.getHistory().load();
	}

	/** What one asks a model is nobody else's. */
	private static void privately(Path history) throws IOException {
		Path folder = history.toAbsolutePath().getParent();
		if (folder != null) {
			Files.createDirectories(folder);
		}
		if (!Files.exists(history)) {
			Files.createFile(history);
			if (FileSystems.getDefault().supportedFileAttributeViews().contains("posix")) {
				Files.setPosixFilePermissions(history, PosixFilePermissions.fromString("rw-------"));
			}
		}
	}

	@Override
	public @Nullable String read(String prompt) throws IOException {
		while (true) {
			try {
				String line = this.reader.readLine(prompt);
				this.interrupted = false;
				return line;
			}
			catch (EndOfFileException ex) {
				return null;
			}
			catch (UserInterruptException ex) {
				if (this.interrupted && ex.getPartialLine().isEmpty()) {
					return null;
				}
				this.interrupted = ex.getPartialLine().isEmpty();
				if (this.interrupted) {
					this.terminal.writer().println("Ctrl-C again, Ctrl-D or /bye ends.");
					this.terminal.writer().flush();
				}
			}
		}
	}

	@Override
	public void remember(boolean remember) {
		this.reader.variable(LineReader.DISABLE_HISTORY, !remember);
	}

	@Override
	public int[] size() {
		Size size = this.terminal.getSize();
		return (size.getColumns() > 0 && size.getRows() > 0) ? new int[] { size.getColumns(), size.getRows() }
				: LineInput.super.size();
	}

	@Override
	public void close() throws IOException {
		this.reader.getHistory().save();
		this.terminal.close();
	}

}
