package io.github.flashspring.engine.text;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

/**
 * Finds what opens calls in a text that still grows, and what reads these calls. Calls
 * without a tag of their own begin a line, or stand in a block of code.
 */
final class CallOpenings {

	private static final String FENCE = "```";

	/** What may be said to be in a block of code that is a call. */
	private static final List<String> FENCED = List.of("", "json", "tool_call", "tool_calls", "tool_code");

	/** A header of a message as Muse Glimmer writes it. */
	private static final Pattern RECIPIENT = Pattern.compile("to=[^\\s<|]{1,200}<\\|message\\|>");

	private final ToolFormat format;

	/** Whether there are tools that can be called. */
	private final boolean tools;

	private final List<String> silent;

	private final ToolCallReader reader;

	private final StringBuilder pending;

	/**
	 * Finds calls.
	 * @param format how the model writes calls
	 * @param tools whether there are any
	 * @param reader reads them
	 * @param pending the text, which grows
	 */
	CallOpenings(ToolFormat format, boolean tools, ToolCallReader reader, StringBuilder pending) {
		this.format = format;
		this.tools = tools;
		this.silent = format.silent();
		this.reader = reader;
		this.pending = pending;
	}

	/** The texts of the format that may be special tokens. */
	Set<String> markers() {
		Set<String> markers = new LinkedHashSet<>();
		if (this.tools) {
			markers.addAll(this.format.syntax().markers());
		}
		if (!this.silent.isEmpty()) {
			markers.addAll(this.format.syntax().others());
			markers.addAll(this.silent);
		}
		return markers;
	}

	/** Whether nothing of the format stands in the text. */
	boolean isNone() {
		return !this.tools && this.silent.isEmpty();
	}

	/**
	 * Looks for what opens calls.
	 * @param from where to begin
	 * @param lineBegins whether a line begins there
	 * @param inText whether it is text and not reasoning
	 * @param last whether no more text comes
	 * @return the first that may be one
	 */
	CallOpening find(int from, boolean lineBegins, boolean inText, boolean last) {
		boolean beginsLine = lineBegins;
		for (int i = from; i < this.pending.length(); i++) {
			char c = this.pending.charAt(i);
			if (Character.isWhitespace(c)) {
				beginsLine |= c == '\n';
				continue;
			}
			CallOpening found = findAt(i, beginsLine, inText, last);
			if (found != null) {
				return found;
			}
			beginsLine = false;
		}
		return new CallOpening(CallOpening.Kind.NOTHING, this.pending.length(), 0);
	}

	/**
	 * What begins at a place.
	 * @param at the place
	 * @param beginsLine whether a line begins there
	 * @param inText whether it is text, in which silent texts may stand
	 * @param last whether no more text comes
	 * @return what may open calls or is silent; null if it is text
	 */
	@Nullable CallOpening findAt(int at, boolean beginsLine, boolean inText, boolean last) {
		boolean held = false;
		for (String text : inText ? this.silent : List.<String>of()) {
			int match = PartialMatch.match(this.pending, at, text, last);
			if (match > 0) {
				return new CallOpening(CallOpening.Kind.SILENT, at, text.length());
			}
			held |= match < 0;
		}
		if (this.format == ToolFormat.ATEM && inText) {
			Matcher header = RECIPIENT.matcher(this.pending).region(at, this.pending.length());
			if (header.lookingAt()) {
				return new CallOpening(CallOpening.Kind.SILENT, at, header.end() - at);
			}
			held |= header.hitEnd() && !last;
		}
		if (!this.tools) {
			return held ? new CallOpening(CallOpening.Kind.HELD, at, 0) : null;
		}
		for (String opener : this.format.syntax().openers()) {
			int match = PartialMatch.match(this.pending, at, opener, last);
			if (match > 0 && !held) {
				return new CallOpening(CallOpening.Kind.TAG, at, opener.length());
			}
			held |= match < 0;
		}
		if (held) {
			return new CallOpening(CallOpening.Kind.HELD, at, 0);
		}
		return beginsLine ? findBare(at, last) : null;
	}

