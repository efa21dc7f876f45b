package io.github.flashspring.engine.tokenizer;

import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * How a model writes calls of tools whose arguments are one JSON object, for whoever
 * forces it to. The text of a call has places for {@code NAME} and {@code ARGUMENTS}, and
 * where the model numbers its calls for {@code INDEX} or {@code ID}.
 *
 * @param begin before the first call
 * @param call a call
 * @param separator between calls
 * @param end behind the last call
 * @param markers texts in them that are special tokens in some models; begin and call
 * together start with the first
 */
public record CallSyntax(String begin, String call, String separator, String end, List<String> markers) {

	private static final CallSyntax HERMES = new CallSyntax("",
			"<tool_call>\n{\"name\": \"NAME\", \"arguments\": ARGUMENTS}\n</tool_call>", "\n", "",
			List.of("<tool_call>", "</tool_call>"));

	private static final CallSyntax MISTRAL = new CallSyntax("[TOOL_CALLS][",
			"{\"name\": \"NAME\", \"arguments\": ARGUMENTS}", ", ", "]", List.of("[TOOL_CALLS]"));

	/**
	 * The syntax of a format.
	 * @param format how a model writes calls
	 * @param template the model's template
	 * @return the syntax; null if arguments are not JSON, or nothing marks a call
	 */
	static @Nullable CallSyntax of(ToolFormat format, ChatTemplate template) {
		return switch (format) {
			// Some families write other things between the same tags.
			case HERMES -> (template.mentions("<arg_key>") || template.mentions("<tool_sep>")) ? null : HERMES;
			// As of version 11 there is no array.
			case MISTRAL -> template.mentions("[ARGS]") ? null : MISTRAL;
			default -> null;
		};
	}

}
