package io.github.flashspring.engine.modelfile;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.NearMisses;

/**
 * Reads the lines of a Modelfile in Ollama's grammar: a keyword, optionally a name, and a
 * value, which is the rest of the line or stands in {@code "…"} or {@code """…"""}, then
 * possibly over several lines; there are no escapes. A line that begins with {@code #} is
 * a comment, unless it is a directive of Flash such as {@code # FLASH_RAM_GB 10}.
 */
final class ModelfileParser {

	private static final int MAX_INSTRUCTIONS = 10_000;

	private static final Set<String> ROLES = Set.of("system", "user", "assistant");

	private static final Pattern WORD = Pattern.compile("[ \\t]*([A-Za-z0-9_]+)(?:[ \\t]+|$)");

	/** One value and nothing else, so that a sentence about Flash remains a comment. */
	private static final Pattern COMMENT = Pattern
		.compile("[ \\t]*#[ \\t]*((?:FLASH(?=[ \\t]+(?i:true|false|1|0|yes|no|on|off)[ \\t]*$)|FLASH_[A-Z_]+)"
				+ "[ \\t]+[^\\s\"]+)[ \\t]*");

	private final String source;

	private final String[] lines;

	private final List<Instruction> instructions = new ArrayList<>();

	private int at;

	ModelfileParser(String source, String text) {
		this.source = source;
		this.lines = text.replace("\r\n", "\n").replace('\r', '\n').split("\n", -1);
	}

	/**
	 * Reads all lines.
	 * @return the instructions in their order
	 * @throws ModelfileException if a line does not follow the grammar
	 */
	List<Instruction> parse() {
		while (this.at < this.lines.length) {
			String line = this.lines[this.at];
			String content = line.strip();
			Matcher comment = COMMENT.matcher(line);
			if (content.startsWith("#")) {
				if (comment.matches()) {
					instruction(comment.group(1));
				}
			}
			else if (!content.isEmpty()) {
				instruction(line.stripLeading());
			}
			this.at++;
		}
		return this.instructions;
	}

	private void instruction(String line) {
		if (this.instructions.size() == MAX_INSTRUCTIONS) {
			throw failure("the file has more than " + MAX_INSTRUCTIONS + " instructions.", "Shorten it.");
		}
		int begin = this.at + 1;
		Matcher word = WORD.matcher(line);
		if (!word.lookingAt()) {
			throw unknown(line.strip());
		}
		Keyword keyword = Keyword.of(word.group(1)).orElseThrow(() -> unknown(word.group(1)));
		String rest = line.substring(word.end());
		String name = "";
		if (keyword == Keyword.PARAMETER || keyword == Keyword.MESSAGE) {
			Matcher second = WORD.matcher(rest);
			if (!second.lookingAt()) {
				throw failure(keyword + " needs a name and a value.", (keyword == Keyword.PARAMETER)
						? "Write for example: PARAMETER num_ctx 4096" : "Write for example: MESSAGE user Hello");
			}
			name = second.group(1).toLowerCase(Locale.ROOT);
			rest = rest.substring(second.end());
		}
		String value = value(keyword, name, rest);
		Instruction instruction = new Instruction(keyword, name, value, begin);
		check(instruction);
		this.instructions.add(instruction);
	}

	private ModelfileException unknown(String word) {
		return failure("unknown instruction " + ModelfileException.quote(word) + "." + nearest(word, Keyword.names()),
				"A line begins with " + String.join(", ", Keyword.names()) + " or #.");
	}

	private static String nearest(String word, List<String> names) {
		boolean lower = names.getFirst().equals(names.getFirst().toLowerCase(Locale.ROOT));
		List<String> near = NearMisses.of(lower ? word.toLowerCase(Locale.ROOT) : word.toUpperCase(Locale.ROOT), names);
		return near.isEmpty() ? "" : " Did you mean " + near.getFirst() + "?";
	}