	/** Looks for what a call without a tag begins with. */
	private @Nullable CallOpening findBare(int at, boolean last) {
		char c = this.pending.charAt(at);
		if (c == '{') {
			return new CallOpening(CallOpening.Kind.BARE_JSON, at, 0);
		}
		if (c == '[') {
			int next = CallBody.skipSpace(this.pending, at + 1);
			if (next == this.pending.length()) {
				return last ? null : new CallOpening(CallOpening.Kind.HELD, at, 0);
			}
			if (this.pending.charAt(next) == '{') {
				return new CallOpening(CallOpening.Kind.BARE_JSON, at, 0);
			}
			int behind = next;
			while (behind < this.pending.length() && "(,)] \n".indexOf(this.pending.charAt(behind)) < 0) {
				behind++;
			}
			String name = this.pending.substring(next, behind);
			if (behind == this.pending.length()) {
				return (this.reader.knowsBeginning(name) && !last) ? new CallOpening(CallOpening.Kind.HELD, at, 0)
						: null;
			}
			return this.reader.knows(name) ? new CallOpening(CallOpening.Kind.BARE_PYTHON, at, 0) : null;
		}
		int match = PartialMatch.match(this.pending, at, FENCE, last);
		if (match <= 0) {
			return (match < 0) ? new CallOpening(CallOpening.Kind.HELD, at, 0) : null;
		}
		int info = at + FENCE.length();
		int line = this.pending.indexOf("\n", info);
		String said = this.pending.substring(info, (line >= 0) ? line : this.pending.length()).strip();
		if (line < 0) {
			boolean possible = !last && FENCED.stream().anyMatch((each) -> each.startsWith(said));
			return possible ? new CallOpening(CallOpening.Kind.HELD, at, 0) : null;
		}
		int body = CallBody.skipSpace(this.pending, line);
		if (!FENCED.contains(said)) {
			return null;
		}
		if (body == this.pending.length()) {
			return last ? null : new CallOpening(CallOpening.Kind.HELD, at, 0);
		}
		if ("{[".indexOf(this.pending.charAt(body)) >= 0 && !said.equals("tool_code")) {
			return new CallOpening(CallOpening.Kind.FENCED_JSON, at, body - at);
		}
		return said.equals("tool_code") ? new CallOpening(CallOpening.Kind.FENCED_PYTHON, at, body - at) : null;
	}

	/**
	 * What reads the calls behind what opens them.
	 * @param found what opens them
	 * @param last whether no more text comes
	 * @return the reader; null if it needs more text
	 */
	@Nullable CallBody body(CallOpening found, boolean last) {
		ToolSyntax syntax = this.format.syntax();
		int begin = found.at();
		int behind = begin + found.length();
		switch (found.kind()) {
			case BARE_JSON, FENCED_JSON -> {
				return new JsonCalls(syntax, this.reader, behind, (behind > begin) ? FENCE : "", true);
			}
			case BARE_PYTHON, FENCED_PYTHON -> {
				return new PythonCalls(this.reader, behind, (behind > begin) ? FENCE : "", true);
			}
			default -> {
			}
		}
		String opener = this.pending.substring(begin, behind);
		int next = CallBody.skipSpace(this.pending, behind);
		if (next == this.pending.length() && !last) {
			return null;
		}
		char c = (next < this.pending.length()) ? this.pending.charAt(next) : ' ';
		boolean json = c == '{';
		if (c == '[') {
			int inner = CallBody.skipSpace(this.pending, next + 1);
			if (inner == this.pending.length() && !last) {
				return null;
			}
			json = syntax.kind() != ToolSyntax.Kind.PYTHON
					|| inner < this.pending.length() && this.pending.charAt(inner) == '{';
		}
		if (syntax.kind() == ToolSyntax.Kind.JSON && c == '<') {
			// some models mix the formats of their family
			ToolSyntax xml = ToolFormat.XML.syntax();
			int match = PartialMatch.match(this.pending, next, xml.callBegin(), last);
			if (match < 0) {
				return null;
			}
			syntax = (match > 0 && opener.equals(xml.begin())) ? xml : syntax;
		}
		return syntax.body(this.reader, begin, opener, json);
	}

	/** Command R calls a tool that nobody gave it to say that it calls none. */
	boolean isNoCall(ToolCall call) {
		return this.format == ToolFormat.COMMAND_R && !this.reader.knows(call.name())
				&& call.name().replace('_', '-').equals("directly-answer");
	}

}
