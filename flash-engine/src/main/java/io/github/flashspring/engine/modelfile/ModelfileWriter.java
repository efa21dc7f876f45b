package io.github.flashspring.engine.modelfile;

import java.util.List;

/**
 * Writes Modelfiles.
 */
final class ModelfileWriter {

	private static final String TRIPLE = "\"\"\"";

	private ModelfileWriter() {
	}

	static String write(Modelfile file) {
		StringBuilder text = new StringBuilder();
		for (Instruction one : file.instructions()) {
			if (one.keyword().isFlash()) {
				text.append("# ");
			}
			text.append(one.title()).append(' ').append(quoted(one, file.source())).append('\n');
		}
		return text.toString();
	}

	/** The value as it reads back: plain where possible. */
	private static String quoted(Instruction one, String source) {
		String value = one.value();
		boolean plain = !value.isEmpty() && value.indexOf('\n') < 0 && value.indexOf('\r') < 0
				&& value.equals(value.strip()) && !value.startsWith("\"");
		if (plain) {
			return value;
		}
		for (String text : List.of(TRIPLE + value + TRIPLE, "\"" + value + "\"")) {
			if (readsBack(text, value)) {
				return text;
			}
		}
		throw ModelfileException.at(source, one.line(),
				"the value of " + one.title() + " has lines that end with quotes of both kinds.",
				"Leave the quotes at the ends of its lines out.");
	}

	/** Lines that end with quotes close a text before its end. */
	private static boolean readsBack(String text, String value) {
		try {
			List<Instruction> read = new ModelfileParser("", Keyword.SYSTEM + " " + text).parse();
			return read.size() == 1 && read.getFirst().value().equals(value.replace("\r\n", "\n").replace('\r', '\n'));
		}
		catch (ModelfileException ex) {
			return false;
		}
	}

}
