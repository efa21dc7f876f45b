package io.github.flashspring.engine.text;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

/**
 * The tags of a way to write calls, and what stands between them. White space between
 * tags makes no difference.
 *
 * @param kind what stands between the tags
 * @param openers texts that open calls, the usual one first
 * @param begin opens several calls together; empty: each call stands alone
 * @param callBegin begins each call, before the tool's name
 * @param callEnd ends each call; empty: its arguments end it
 * @param end closes what {@code begin} or an opener opened; empty: nothing does
 * @param header what stands before the arguments of a named call: groups name and, if
 * calls have one, id
 * @param tags tags of parameters
 * @param quote what stands around strings, where that are no quotes, or before the tags
 * of elements; empty: quotes
 * @param keyed whether a call is an object whose only key is the tool's name
 * @param others further texts of the format, which may be special tokens
 */
record ToolSyntax(Kind kind, List<String> openers, String begin, String callBegin, String callEnd, String end,
		@Nullable Pattern header, @Nullable Tags tags, String quote, boolean keyed, List<String> others) {

	/**
	 * Calls that are JSON objects with name and arguments.
	 * @param open opens them
	 * @param close closes them; empty: nothing does
	 * @return the syntax
	 */
	static ToolSyntax json(String open, String close) {
		return new ToolSyntax(Kind.JSON, List.of(open), "", open, "", close, null, null, "", false, List.of());
	}

	/**
	 * Calls that are a name and a JSON object of arguments.
	 * @param begin opens several calls; empty: nothing does
	 * @param callBegin begins a call
	 * @param header all that stands before the arguments
	 * @param callEnd ends a call; empty: nothing does
	 * @param end closes several calls; empty: nothing does
	 * @return the syntax
	 */
	static ToolSyntax named(String begin, String callBegin, String header, String callEnd, String end) {
		return new ToolSyntax(Kind.NAMED, begin.isEmpty() ? List.of(callBegin) : List.of(begin, callBegin), begin,
				callBegin, callEnd, end, Pattern.compile(header), null, "", false, List.of());
	}

	/**
	 * Calls as in Python.
	 * @param open opens them
	 * @param close closes them
	 * @return the syntax
	 */
	static ToolSyntax python(String open, String close) {
		return new ToolSyntax(Kind.PYTHON, List.of(open), "", open, "", close, null, null, "", false, List.of());
	}

	/**
	 * Calls whose arguments stand between tags.
	 * @param begin opens several calls; empty: nothing does
	 * @param callBegin begins a call
	 * @param tags what names calls and parameters
	 * @param callEnd ends a call
	 * @param end closes several calls; empty: nothing does
	 * @return the syntax
	 */
	static ToolSyntax xml(String begin, String callBegin, Tags tags, String callEnd, String end) {
		return new ToolSyntax(Kind.XML, begin.isEmpty() ? List.of(callBegin) : List.of(begin, callBegin), begin,
				callBegin, callEnd, end, null, tags, "", false, List.of());
	}

	/**
	 * XML as Anthropic's models and many after them write it:
	 * {@code <invoke name="…"><parameter name="…">…</parameter></invoke>}.
	 * @param prefix stands before each tag's name
	 * @param calls name of the tag around all calls
	 * @return the syntax
	 */
	static ToolSyntax invoke(String prefix, String calls) {
		String quoted = Pattern.quote(prefix);
		Tags tags = new Tags("<" + quoted + "invoke name=\"(?<name>[^\"\\n]+)\"\\s*>",
				"<" + prefix + "parameter name=\"",
				"<" + quoted + "parameter name=\"(?<key>[^\"\\n]+)\"(?:\\s+string=\"(?<string>true|false)\")?\\s*>",
				"</" + prefix + "parameter>", false);
		String begin = calls.isEmpty() ? "" : "<" + calls + ">";
		return xml(begin, "<" + prefix + "invoke name=\"", tags, "</" + prefix + "invoke>",
				calls.isEmpty() ? "" : "</" + calls + ">");
	}

	/**
	 * Names and values between tags of their own, as GLM writes them.
	 * @param begin opens several calls; empty: nothing does
	 * @param suffix stands behind each tag's name
	 * @param separator stands behind the tool's name, an expression
	 * @param end closes several calls; empty: nothing does
	 * @return the syntax
	 */
	static ToolSyntax keysAndValues(String begin, String suffix, String separator, String end) {
		String callBegin = "<tool_call" + suffix + ">";
		Tags tags = new Tags(Pattern.quote(callBegin) + "\\s*(?<name>[^\\s<>{}]+)\\s*" + separator,
				"<arg_key" + suffix + ">",
				"<arg_key" + suffix + ">\\s*(?<key>[^<\\n]+?)\\s*</arg_key" + suffix + ">\\s*<arg_value" + suffix + ">",
				"</arg_value" + suffix + ">", false);
		return xml(begin, callBegin, tags, "</tool_call" + suffix + ">", end);
	}

	/**
	 * Calls whose arguments are elements.
	 * @param prefix stands before each tag
	 * @return the syntax
	 */
	static ToolSyntax elements(String prefix) {
		String begin = prefix + "<tool_call>";
		String call = prefix + "<invoke name=\"";
		return new ToolSyntax(Kind.ELEMENTS, List.of(begin, call), begin, call, prefix + "</invoke>",
				prefix + "</tool_call>", null, null, prefix, false, List.of());
	}

	ToolSyntax withOpeners(String... more) {
		return new ToolSyntax(this.kind, List.of(more), this.begin, this.callBegin, this.callEnd, this.end, this.header,
				this.tags, this.quote, this.keyed, this.others);
	}

	ToolSyntax withQuote(String strings) {
		return new ToolSyntax(this.kind, this.openers, this.begin, this.callBegin, this.callEnd, this.end, this.header,
				this.tags, strings, this.keyed, this.others);
	}

	ToolSyntax withKeys() {
		return new ToolSyntax(this.kind, this.openers, this.begin, this.callBegin, this.callEnd, this.end, this.header,
				this.tags, this.quote, true, this.others);
	}

	ToolSyntax with(String... more) {
		return new ToolSyntax(this.kind, this.openers, this.begin, this.callBegin, this.callEnd, this.end, this.header,
				this.tags, this.quote, this.keyed, List.of(more));
	}

	boolean hasId() {
		Pattern present = this.header;
		return present != null && present.namedGroups().containsKey("id");
	}

	/**
	 * Texts that must come to the parser although they may be special tokens.
	 * @return the texts
	 */
	Set<String> markers() {
		Set<String> markers = new LinkedHashSet<>(this.openers);
		markers.addAll(List.of(this.begin, this.callBegin, this.callEnd, this.end, this.quote));
		markers.addAll(this.others);
		Tags present = this.tags;
		if (present != null) {
			markers.addAll(List.of(present.parameterBegin(), present.parameterEnd()));
		}
		markers.remove("");
		return markers;
	}

	/**
	 * Makes what reads calls that were opened.
	 * @param reader makes calls
	 * @param begin where they were opened
	 * @param opener what opened them
	 * @param json whether a JSON value follows, instead of what the syntax says
	 * @return the reader
	 */
	CallBody body(ToolCallReader reader, int begin, String opener, boolean json) {
		Pattern named = this.header;
		Tags xml = this.tags;
		if (!json && named != null) {
			return new NamedCalls(this, named, reader, begin);
		}
		if (!json && xml != null) {
			return new XmlCalls(this, xml, reader, begin);
		}
		if (!json && this.kind == Kind.ELEMENTS) {
			return new ElementCalls(this, reader, begin);
		}
		String close = (opener.equals(this.callBegin) && !this.callEnd.isEmpty()) ? this.callEnd : this.end;
		return (!json && this.kind == Kind.PYTHON) ? new PythonCalls(reader, begin + opener.length(), close, false)
				: new JsonCalls(this, reader, begin + opener.length(), close, false);
	}

	/**
	 * What stands between the tags of a call.
	 */
	enum Kind {

		/** JSON objects with name and arguments. */
		JSON,

		/** A name and a JSON object of arguments. */
		NAMED,

		/** Python. */
		PYTHON,

		/** Tags around each argument. */
		XML,

		/** Arguments are elements, and so are the values within them. */
		ELEMENTS

	}

	/**
	 * Tags around each argument.
	 *
	 * @param call what begins a call: group name
	 * @param parameterBegin begins a parameter, before its name
	 * @param parameter all that stands before a value: group key and, if the model says
	 * so, string or type
	 * @param parameterEnd ends a value
	 * @param padded whether values stand on lines of their own
	 */
	record Tags(Pattern call, String parameterBegin, Pattern parameter, String parameterEnd, boolean padded) {

		Tags(String call, String parameterBegin, String parameter, String parameterEnd, boolean padded) {
			this(Pattern.compile(call), parameterBegin, Pattern.compile(parameter), parameterEnd, padded);
		}

	}

}
