package io.github.flashspring.cli;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.Generation;
import io.github.flashspring.engine.GenerationEvent;
import io.github.flashspring.engine.GenerationEvent.Finished;

/**
 * Prints a generation while it runs: the answer to standard output, what the model thinks
 * before it answers and the figures to standard error.
 */
final class AnswerPrinter {

	private static final String DIM = "\033[2m";

	private static final String PLAIN = "\033[0m";

	private final Terminal terminal;

	private final boolean ids;

	private final boolean figures;

	private final @Nullable MarkdownView view;

	/**
	 * Creates a printer.
	 * @param terminal where to print
	 * @param ids print token ids instead of text, as the only line
	 */
	AnswerPrinter(Terminal terminal, boolean ids) {
		this.terminal = terminal;
		this.ids = ids;
		this.figures = true;
		this.view = null;
	}

	/**
	 * Creates a printer for a conversation.
	 * @param terminal where to print
	 * @param view shows the answer's Markdown; null: the answer as it is
	 * @param figures print figures after the answer
	 */
	AnswerPrinter(Terminal terminal, @Nullable MarkdownView view, boolean figures) {
		this.terminal = terminal;
		this.ids = false;
		this.figures = figures;
		this.view = view;
	}

	/**
	 * Prints a generation to its end, or until Ctrl-C or until nobody reads standard
	 * output any more, and closes it.
	 * @param generation what to print
	 * @return what was said
	 */
	Answer print(Generation generation) {
		StringBuilder text = new StringBuilder();
		StringBuilder reasoning = new StringBuilder();
		try (generation; Interrupts interrupts = Interrupts.cancelling(generation)) {
			GenerationEvent event = first(generation);
			while (event != null) {
				switch (event) {
					case GenerationEvent.Text piece -> {
						endThinking(text, reasoning);
						text.append(piece.text());
						say(piece.text());
					}
					case GenerationEvent.Reasoning piece -> {
						reasoning.append(piece.text());
						think(piece.text());
					}
					case GenerationEvent.ToolCalled called -> this.terminal
						.note("(calls " + called.call().name() + " " + called.call().argumentsJson() + ")");
					case Finished finished -> {
						endThinking(text, reasoning);
						end(text, finished);
						return new Answer(text.toString(), reasoning.toString(), finished, interrupts.happened(),
								this.terminal.out().checkError());
					}
				}
				if (this.terminal.out().checkError()) {
					generation.cancel();
				}
				event = generation.next();
			}
		}
		throw new IllegalStateException("The generation ended without saying why");
	}

	/** The first event, with how far the prompt is while it is waited for. */
	private @Nullable GenerationEvent first(Generation generation) {
		try (Spinner ignored = Spinner.whileReading(this.terminal, generation)) {
			return generation.next();
		}
	}

	private void say(String text) {
		if (this.view != null) {
			this.view.append(text);
		}
		else if (!this.ids) {
			this.terminal.out().print(text);
			this.terminal.out().flush();
		}
	}

	private void think(String text) {
		this.terminal.err().print(this.terminal.styled() ? DIM + text + PLAIN : text);
		this.terminal.err().flush();
	}

	private void endThinking(StringBuilder text, StringBuilder reasoning) {
		if (text.isEmpty() && !reasoning.isEmpty()) {
			this.terminal.note("");
		}
	}

	private void end(StringBuilder text, Finished finished) {
		if (this.view != null) {
			this.view.end();
		}
		else if (this.ids) {
			this.terminal.out().println(TokenIds.print(finished.tokens()));
		}
		else if (!text.isEmpty() && text.charAt(text.length() - 1) != '\n') {
			this.terminal.out().println();
		}
		this.terminal.out().flush();
		if (this.figures) {
			String line = Figures.of(finished.usage(), finished.reason());
			this.terminal.note(this.terminal.styled() ? DIM + line + PLAIN : line);
		}
	}

	/**
	 * What was said.
	 *
	 * @param text the answer
	 * @param reasoning what the model thought before
	 * @param finished why it ended and what it took
	 * @param interrupted whether Ctrl-C ended it
	 * @param unread whether standard output was closed before the end
	 */
	record Answer(String text, String reasoning, Finished finished, boolean interrupted, boolean unread) {

		/**
		 * Exit code of a command that ends with this answer.
		 * @return 0; 130 after Ctrl-C; 1 if nobody read
		 */
		int exitCode() {
			if (this.interrupted) {
				return 130;
			}
			return this.unread ? 1 : 0;
		}

	}

}
