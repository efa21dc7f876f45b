package io.github.flashspring.engine.text;

import java.util.List;
import java.util.Set;

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

	/** White space that is held back because it may belong to a tag. */
	private static final int MAX_SPACE = 1000;

	private final ToolFormat format;

	/** Whether there are tools that can be called. */
	private final boolean tools;

	private final ToolCallReader reader;

	private final CallOpenings openings;

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

	private CallSection section = new CallSection("", false, false);

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
		this.openings = new CallOpenings(format, tools, reader, this.pending);
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
		Set<String> markers = this.openings.markers();
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
			boolean held = !last && length < MAX_SPACE && (!this.openings.isNone() || mayThink);
			return !held && emit(length);
		}
		this.afterTag = false;
		if (think != null && mayThink) {
			int match = PartialMatch.match(this.pending, begin, think, last);
			if (match > 0) {
				take(begin + think.length());
				this.mode = Mode.REASONING;
				this.afterTag = true;
				this.searched = 0;
				return true;
			}
			// some models end reasoning that they did not begin
			int end = (match == 0) ? PartialMatch.match(this.pending, begin, this.thinkEnd, last) : 0;
			if (end > 0) {
				take(begin + this.thinkEnd.length());
				this.afterTag = true;
				return true;
			}
			if (match < 0 || end < 0) {
				return false;
			}
		}
		if (this.openings.isNone()) {
			return emit(length);
		}
		CallOpening found = this.openings.find(0, this.lineEnded, true, last);
		int certain = (last && found.kind() == CallOpening.Kind.NOTHING) ? length : beforeSpace(found.at());
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

	/** Begins a section of calls, with what stands before them. */
	private void open(CallOpening found, boolean thought) {
		boolean tentative = thought || found.kind() != CallOpening.Kind.TAG;
		this.section = new CallSection(take(found.at()), tentative, thought);
		this.section.found = new CallOpening(found.kind(), 0, found.length());
		this.mode = Mode.CALLS;
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
		CallOpening opened = (at >= 0 || !this.tools)
				? new CallOpening(CallOpening.Kind.NOTHING, this.pending.length(), 0)
				: this.openings.find(0, false, false, last);
		int held = PartialMatch.begun(this.pending, this.thinkEnd);
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
		if (opened.kind() == CallOpening.Kind.TAG) {
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
		CallSection current = this.section;
		if (current.thought) {
			int end = this.pending.indexOf(this.thinkEnd, this.searched);
			if (end >= 0) {
				return giveUp(end);
			}
			this.searched = Math.max(0, this.pending.length() - this.thinkEnd.length() + 1);
		}
		CallBody.Ending ending = !last ? CallBody.Ending.OPEN
				: this.wasCut ? CallBody.Ending.CUT : CallBody.Ending.ENDED;
		CallOpening found = current.found;
		if (found == null) {
			return behindCalls(ending);
		}
		if (current.body == null) {
			current.body = this.openings.body(found, last);
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

	/** What follows calls that count only if nothing but calls follows them. */
	private boolean behindCalls(CallBody.Ending ending) {
		CallSection current = this.section;
		int next = CallBody.skipSpace(this.pending, current.callsEnd);
		if (next == this.pending.length()) {
			return switch (ending) {
				case OPEN -> false;
				case ENDED -> emitCalls();
				case CUT -> giveUp(current.callsEnd);
			};
		}
		boolean held = current.thought && PartialMatch.match(this.pending, next, this.thinkEnd, ending.isLast()) < 0;
		CallOpening found = held ? new CallOpening(CallOpening.Kind.HELD, next, 0)
				: this.openings.findAt(next, !current.thought, false, ending.isLast());
		if (found == null || found.kind() == CallOpening.Kind.SILENT) {
			return giveUp(current.callsEnd);
		}
		if (found.kind() == CallOpening.Kind.HELD) {
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
			if (!this.openings.isNoCall(call)) {
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

	/** What the pending text is. */
	private enum Mode {

		TEXT, REASONING, CALLS

	}

}
