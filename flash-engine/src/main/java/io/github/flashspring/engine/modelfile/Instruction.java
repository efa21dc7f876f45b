package io.github.flashspring.engine.modelfile;

/**
 * An instruction of a Modelfile.
 *
 * @param keyword what it is about
 * @param name of the parameter, or role of the message, in lower case; otherwise empty
 * @param value the rest, without quotes
 * @param line where it begins, counted from 1; 0: it comes from no file
 */
public record Instruction(Keyword keyword, String name, String value, int line) {

	/**
	 * An instruction that comes from no file.
	 * @param keyword what it is about
	 * @param name of the parameter or role of the message, otherwise empty
	 * @param value the rest
	 * @return the instruction
	 */
	public static Instruction of(Keyword keyword, String name, String value) {
		return new Instruction(keyword, name, value, 0);
	}

	/**
	 * {@return what it is called in messages, such as {@code PARAMETER num_ctx}}
	 */
	public String title() {
		return this.name.isEmpty() ? this.keyword.name() : this.keyword + " " + this.name;
	}

}
