package io.github.flashspring.engine.text;

import java.util.List;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;

/**
 * Calls that are JSON objects with name and arguments, one after another or in arrays.
 */
final class JsonCalls extends CallBody {

	private static final List<String> FENCES = List.of("```json", "```");

	private final ToolCallReader reader;

	private final ToolSyntax syntax;

	/** Without a tag of its own, which any JSON in an answer is. */
	private final boolean bare;

	private final String end;

	private @Nullable LenientJson json;

	/**
	 * A reader.
	 * @param syntax how the model writes calls
	 * @param reader makes calls
	 * @param begin where the first value may stand
	 * @param end what closes the calls; empty: nothing
	 * @param bare whether any JSON may stand here, so that a call must be recognised as
	 * one by itself
	 */
	JsonCalls(ToolSyntax syntax, ToolCallReader reader, int begin, String end, boolean bare) {
		this.syntax = syntax;
		this.reader = reader;
		this.position = begin;
		this.end = end;
		this.bare = bare;
	}

	@Override
	protected int step(StringBuilder text, Ending ending) {
		LenientJson current = this.json;
		if (current == null) {
			return between(text, ending);
		}
		int after = current.read(text, ending.isLast());
		if (after < 0) {
			return (after == LenientJson.MORE && !ending.isLast()) ? MORE
					: fail((after == LenientJson.MORE) ? text.length() : current.position());
		}
		add(current.value());
		this.json = null;
		this.position = after;
		this.callsEnd = after;
		// an array without a tag behind it holds all calls
		return (this.end.isEmpty() && !this.bare && current.value().isArray()) ? end(after) : 0;
	}

	/** What stands between calls, and behind them: 0 if a value begins. */
	private int between(CharSequence text, Ending ending) {
		while (true) {
			this.position = skipSpace(text, this.position);
			if (this.position == text.length()) {
				return ending.isLast() ? end(text.length()) : MORE;
			}
			if (!this.end.isEmpty()) {
				int match = PartialMatch.match(text, this.position, this.end, ending.isLast());
				if (match != 0) {
					return (match < 0) ? MORE : end(this.position + this.end.length());
				}
			}
			for (String opener : this.syntax.openers()) {
				int match = PartialMatch.match(text, this.position, opener, ending.isLast());
				if (match != 0) {
					return (match < 0) ? MORE : this.calls.isEmpty() ? fail(this.position) : end(this.callsEnd);
				}
			}
			char c = text.charAt(this.position);
			if (c == '{' || c == '[') {
				LenientJson next = new LenientJson(this.position, this.end, "");
				this.json = this.bare ? next.expecting(this::mayBeCall) : next;
				return 0;
			}
			boolean read = !this.calls.isEmpty() || this.broken;
			if (read && (c == ',' || c == ';' || !this.end.isEmpty() && (c == ']' || c == '}'))) {
				this.position++;
				continue;
			}
			int fence = this.bare ? 0 : fence(text, ending);
			if (fence < 0) {
				return MORE;
			}
			if (fence == 0) {
				return (this.end.isEmpty() && read) ? end(this.callsEnd) : fail(this.position);
			}
			this.position += fence;
		}
	}

	/** The length of what opens or closes a block of code; -1: not known yet. */
	private int fence(CharSequence text, Ending ending) {
		for (String fence : FENCES) {
			int match = PartialMatch.match(text, this.position, fence, ending.isLast());
			if (match != 0) {
				return (match < 0) ? match : fence.length();
			}
		}
		return 0;
	}

	private void add(JsonNode value) {
		if (value.isArray() && !value.isEmpty()) {
			value.values().forEach((each) -> add(this.reader.object(each, this.bare, this.syntax.keyed())));
		}
		else {
			add(this.reader.object(value, this.bare, this.syntax.keyed()));
		}
	}

	/** Whether the keys are a call's, so that other JSON is emitted as it comes. */
	private boolean mayBeCall(LenientJson current) {
		String key = current.outerKey();
		boolean keyed = key != null && this.syntax.keyed() && this.reader.knows(key);
		if (key != null && !keyed && !ToolCallReader.isCallKey(key)) {
			return false;
		}
		JsonNode begun = current.begun();
		if (begun == null) {
			return true;
		}
		return begun.isArray() ? begun.isEmpty() || begun.get(0).isObject()
				: !begun.has("name") || this.reader.knows(begun.get("name").stringValue(""));
	}

}
