package io.github.flashspring.jinja;

/**
 * A template that cannot be read or rendered: wrong syntax, an operation that Python
 * would refuse, a limit that is exceeded, or an error that the template itself raises.
 */
public final class JinjaException extends RuntimeException {

	private static final long serialVersionUID = 1L;

	private final Kind kind;

	private final int line;

	JinjaException(Kind kind, String message) {
		this(kind, message, 0);
	}

	JinjaException(Kind kind, String message, int line) {
		super(message);
		this.kind = kind;
		this.line = line;
	}

	static JinjaException type(String message) {
		return new JinjaException(Kind.TYPE, message);
	}

	static JinjaException value(String message) {
		return new JinjaException(Kind.VALUE, message);
	}

	static JinjaException limit(String message) {
		return new JinjaException(Kind.LIMIT, message);
	}

	JinjaException at(int newLine) {
		if (this.line > 0 || newLine <= 0) {
			return this;
		}
		JinjaException located = new JinjaException(this.kind, String.valueOf(getMessage()), newLine);
		located.setStackTrace(getStackTrace());
		return located;
	}

	/**
	 * What went wrong.
	 * @return the kind
	 */
	public Kind kind() {
		return this.kind;
	}

	/**
	 * Where in the template's source.
	 * @return a line, counted from 1; 0 if it is not known
	 */
	public int line() {
		return this.line;
	}

	/** What went wrong. */
	public enum Kind {

		/** The source is not a template, or uses a tag that is not offered. */
		SYNTAX,
		/** A value, attribute or element that does not exist was used. */
		UNDEFINED,
		/** An operation does not fit the types of its values. */
		TYPE,
		/** An operation does not fit its values. */
		VALUE,
		/** Text, nesting or work beyond {@link Limits}. */
		LIMIT,
		/** The template called {@code raise_exception}. */
		RAISED

	}

}