	/** The value, which may end in a later line. */
	private String value(Keyword keyword, String name, String rest) {
		String first = rest.strip();
		String quotes = first.startsWith("\"\"\"") ? "\"\"\"" : first.startsWith("\"") ? "\"" : "";
		String title = name.isEmpty() ? keyword.name() : keyword + " " + name;
		if (quotes.isEmpty()) {
			if (first.isEmpty()) {
				throw failure(title + " needs a value.", "Write it behind the name, on the same line.");
			}
			return first;
		}
		int begin = this.at;
		StringBuilder text = new StringBuilder(rest.stripLeading());
		String closed = unquoted(text, quotes);
		while (closed == null) {
			this.at++;
			if (this.at == this.lines.length) {
				this.at = begin;
				throw failure("the quotes " + quotes + " of " + title + " are not closed.",
						"End the text with " + quotes + " at the end of a line.");
			}
			text.append('\n').append(this.lines[this.at]);
			// a blank line closes nothing, and looking back over many of them takes long
			closed = this.lines[this.at].isBlank() ? null : unquoted(text, quotes);
		}
		return closed;
	}

	/** The text between quotes; null if they are still open at the end. */
	private static @Nullable String unquoted(StringBuilder text, String quotes) {
		int end = text.length();
		while (end > 0 && Character.isWhitespace(text.charAt(end - 1))) {
			end--;
		}
		int size = quotes.length();
		boolean closed = end >= 2 * size && text.substring(end - size, end).equals(quotes);
		return closed ? text.substring(size, end - size) : null;
	}

	private void check(Instruction instruction) {
		String value = instruction.value();
		switch (instruction.keyword()) {
			case PARAMETER -> parameter(instruction.name(), value);
			case MESSAGE -> {
				if (!ROLES.contains(instruction.name())) {
					throw failure("a message has the role " + ModelfileException.quote(instruction.name()) + ".",
							"The role must be system, user or assistant.");
				}
			}
			case REQUIRES -> {
				if (!value.matches("v?\\d{1,9}(\\.\\d{1,9}){0,2}([-+][0-9A-Za-z.+-]{1,100})?")) {
					throw failure("REQUIRES is " + ModelfileException.quote(value) + ".",
							"Write a version such as 0.14.0.");
				}
			}
			case FROM, ADAPTER, DRAFT -> {
				if (value.isBlank()) {
					throw failure(instruction.keyword() + " is empty.", "Name a folder or a model.");
				}
			}
			case FLASH -> directive(instruction, "(?i)true|false|1|0|yes|no|on|off", "true or false");
			case FLASH_RAM_GB -> directive(instruction, "\\d{1,9}(\\.\\d{1,9})?", "gigabytes such as 10 or 2.5");
			case FLASH_THREADS, FLASH_PREFETCH_LAYERS, FLASH_QUANT_WARN_BELOW, FLASH_TOP_K ->
				directive(instruction, "\\d{1,9}", "a whole number of 0 or more");
			case FLASH_EVICTION -> directive(instruction, "(?i)free|dontneed|none", "free, dontneed or none");
			case TEMPLATE, SYSTEM, LICENSE, RENDERER, PARSER -> {
				// any text
			}
		}
	}

	private void directive(Instruction instruction, String pattern, String expected) {
		if (!instruction.value().matches(pattern)) {
			throw failure("%s is %s.".formatted(instruction.keyword(), ModelfileException.quote(instruction.value())),
					"It must be " + expected + ".");
		}
	}

	private void parameter(String name, String value) {
		Parameter parameter = Parameter.of(name)
			.orElseThrow(() -> failure(
					"unknown parameter " + ModelfileException.quote(name) + "." + nearest(name, Parameter.keys()),
					"Correct the name or leave the line out."));
		try {
			parameter.check(value);
		}
		catch (IllegalArgumentException ex) {
			throw failure(ex.getMessage() + ".", "Correct the value.");
		}
	}

	private ModelfileException failure(String description, String action) {
		return ModelfileException.at(this.source, this.at + 1, description, action);
	}

}
