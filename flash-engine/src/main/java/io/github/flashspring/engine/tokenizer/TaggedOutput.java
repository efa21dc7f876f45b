package io.github.flashspring.engine.tokenizer;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

/**
 * Answers in which tags stand around reasoning and tool calls, and everything else is
 * text. Part of a tag is held back until it is clear that it is none. White space around
 * tags belongs to the tags.
 */
final class TaggedOutput extends SteppedOutput {

	private static final String CALL_END = "</tool_call>";

	private static final String FUNCTION_BEGIN = "<function=";

	private static final String FUNCTION_END = "</function>";

	/** {@code name[CALL_ID]id[ARGS]} before Mistral's arguments. */
	private static final Pattern MISTRAL_NAME = Pattern
		.compile("\\s*([\\w.-]+)\\s*(?:\\[CALL_ID\\]\\s*(\\w+)\\s*)?(?:\\[ARGS\\]\\s*)?");

	private static final Pattern MISTRAL_NAME_BEGINNING = Pattern.compile("[\\s\\w.\\-\\[\\]]*");

	private static final Pattern FIRST_KEY = Pattern.compile("\\{\\s*\"([^\"\\\\]*)\"");

	private static final Pattern FIRST_KEY_BEGINNING = Pattern.compile("\\{\\s*(?:\"[^\"\\\\]*)?");

	private static final Set<String> CALL_KEYS = Set.of("name", "type", "function", "id", "parameters", "arguments");

	private final ToolFormat format;

	private final ToolCallReader reader;

	private final @Nullable String thinkBegin;

	private final String thinkEnd;

	private Mode mode = Mode.TEXT;

	/** Whether no text was told yet: only then can reasoning or a bare call begin. */
	private boolean atStart = true;

	/** Whether white space belongs to the tag before it. */
	private boolean afterTag;

	/** What opened the call, with the white space before it. */
	private String opening = "";

	private @Nullable JsonEnd jsonEnd;

	private int searched;

	/** A call that is read, but whose outer tag may still end. */
	private @Nullable ToolCall ended;

	/**
	 * A parser.
	 * @param format how the model writes calls
	 * @param reader reads them
	 * @param thinkBegin what opens reasoning, null: the model does not think
	 * @param thinkEnd what ends reasoning
	 * @param thinking whether the answer begins within reasoning
	 */
	TaggedOutput(ToolFormat format, ToolCallReader reader, @Nullable String thinkBegin, String thinkEnd,
			boolean thinking) {
		this.format = format;
		this.reader = reader;
		this.thinkBegin = thinkBegin;
		this.thinkEnd = thinkEnd;
		if (thinking) {
			this.mode = Mode.REASONING;
			this.afterTag = true;
		}
	}

	@Override
	public Set<String> markers() {
		Set<String> markers = new LinkedHashSet<>(this.format.markers());
		if (this.thinkBegin != null) {
			markers.add(this.thinkBegin);
			markers.add(this.thinkEnd);
		}
		switch (this.format) {
			case HERMES, XML -> markers.add(CALL_END);
			case MISTRAL -> markers.addAll(List.of("[ARGS]", "[CALL_ID]"));
			case DEEPSEEK -> markers.addAll(ToolFormat.DEEPSEEK_TAGS);
			default -> {
			}
		}
		return markers;
	}

	@Override
	protected boolean step(boolean last) {
		return switch (this.mode) {
			case TEXT -> text(last);
			case REASONING -> reasoning(last);
			case CALL -> switch (this.format) {
				case HERMES -> tagged(last, CALL_END);
				case XML -> tagged(last, this.opening.endsWith(FUNCTION_BEGIN) ? FUNCTION_END : CALL_END);
				case MISTRAL -> mistral(last);
				case DEEPSEEK -> deepSeek(last);
				default -> llama(last, false);
			};
			case BARE_CALL -> llama(last, true);
		};
	}

