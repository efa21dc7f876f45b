package io.github.flashspring.engine.text;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How a model writes calls, for whoever wants to write one or to force the model to. The
 * texts have places for {@code NAME} and {@code ARGUMENTS}, and where the model numbers
 * its calls or names their types for {@code INDEX}, {@code ID}, {@code TYPE},
 * {@code ISSTRING}.
 *
 * @param begin before the first call
 * @param call a call
 * @param separator between calls
 * @param end behind the last call
 * @param parameter an argument, with places for {@code NAME} and {@code VALUE}; empty:
 * arguments are one JSON object
 * @param parameterSeparator between arguments
 */
record ToolWriting(String begin, String call, String separator, String end, String parameter,
		String parameterSeparator) {

	private static final Pattern PLACE = Pattern.compile("NAME|(?<!CALL_)ID|INDEX");

	static final ToolWriting NONE = of("");

	static ToolWriting of(String call) {
		return of("", call, "", "");
	}

	static ToolWriting of(String begin, String call, String separator, String end) {
		return new ToolWriting(begin, call, separator, end, "", "");
	}

	ToolWriting withParameter(String each, String between) {
		return new ToolWriting(this.begin, this.call, this.separator, this.end, each, between);
	}

	/**
	 * What opens a call, from which on nothing but a call may follow.
	 * @return the text before the first call's name or number
	 */
	String opening() {
		Matcher place = PLACE.matcher(this.call);
		return this.begin + (place.find() ? this.call.substring(0, place.start()) : this.call);
	}

}
