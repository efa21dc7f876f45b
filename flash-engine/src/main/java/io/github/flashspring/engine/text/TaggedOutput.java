package io.github.flashspring.engine.text;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

/**
 * Answers in which tags stand around reasoning and tool calls, and everything else is
 * text. Part of a tag is held back until it is clear that it is none. White space around
 * tags belongs to the tags.
 * <p>
 * Calls without a tag of their own count if they stand at the beginning of a line and
 * nothing but calls follows them; those within reasoning, if it never ends and they are
 * the last thing in it.
 */
final class TaggedOutput extends SteppedOutput {

	private static final String FENCE = "```";

	/** What may be said to be in a block of code that is a call. */
	private static final List<String> FENCED = List.of("", "json", "tool_call", "tool_calls", "tool_code");

	/** White space that is held back because it may belong to a tag. */
	private static final int MAX_SPACE = 1000;

	/** A header of a message as Muse Glimmer writes it. */
	private static final Pattern RECIPIENT = Pattern.compile("to=[^\\s<|]{1,200}<\\|message\\|>");

	private final ToolFormat format;

	/** Whether there are tools that can be called. */
	private final boolean tools;

	private final List<String> silent;

	private final ToolCallReader reader;

	private final @Nullable String thinkBegin;

	private final String thinkEnd;

	private Mode mode = Mode.TEXT;

	/** Whether no text was emitted yet: only then can reasoning begin. */
	private boolean atStart = true;

	/** Whether the emitted text ends with a line. */
	private boolean lineEnded = true;

	/** Whether white space belongs to the tag before it. */
	private boolean afterTag;

	/** Characters at the beginning of the pending text that the prompt has. */
	private int inPrompt;

	private Section section = new Section("", false, false);

	/** From where the end of reasoning is to be looked for. */
	private int searched;

	/**
	 * A parser.
	 * @param format how the model writes calls
	 * @param tools whether there are any
	 * @param reader reads them
	 * @param prompt what the model continues
	 * @param thinkBegin what opens reasoning, null: the model does not think
	 * @param thinkEnd what ends reasoning
	 */
	TaggedOutput(ToolFormat format, boolean tools, ToolCallReader reader, String prompt, @Nullable String thinkBegin,
			String thinkEnd) {
		this.format = format;
		this.tools = tools;
		this.silent = format.silent();
		this.reader = reader;
		this.thinkBegin = thinkBegin;
		this.thinkEnd = thinkEnd;
		if (thinkBegin != null && prompt.stripTrailing().endsWith(thinkBegin)) {
			this.mode = Mode.REASONING;
			this.afterTag = true;
		}
		boolean addressed = format == ToolFormat.RECIPIENT || format == ToolFormat.RECIPIENT_TAG;
		String opener = addressed ? format.syntax().openers().getFirst() : "";
		if (addressed && prompt.endsWith(opener)) {
			this.pending.append(opener);
			this.inPrompt = opener.length();
		}
	}

	@Override
	public Set<String> markers() {
		Set<String> markers = new LinkedHashSet<>();
		if (this.tools) {
			markers.addAll(this.format.syntax().markers());
		}
		if (!this.silent.isEmpty()) {
			markers.addAll(this.format.syntax().others());
			markers.addAll(this.silent);
		}
		if (this.thinkBegin != null) {
			markers.add(this.thinkBegin);
			markers.add(this.thinkEnd);
		}
		return markers;
	}

	@Override
	protected boolean step(boolean last) {
		return switch (this.mode) {
			case TEXT -> text(last);
			case REASONING -> reasoning(last);
			case CALLS -> calls(last);
		};
	}

	/** Whether nothing but reasoning differs from text. */
	private boolean isPlain() {
		return !this.tools && this.silent.isEmpty();
	}