	private boolean text(boolean last) {
		int length = this.pending.length();
		int begin = firstNonSpace();
		if (begin == length) {
			boolean told = length > 0 && !this.afterTag && (last || !mayOpenTag());
			if (last && this.afterTag) {
				this.pending.setLength(0);
			}
			return told && tell(length, false);
		}
		if (this.afterTag) {
			this.pending.delete(0, begin);
			this.afterTag = false;
			return true;
		}
		if (this.atStart && this.format == ToolFormat.LLAMA && this.pending.charAt(begin) == '{') {
			open(begin, 0, Mode.BARE_CALL);
			return true;
		}
		if (this.atStart && this.thinkBegin != null && startsWith(begin, this.thinkBegin)) {
			this.pending.delete(0, begin + this.thinkBegin.length());
			this.mode = Mode.REASONING;
			this.afterTag = true;
			return true;
		}
		int at = length;
		String found = null;
		for (String marker : this.format.markers()) {
			int index = this.pending.indexOf(marker);
			if (index >= 0 && index < at) {
				at = index;
				found = marker;
			}
		}
		if (found != null) {
			int end = endWithoutSpace(at);
			if (end > 0) {
				return tell(end, false);
			}
			open(at, found.length(), Mode.CALL);
			return true;
		}
		int certain = last ? length : certainLength(begin);
		return certain > 0 && tell(certain, false);
	}

	/** Whether white space may turn out to stand before a tag. */
	private boolean mayOpenTag() {
		return !this.format.markers().isEmpty() || this.atStart && this.thinkBegin != null;
	}

	private int certainLength(int begin) {
		int held = 0;
		for (String marker : this.format.markers()) {
			held = Math.max(held, heldFor(marker));
		}
		if (this.atStart && this.thinkBegin != null && this.pending.length() - begin < this.thinkBegin.length()
				&& this.thinkBegin.startsWith(this.pending.substring(begin))) {
			return 0;
		}
		int end = this.pending.length() - held;
		return this.format.markers().isEmpty() ? end : endWithoutSpace(end);
	}

	/** The length of the longest end of the pending text that begins a tag. */
	private int heldFor(String tag) {
		for (int held = Math.min(tag.length() - 1, this.pending.length()); held > 0; held--) {
			if (startsWith(this.pending.length() - held, tag.substring(0, held))) {
				return held;
			}
		}
		return 0;
	}

	private boolean startsWith(int at, String text) {
		return this.pending.indexOf(text, at) == at;
	}

	private int firstNonSpace() {
		int begin = 0;
		while (begin < this.pending.length() && Character.isWhitespace(this.pending.charAt(begin))) {
			begin++;
		}
		return begin;
	}

	private int endWithoutSpace(int from) {
		int end = from;
		while (end > 0 && Character.isWhitespace(this.pending.charAt(end - 1))) {
			end--;
		}
		return end;
	}

	private void open(int at, int length, Mode newMode) {
		this.opening = this.pending.substring(0, at + length);
		this.pending.delete(0, at + length);
		this.mode = newMode;
		this.jsonEnd = null;
		this.searched = 0;
		this.ended = null;
	}

	/** Tells the first characters as text or reasoning. */
	private boolean tell(int length, boolean thought) {
		String piece = this.pending.substring(0, length);
		this.pending.delete(0, length);
		if (thought) {
			this.events.add(new OutputEvent.Reasoning(piece));
		}
		else {
			tellText(piece);
		}
		return true;
	}

	private void tellText(String piece) {
		this.events.add(new OutputEvent.Text(piece));
		this.atStart = false;
		this.afterTag = false;
	}

	private boolean reasoning(boolean last) {
		int begin = this.afterTag ? firstNonSpace() : 0;
		if (begin > 0) {
			this.pending.delete(0, begin);
		}
		if (this.pending.isEmpty()) {
			return false;
		}
		this.afterTag = false;
		int at = this.pending.indexOf(this.thinkEnd);
		int end = endWithoutSpace(
				(at >= 0) ? at : last ? this.pending.length() : this.pending.length() - heldFor(this.thinkEnd));
		if (end > 0) {
			return tell(end, true);
		}
		if (at >= 0) {
			this.pending.delete(0, at + this.thinkEnd.length());
			this.mode = Mode.TEXT;
			this.afterTag = true;
			return true;
		}
		return last && tell(this.pending.length(), true);
	}

	/** A call that ends with a tag. */
	private boolean tagged(boolean last, String endTag) {
		int at = this.pending.indexOf(endTag, this.searched);
		if (at < 0 && !last) {
			this.searched = Math.max(this.searched, this.pending.length() - endTag.length() + 1);
			return false;
		}
		int end = (at < 0) ? this.pending.length() : at + endTag.length();
		String content = this.pending.substring(0, (at < 0) ? end : at);
		boolean function = endTag.equals(FUNCTION_END);
		if (at >= 0 && this.format == ToolFormat.HERMES && isWithinJsonString(content)) {
			// the tag is part of an argument: look for the next one
			this.searched = end;
			return true;
		}
		ToolCall call = this.ended;
		if (call == null) {
			call = (this.format == ToolFormat.XML)
					? this.reader.xml(function ? FUNCTION_BEGIN + content + FUNCTION_END : content)
					: this.reader.object(content, false);
		}
		if (function && call != null) {
			return functionEnded(end, call, last);
		}
		return close(end, (call != null) ? List.of(call) : null);
	}

