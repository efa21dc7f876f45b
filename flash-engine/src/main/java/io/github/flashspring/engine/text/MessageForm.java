package io.github.flashspring.engine.text;

/**
 * How a chat template wants messages to be written.
 *
 * @param parts whether a content is a list of parts, each with its type
 * @param argumentsAsText whether a call's arguments are a JSON text and not an object
 * @param emptyContent what stands for the content of a message that only calls tools
 * @param variables what it wants besides messages and tools
 * @param described whether each parameter of a tool has a description, be it empty
 */
record MessageForm(boolean parts, boolean argumentsAsText, EmptyContent emptyContent, Variables variables,
		boolean described) {

	/** As transformers' users write messages. */
	static final MessageForm DEFAULT = new MessageForm(false, false, EmptyContent.TEXT, Variables.USUAL, false);

	MessageForm withCalls(boolean newArgumentsAsText, EmptyContent newEmptyContent) {
		return new MessageForm(this.parts, newArgumentsAsText, newEmptyContent, this.variables, this.described);
	}

	MessageForm withDescriptions() {
		return new MessageForm(this.parts, this.argumentsAsText, this.emptyContent, this.variables, true);
	}

	/** Variables of a template. */
	enum Variables {

		/** As transformers passes them: where there are no tools, they are None. */
		USUAL,

		/** Where there are no tools, they are an empty list. */
		EMPTY_TOOLS,

		/** Also {@code functions}, a JSON text, and {@code datetime}. */
		FUNCTIONS

	}

	/** What stands for no content. */
	enum EmptyContent {

		/** The empty text. */
		TEXT("\"\""),

		/** None. */
		NULL("null"),

		/** There is no content. */
		ABSENT("absent");

		private final String label;

		EmptyContent(String label) {
			this.label = label;
		}

		String label() {
			return this.label;
		}

	}

}