	private boolean text(boolean last) {
		int length = this.pending.length();
		int begin = CallBody.skipSpace(this.pending, 0);
		if (this.afterTag && begin > 0) {
			this.lineEnded |= this.pending.indexOf("\n") < begin && this.pending.indexOf("\n") >= 0;
			this.pending.delete(0, begin);
			this.afterTag = begin == length;
			return true;
		}
		if (length == 0) {
			return false;
		}
		String think = this.thinkBegin;
		boolean mayThink = think != null && (this.atStart || this.format == ToolFormat.ATEM);
		if (begin == length) {
			boolean held = !last && length < MAX_SPACE && (!isPlain() || mayThink);
			return !held && emit(length);
		}
		this.afterTag = false;
		if (think != null && mayThink) {
			int match = LenientJson.match(this.pending, begin, think, last);
			if (match > 0) {
				take(begin + think.length());
				this.mode = Mode.REASONING;
				this.afterTag = true;
				this.searched = 0;
				return true;
			}
			// some models end reasoning that they did not begin
			int end = (match == 0) ? LenientJson.match(this.pending, begin, this.thinkEnd, last) : 0;
			if (end > 0) {
				take(begin + this.thinkEnd.length());
				this.afterTag = true;
				return true;
			}
			if (match < 0 || end < 0) {
				return false;
			}
		}
		if (isPlain()) {
			return emit(length);
		}
		Found found = find(0, this.lineEnded, last);
		int certain = (last && found.kind() == Kind.NOTHING) ? length : beforeSpace(found.at());
		if (certain > 0) {
			return emit(certain);
		}
		return switch (found.kind()) {
			case NOTHING, HELD -> false;
			case SILENT -> {
				take(found.at() + found.length());
				this.afterTag = false;
				this.lineEnded = true;
				yield true;
			}
			default -> {
				open(found, false);
				yield true;
			}
		};
	}

	/**
	 * Looks for what opens calls.
	 * @param from where to begin
	 * @param lineBegins whether a line begins there
	 * @param last whether no more text comes
	 * @return the first that may be one
	 */
	private Found find(int from, boolean lineBegins, boolean last) {
		boolean beginsLine = lineBegins;
		for (int i = from; i < this.pending.length(); i++) {
			char c = this.pending.charAt(i);
			if (Character.isWhitespace(c)) {
				beginsLine |= c == '\n';
				continue;
			}
			Found found = findAt(i, beginsLine, last);
			if (found != null) {
				return found;
			}
			beginsLine = false;
		}
		return new Found(Kind.NOTHING, this.pending.length(), 0);
	}

	private @Nullable Found findAt(int at, boolean beginsLine, boolean last) {
		boolean held = false;
		for (String text : (this.mode == Mode.TEXT) ? this.silent : List.<String>of()) {
			int match = LenientJson.match(this.pending, at, text, last);
			if (match > 0) {
				return new Found(Kind.SILENT, at, text.length());
			}
			held |= match < 0;
		}
		if (this.format == ToolFormat.ATEM && this.mode == Mode.TEXT) {
			Matcher header = RECIPIENT.matcher(this.pending).region(at, this.pending.length());
			if (header.lookingAt()) {
				return new Found(Kind.SILENT, at, header.end() - at);
			}
			held |= header.hitEnd() && !last;
		}
		if (!this.tools) {
			return held ? new Found(Kind.HELD, at, 0) : null;
		}
		for (String opener : this.format.syntax().openers()) {
			int match = LenientJson.match(this.pending, at, opener, last);
			if (match > 0 && !held) {
				return new Found(Kind.TAG, at, opener.length());
			}
			held |= match < 0;
		}
		if (held) {
			return new Found(Kind.HELD, at, 0);
		}
		return beginsLine ? findBare(at, last) : null;
	}

	/** Looks for what a call without a tag begins with. */
	private @Nullable Found findBare(int at, boolean last) {
		char c = this.pending.charAt(at);
		if (c == '{') {
			return new Found(Kind.BARE_JSON, at, 0);
		}
		if (c == '[') {
			int next = CallBody.skipSpace(this.pending, at + 1);
			if (next == this.pending.length()) {
				return last ? null : new Found(Kind.HELD, at, 0);
			}
			if (this.pending.charAt(next) == '{') {
				return new Found(Kind.BARE_JSON, at, 0);
			}
			int behind = next;
			while (behind < this.pending.length() && "(,)] \n".indexOf(this.pending.charAt(behind)) < 0) {
				behind++;
			}
			String name = this.pending.substring(next, behind);
			if (behind == this.pending.length()) {
				return (this.reader.knowsBeginning(name) && !last) ? new Found(Kind.HELD, at, 0) : null;
			}
			return this.reader.knows(name) ? new Found(Kind.BARE_PYTHON, at, 0) : null;
		}
		int match = LenientJson.match(this.pending, at, FENCE, last);
		if (match <= 0) {
			return (match < 0) ? new Found(Kind.HELD, at, 0) : null;
		}
		int info = at + FENCE.length();
		int line = this.pending.indexOf("\n", info);
		String said = this.pending.substring(info, (line >= 0) ? line : this.pending.length()).strip();
		if (line < 0) {
			boolean possible = !last && FENCED.stream().anyMatch((each) -> each.startsWith(said));
			return possible ? new Found(Kind.HELD, at, 0) : null;
		}
		int body = CallBody.skipSpace(this.pending, line);
		if (!FENCED.contains(said)) {
			return null;
		}
		if (body == this.pending.length()) {
			return last ? null : new Found(Kind.HELD, at, 0);
		}
		if ("{[".indexOf(this.pending.charAt(body)) >= 0 && !said.equals("tool_code")) {
			return new Found(Kind.FENCED_JSON, at, body - at);
		}
		return said.equals("tool_code") ? new Found(Kind.FENCED_PYTHON, at, body - at) : null;
	}

