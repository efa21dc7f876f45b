package io.github.flashspring.engine.modelfile;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * The instructions of a Modelfile in their order. Of instructions that are not lists, the
 * last one counts.
 *
 * @param source name of the file, for messages
 * @param instructions exactly one of them is {@link Keyword#FROM}
 */
public record Modelfile(String source, List<Instruction> instructions) {

	/** Licences are long, but not that long. */
	private static final int MAX_BYTES = 4 << 20;

	public Modelfile {
		instructions = List.copyOf(instructions);
		List<Instruction> from = instructions.stream().filter((one) -> one.keyword() == Keyword.FROM).toList();
		if (from.isEmpty()) {
			throw ModelfileException.at(source, 0, "no FROM line.",
					"Begin with FROM and a folder, a hub id, or the name of a created model.");
		}
		if (from.size() > 1) {
			throw ModelfileException.at(source, from.get(1).line(), "a second FROM.",
					"Name one model; a folder holds all files of a checkpoint.");
		}
		for (Instruction draft : instructions) {
			if (draft.keyword() == Keyword.DRAFT && draft.value().equals(from.getFirst().value())) {
				throw ModelfileException.at(source, draft.line(), "DRAFT is the model of FROM.",
						"Name a smaller model, or leave the line out.");
			}
		}
	}

	/**
	 * Reads a file.
	 * @param file the file; UTF-8, or UTF-16 with a byte order mark
	 * @return its instructions
	 * @throws ModelfileException if it cannot be read, or does not follow the grammar
	 */
	public static Modelfile read(Path file) {
		try (InputStream in = Files.newInputStream(file)) {
			return parse(in.readNBytes(MAX_BYTES + 1), file.toString());
		}
		catch (IOException ex) {
			String reason = Files.isDirectory(file) ? "is a folder"
					: Files.exists(file) ? "cannot be read (" + ex + ")" : "does not exist";
			throw new ModelfileException("The Modelfile " + file + " " + reason + ".", "Give a readable text file.",
					ex);
		}
	}

	/**
	 * Reads the content of a file.
	 * @param content UTF-8, or UTF-16 with a byte order mark
	 * @param source name of the file, for messages
	 * @return its instructions
	 * @throws ModelfileException if it does not follow the grammar
	 */
	public static Modelfile parse(byte[] content, String source) {
		if (content.length > MAX_BYTES) {
			throw ModelfileException.at(source, 0, "the file is larger than 4 MB.", "Give a Modelfile.");
		}
		return new Modelfile(source, new ModelfileParser(source, decode(content, source)).parse());
	}

	private static String decode(byte[] content, String source) {
		Charset charset = StandardCharsets.UTF_8;
		int from = 0;
		if (begins(content, 0xef, 0xbb, 0xbf)) {
			from = 3;
		}
		else if (begins(content, 0xff, 0xfe)) {
			charset = StandardCharsets.UTF_16LE;
			from = 2;
		}
		else if (begins(content, 0xfe, 0xff)) {
			charset = StandardCharsets.UTF_16BE;
			from = 2;
		}
		try {
			String text = charset.newDecoder().decode(ByteBuffer.wrap(content, from, content.length - from)).toString();
			if (text.indexOf('\0') >= 0) {
				throw ModelfileException.at(source, 0, "the file holds bytes of value 0, so it is not a text.",
						"Give a Modelfile.");
			}
			return text;
		}
		catch (CharacterCodingException ex) {
			throw new ModelfileException(source + ": the file is not " + charset + " text.",
					"Save it as UTF-8, or as UTF-16 with a byte order mark.", ex);
		}
	}

	private static boolean begins(byte[] content, int... mark) {
		if (content.length < mark.length) {
			return false;
		}
		for (int i = 0; i < mark.length; i++) {
			if (content[i] != (byte) mark[i]) {
				return false;
			}
		}
		return true;
	}

	/**
	 * {@return the instruction that names the model}
	 */
	public Instruction from() {
		return all(Keyword.FROM).getFirst();
	}

	/**
	 * All instructions of a keyword.
	 * @param keyword which
	 * @return in their order
	 */
	public List<Instruction> all(Keyword keyword) {
		return this.instructions.stream().filter((one) -> one.keyword() == keyword).toList();
	}

	/**
	 * The instruction that counts.
	 * @param keyword which
	 * @return the last one
	 */
	public Optional<Instruction> last(Keyword keyword) {
		return all(keyword).stream().reduce((first, second) -> second);
	}

	/**
	 * All values of a parameter.
	 * @param parameter which
	 * @return in their order; only those of {@link Parameter#STOP} belong together
	 */
	public List<Instruction> all(Parameter parameter) {
		return all(Keyword.PARAMETER).stream().filter((one) -> one.name().equals(parameter.key())).toList();
	}

	/**
	 * This file without the instructions of a kind, and with others behind the rest.
	 * @param replaced what goes
	 * @param added what comes
	 * @return the file
	 */
	public Modelfile with(Predicate<Instruction> replaced, List<Instruction> added) {
		List<Instruction> all = new ArrayList<>(this.instructions);
		all.removeIf(replaced);
		all.addAll(added);
		return new Modelfile(this.source, all);
	}

	/**
	 * This file over the one that its FROM names: what it sets replaces what that sets,
	 * lists as a whole.
	 * @param base the file underneath, whose model counts
	 * @return the two as one
	 */
	public Modelfile over(Modelfile base) {
		List<Instruction> own = this.instructions.stream().filter((one) -> one.keyword() != Keyword.FROM).toList();
		List<Instruction> all = new ArrayList<>();
		for (Instruction one : base.instructions) {
			if (own.stream().noneMatch((other) -> replaces(other, one))) {
				// its line is one of another file
				all.add(base.source.equals(this.source) ? one : Instruction.of(one.keyword(), one.name(), one.value()));
			}
		}
		all.addAll(own);
		return new Modelfile(this.source, all);
	}

	private static boolean replaces(Instruction own, Instruction other) {
		return own.keyword() == other.keyword()
				&& (own.keyword() != Keyword.PARAMETER || own.name().equals(other.name()));
	}

	/**
	 * The text of a Modelfile with these instructions, which reads back as the same.
	 * Flash's own directives are comments in it, so that Ollama reads it too.
	 * @return lines that end with newlines
	 * @throws ModelfileException if a value has quotes that the grammar cannot express
	 */
	public String text() {
		return ModelfileWriter.write(this);
	}

}