	/** Without its outer tag, a function may still be followed by that tag's end. */
	private boolean functionEnded(int end, ToolCall call, boolean last) {
		int next = end;
		while (next < this.pending.length() && Character.isWhitespace(this.pending.charAt(next))) {
			next++;
		}
		String rest = this.pending.substring(next, Math.min(this.pending.length(), next + CALL_END.length()));
		if (!last && rest.length() < CALL_END.length() && CALL_END.startsWith(rest)) {
			this.ended = call;
			return false;
		}
		return close(rest.equals(CALL_END) ? next + CALL_END.length() : end, List.of(call));
	}

	private static boolean isWithinJsonString(String content) {
		boolean inString = false;
		for (int i = 0; i < content.length(); i++) {
			char c = content.charAt(i);
			if (inString && c == '\\') {
				i++;
			}
			else if (c == '"') {
				inString = !inString;
			}
		}
		return inString;
	}

	/** Ends a call. */
	private boolean close(int end, @Nullable List<ToolCall> calls) {
		String raw = this.pending.substring(0, end);
		this.pending.delete(0, end);
		this.mode = Mode.TEXT;
		if (calls == null) {
			tellText(this.opening + raw);
		}
		else {
			calls.forEach((call) -> this.events.add(new OutputEvent.ToolCalled(call)));
			this.afterTag = true;
		}
		return true;
	}

	/** Calls up to the tag behind the last of them, or to the end of the answer. */
	private boolean deepSeek(boolean last) {
		int at = this.pending.indexOf(ToolFormat.DEEPSEEK_END, this.searched);
		if (at < 0 && !last) {
			this.searched = Math.max(this.searched, this.pending.length() - ToolFormat.DEEPSEEK_END.length() + 1);
			return false;
		}
		int end = (at < 0) ? this.pending.length() : at + ToolFormat.DEEPSEEK_END.length();
		return close(end, this.reader.deepSeek(this.pending.substring(0, (at < 0) ? end : at)));
	}

	private boolean mistral(boolean last) {
		int begin = firstNonSpace();
		if (begin < this.pending.length() && this.pending.charAt(begin) == '[') {
			return json(last, begin, (json) -> this.reader.array(json));
		}
		Matcher name = MISTRAL_NAME.matcher(this.pending);
		if (name.lookingAt() && name.end() < this.pending.length() && this.pending.charAt(name.end()) == '{') {
			String tool = name.group(1);
			String id = name.group(2);
			return json(last, name.end(), (json) -> {
				ToolCall call = this.reader.named(tool, id, json);
				return (call != null) ? List.of(call) : null;
			});
		}
		Matcher beginning = MISTRAL_NAME_BEGINNING.matcher(this.pending);
		boolean growing = beginning.lookingAt() && beginning.end() == this.pending.length();
		return (!growing || last) && close(growing ? this.pending.length() : 0, null);
	}

	private boolean llama(boolean last, boolean bare) {
		int begin = firstNonSpace();
		if (begin == this.pending.length()) {
			return last && close(begin, null);
		}
		if (this.pending.charAt(begin) != '{') {
			return close(0, null);
		}
		if (bare) {
			Matcher key = FIRST_KEY.matcher(this.pending).region(begin, this.pending.length());
			boolean complete = key.lookingAt();
			boolean growing = !complete
					&& FIRST_KEY_BEGINNING.matcher(this.pending).region(begin, this.pending.length()).matches();
			if (growing && !last) {
				return false;
			}
			if (!complete || !CALL_KEYS.contains(key.group(1))) {
				return close(begin + 1, null);
			}
		}
		return json(last, begin, (json) -> {
			ToolCall call = this.reader.object(json, bare);
			return (call != null) ? List.of(call) : null;
		});
	}

	private boolean json(boolean last, int begin, Function<String, @Nullable List<ToolCall>> parser) {
		JsonEnd search = (this.jsonEnd != null) ? this.jsonEnd : new JsonEnd(begin);
		this.jsonEnd = search;
		int end = search.find(this.pending);
		if (end == -1) {
			return last && close(this.pending.length(), null);
		}
		if (end == -2) {
			return close(search.position(), null);
		}
		return close(end, parser.apply(this.pending.substring(begin, end)));
	}

	/** What the pending text is. */
	private enum Mode {

		TEXT, REASONING, CALL, BARE_CALL

	}

}