	/** Begins a section of calls, with what stands before them. */
	private void open(Found found, boolean thought) {
		boolean tentative = thought || found.kind() != Kind.TAG;
		this.section = new Section(take(found.at()), tentative, thought);
		this.section.found = new Found(found.kind(), 0, found.length());
		this.mode = Mode.CALLS;
	}

	/** The length of the longest end of the pending text that begins a tag. */
	private int held(String tag) {
		for (int held = Math.min(tag.length() - 1, this.pending.length()); held > 0; held--) {
			if (tag.startsWith(this.pending.substring(this.pending.length() - held))) {
				return held;
			}
		}
		return 0;
	}

	private int beforeSpace(int from) {
		int end = from;
		while (end > 0 && Character.isWhitespace(this.pending.charAt(end - 1))) {
			end--;
		}
		return (from - end < MAX_SPACE) ? end : from;
	}

	/** Takes the first characters, without those that the prompt has. */
	private String take(int length) {
		int inIt = Math.min(length, this.inPrompt);
		String piece = this.pending.substring(inIt, length);
		this.inPrompt -= inIt;
		this.pending.delete(0, length);
		return piece;
	}

	private boolean emit(int length) {
		emitText(take(length));
		return true;
	}

	private void emitText(String piece) {
		this.afterTag = false;
		if (piece.isEmpty()) {
			return;
		}
		this.events.add(new OutputEvent.Text(piece));
		this.atStart &= piece.isBlank();
		int line = piece.lastIndexOf('\n');
		this.lineEnded = (line >= 0 || this.lineEnded) && piece.substring(line + 1).isBlank();
	}

	private void emitReasoning(String piece) {
		if (!piece.isEmpty()) {
			this.events.add(new OutputEvent.Reasoning(piece));
		}
	}

	private boolean reasoning(boolean last) {
		int begin = this.afterTag ? CallBody.skipSpace(this.pending, 0) : 0;
		this.pending.delete(0, begin);
		if (this.pending.isEmpty()) {
			return false;
		}
		this.afterTag = false;
		int at = this.pending.indexOf(this.thinkEnd);
		Found opened = (at >= 0 || !this.tools) ? new Found(Kind.NOTHING, this.pending.length(), 0)
				: find(0, false, last);
		int held = held(this.thinkEnd);
		int limit = (at >= 0) ? at : last ? this.pending.length() : this.pending.length() - held;
		int end = beforeSpace(Math.min(limit, opened.at()));
		if (end > 0) {
			emitReasoning(take(end));
			return true;
		}
		if (at >= 0) {
			take(at + this.thinkEnd.length());
			this.mode = Mode.TEXT;
			this.afterTag = true;
			this.lineEnded = true;
			return true;
		}
		if (opened.kind() == Kind.TAG) {
			open(opened, true);
			this.searched = 0;
			return true;
		}
		if (last) {
			emitReasoning(take(this.pending.length()));
		}
		return last;
	}

