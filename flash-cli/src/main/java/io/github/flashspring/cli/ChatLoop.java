package io.github.flashspring.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.cli.AnswerPrinter.Answer;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.FlashEngineException;
import io.github.flashspring.engine.GenerationRequest;
import io.github.flashspring.engine.ModelInfo;
import io.github.flashspring.engine.metrics.ByteSize;
import io.github.flashspring.engine.text.ChatMessage;

/**
 * A conversation: reads what the user says line by line, prints what the model answers,
 * and remembers both.
 */
final class ChatLoop {

	private static final String HELP = "/clear forgets the conversation, /exit or Ctrl-D ends, Ctrl-C stops an answer;"
			+ " a line that ends with \\ goes on in the next.";

	private final Terminal terminal;

	private final FlashEngine engine;

	private final Function<List<ChatMessage>, GenerationRequest> requests;

	private final @Nullable String system;

	private final List<ChatMessage> messages = new ArrayList<>();

	/**
	 * Creates a conversation.
	 * @param terminal where the user is
	 * @param engine what answers
	 * @param requests makes a request of the messages so far
	 * @param system what the model is told about its task, if anything
	 */
	ChatLoop(Terminal terminal, FlashEngine engine, Function<List<ChatMessage>, GenerationRequest> requests,
			@Nullable String system) {
		this.terminal = terminal;
		this.engine = engine;
		this.requests = requests;
		this.system = system;
	}

	/**
	 * Talks until the user ends it.
	 * @return the exit code
	 * @throws IOException if standard input cannot be read
	 */
	int run() throws IOException {
		if (this.terminal.interactive()) {
			ModelInfo model = this.engine.model();
			this.terminal.note(model.id() + " (" + model.architecture() + ", " + model.precision() + ", "
					+ ByteSize.readable(model.bytes()) + ", context " + model.contextLength() + " tokens) on "
					+ this.engine.snapshot().device());
			this.terminal.note(HELP);
		}
		clear();
		AnswerPrinter printer = new AnswerPrinter(this.terminal, false);
		for (String said = read(); said != null; said = read()) {
			switch (said.strip()) {
				case "" -> {
				}
				case "/exit", "/quit", "/bye" -> {
					return 0;
				}
				case "/clear", "/reset" -> clear();
				case "/help", "/?" -> this.terminal.note(HELP);
				default -> {
					Answer answer = answer(printer, said);
					if (answer != null && answer.unread()) {
						return answer.exitCode();
					}
				}
			}
		}
		return 0;
	}

	private @Nullable Answer answer(AnswerPrinter printer, String said) {
		this.messages.add(ChatMessage.user(said));
		try {
			Answer answer = printer.print(this.engine.generate(this.requests.apply(List.copyOf(this.messages))));
			this.messages.add(ChatMessage.assistant(answer.text()));
			return answer;
		}
		catch (FlashEngineException exception) {
			this.messages.removeLast();
			if (!this.terminal.interactive()) {
				throw exception;
			}
			this.terminal.note(Errors.message(exception));
			return null;
		}
	}

	private void clear() {
		this.messages.clear();
		if (this.system != null) {
			this.messages.add(ChatMessage.system(this.system));
		}
	}

	/** Reads lines until one does not end with a backslash; null at the end of input. */
	private @Nullable String read() throws IOException {
		prompt("> ");
		String line = this.terminal.in().readLine();
		if (line == null) {
			if (this.terminal.interactive()) {
				this.terminal.note("");
			}
			return null;
		}
		StringBuilder said = new StringBuilder();
		while (line != null && line.endsWith("\\")) {
			said.append(line, 0, line.length() - 1).append('\n');
			prompt("… ");
			line = this.terminal.in().readLine();
		}
		return said.append((line != null) ? line : "").toString();
	}

	private void prompt(String text) {
		if (this.terminal.interactive()) {
			this.terminal.err().print(text);
			this.terminal.err().flush();
		}
	}

}
