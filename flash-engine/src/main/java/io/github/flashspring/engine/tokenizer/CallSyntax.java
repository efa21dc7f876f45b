package io.github.flashspring.engine.tokenizer;

import java.util.Comparator;
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

	/**
	 * The syntax of a format.
	 * @param format how a model writes calls
	 * @return the syntax; null if arguments are not one JSON object, or no marker opens a
	 * call
	 */
	static @Nullable CallSyntax of(ToolFormat format) {
		ToolWriting writing = format.writing();
		String first = writing.begin() + writing.call();
		if (!writing.parameter().isEmpty()) {
			return null;
		}
		String all = first + writing.separator() + writing.end();
		List<String> markers = format.syntax()
			.markers()
			.stream()
			.filter(all::contains)
			.sorted(Comparator.comparing((String marker) -> !first.startsWith(marker))
				.thenComparing(Comparator.comparingInt(String::length).reversed()))
			.toList();
		if (markers.isEmpty() || !first.startsWith(markers.getFirst())) {
			return null;
		}
		return new CallSyntax(writing.begin(), writing.call(), writing.separator(), writing.end(), markers);
	}

}