	private boolean calls(boolean last) {
		Section current = this.section;
		if (current.thought) {
			int end = this.pending.indexOf(this.thinkEnd, this.searched);
			if (end >= 0) {
				return giveUp(end);
			}
			this.searched = Math.max(0, this.pending.length() - this.thinkEnd.length() + 1);
		}
		CallBody.Ending ending = !last ? CallBody.Ending.OPEN
				: this.wasCut ? CallBody.Ending.CUT : CallBody.Ending.ENDED;
		Found found = current.found;
		if (found == null) {
			return behindCalls(ending);
		}
		if (current.body == null) {
			current.body = body(found, last);
			if (current.body == null) {
				return last && giveUp(this.pending.length());
			}
		}
		int end = current.body.read(this.pending, ending);
		if (end == CallBody.MORE) {
			return last && giveUp(this.pending.length());
		}
		List<ToolCall> calls = current.body.calls();
		boolean known = !current.tentative || calls.stream().allMatch((call) -> this.reader.knows(call.name()));
		if (end == CallBody.FAILED || !known) {
			int failed = (end == CallBody.FAILED) ? current.body.position() : end;
			return giveUp(Math.min(this.pending.length(), Math.max(1, failed)));
		}
		current.calls.addAll(calls);
		current.callsEnd = end;
		current.found = null;
		current.body = null;
		return current.tentative || emitCalls();
	}

	private @Nullable CallBody body(Found found, boolean last) {
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
			int match = LenientJson.match(this.pending, next, xml.callBegin(), last);
			if (match < 0) {
				return null;
			}
			syntax = (match > 0 && opener.equals(xml.begin())) ? xml : syntax;
		}
		return syntax.body(this.reader, begin, opener, json);
	}

	/** What follows calls that count only if nothing but calls follows them. */
	private boolean behindCalls(CallBody.Ending ending) {
		Section current = this.section;
		int next = CallBody.skipSpace(this.pending, current.callsEnd);
		if (next == this.pending.length()) {
			return switch (ending) {
				case OPEN -> false;
				case ENDED -> emitCalls();
				case CUT -> giveUp(current.callsEnd);
			};
		}
		boolean held = current.thought && LenientJson.match(this.pending, next, this.thinkEnd, ending.isLast()) < 0;
		Found found = held ? new Found(Kind.HELD, next, 0) : findAt(next, !current.thought, ending.isLast());
		if (found == null || found.kind() == Kind.SILENT) {
			return giveUp(current.callsEnd);
		}
		if (found.kind() == Kind.HELD) {
			return ending.isLast() && giveUp(current.callsEnd);
		}
		current.found = found;
		return true;
	}

	/** The first characters are no calls; white space behind them may belong to a tag. */
	private boolean giveUp(int length) {
		String given = this.section.space + take(beforeSpace(length));
		if (this.section.thought) {
			emitReasoning(given);
			this.mode = Mode.REASONING;
		}
		else {
			emitText(given);
			this.mode = Mode.TEXT;
		}
		return true;
	}

	private boolean emitCalls() {
		for (ToolCall call : this.section.calls) {
			if (!isNoCall(call)) {
				this.events.add(new OutputEvent.ToolCalled(call));
			}
		}
		take(this.section.callsEnd);
		this.mode = Mode.TEXT;
		this.afterTag = true;
		this.atStart = false;
		this.lineEnded = false;
		return true;
	}

	/** Command R calls a tool that nobody gave it to say that it calls none. */
	private boolean isNoCall(ToolCall call) {
		return this.format == ToolFormat.COMMAND_R && !this.reader.knows(call.name())
				&& call.name().replace('_', '-').equals("directly-answer");
	}

	/** What the pending text is. */
	private enum Mode {

		TEXT, REASONING, CALLS

	}

	/** What opens calls. */
	private enum Kind {

		NOTHING, HELD, SILENT, TAG, BARE_JSON, FENCED_JSON, BARE_PYTHON, FENCED_PYTHON

	}

	/**
	 * A place in the pending text.
	 *
	 * @param kind what may begin there
	 * @param at index of its first character
	 * @param length of what opens the calls
	 */
	private record Found(Kind kind, int at, int length) {

	}

	/** Calls that stand together, at the beginning of the pending text. */
	private static final class Section {

		/** White space before them. */
		private final String space;

		/** Whether they count only if nothing but calls follows them. */
		private final boolean tentative;

		/** Whether they stand in reasoning. */
		private final boolean thought;

		private final List<ToolCall> calls = new ArrayList<>();

		/** Up to where they are read. */
		private int callsEnd;

		/** What opened the calls that come, null: none did. */
		private @Nullable Found found;

		private @Nullable CallBody body;

		Section(String space, boolean tentative, boolean thought) {
			this.space = space;
			this.tentative = tentative;
			this.thought = thought;
		}

	}

}
