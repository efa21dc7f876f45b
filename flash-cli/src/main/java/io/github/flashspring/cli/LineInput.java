package io.github.flashspring.cli;

import java.io.IOException;

import org.jspecify.annotations.Nullable;

/**
 * Where lines of a conversation come from.
 */
interface LineInput extends AutoCloseable {

	/**
	 * Reads a line.
	 * @param prompt shown before it where a person types
	 * @return the line; null at the end of input
	 * @throws IOException if it cannot be read
	 */
	@Nullable String read(String prompt) throws IOException;

	/**
	 * Sets whether lines are remembered from now on.
	 * @param remember whether
	 */
	default void remember(boolean remember) {
	}

	/**
	 * {@return columns and rows of the screen}
	 */
	default int[] size() {
		return new int[] { 80, 24 };
	}

	@Override
	default void close() throws IOException {
	}

	/**
	 * The input of a terminal. What edits lines is loaded only where a person types.
	 * @param terminal the terminal
	 * @return its lines
	 * @throws IOException if the terminal cannot be used
	 */
	static LineInput of(Terminal terminal) throws IOException {
		return terminal.editable() ? new EditedInput(ModelStore.ofSystem().home().resolve("history"))
				: new PlainInput(terminal);
	}

	/** Lines as they come. */
	record PlainInput(Terminal terminal) implements LineInput {

		@Override
		public @Nullable String read(String prompt) throws IOException {
			if (this.terminal.interactive()) {
				this.terminal.err().print(prompt);
				this.terminal.err().flush();
			}
			String line = this.terminal.in().readLine();
			if (line == null && this.terminal.interactive()) {
				this.terminal.note("");
			}
			return line;
		}

	}

}
