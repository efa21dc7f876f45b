package io.github.flashspring.engine.text;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.node.ObjectNode;

/**
 * Calls that are a name between tags and a JSON object of arguments.
 */
final class NamedCalls extends CallBody {

	/** Longer headers are none. */
	private static final int MAX_HEADER = 300;

	private static final String FENCE = "```";

	private final ToolSyntax syntax;

	private final ToolCallReader reader;

	private final Pattern header;

	private String name = "";

	private @Nullable String id;

	private State state = State.BEGIN;

	private @Nullable LenientJson json;

	/**
	 * A reader.
	 * @param syntax how the model writes calls
	 * @param header what stands before the arguments: groups name and, if there is one,
	 * id
	 * @param reader makes calls
	 * @param begin where the first tag stands
	 */
	NamedCalls(ToolSyntax syntax, Pattern header, ToolCallReader reader, int begin) {
		this.syntax = syntax;
		this.header = header;
		this.reader = reader;
		this.position = begin;
	}

	@Override
	protected int step(StringBuilder text, Ending ending) {
		return switch (this.state) {
			case BEGIN -> begin(text, ending);
			case HEADER -> header(text, ending);
			case ARGUMENTS -> arguments(text, ending);
			case END -> endOfCall(text, ending);
		};
	}

	private int begin(CharSequence text, Ending ending) {
		String begin = this.syntax.begin();
		if (!begin.isEmpty()) {
			int match = PartialMatch.match(text, this.position, begin, ending.isLast());
			if (match < 0) {
				return MORE;
			}
			this.position += (match > 0) ? begin.length() : 0;
		}
		this.state = State.HEADER;
		return 0;
	}

	private int header(CharSequence text, Ending ending) {
		this.position = skipSpace(text, this.position);
		if (this.position == text.length()) {
			return ending.isLast() ? end(text.length()) : MORE;
		}
		if (!this.syntax.end().isEmpty() && (this.broken || !this.calls.isEmpty())) {
			int match = PartialMatch.match(text, this.position, this.syntax.end(), ending.isLast());
			if (match != 0) {
				return (match < 0) ? MORE : end(this.position + this.syntax.end().length());
			}
		}
		int limit = Math.min(text.length(), this.position + MAX_HEADER);
		Matcher matcher = this.header.matcher(text).region(this.position, limit);
		if (!matcher.lookingAt()) {
			boolean growing = matcher.hitEnd() && limit == text.length() && !ending.isLast();
			return growing ? MORE : this.calls.isEmpty() ? fail(this.position) : end(this.callsEnd);
		}
		if (matcher.hitEnd() && limit == text.length() && !ending.isLast()) {
			return MORE;
		}
		this.name = matcher.group("name");
		String written = this.syntax.hasId() ? matcher.group("id") : null;
		this.id = this.name.equals(written) ? null : written;
		this.position = matcher.end();
		this.state = State.ARGUMENTS;
		return 0;
	}

	private int arguments(CharSequence text, Ending ending) {
		LenientJson current = this.json;
		if (current == null) {
			int begin = skipSpace(text, this.position);
			String callEnd = this.syntax.callEnd();
			if (!callEnd.isEmpty() && begin < text.length()) {
				int match = PartialMatch.match(text, begin, callEnd, ending.isLast());
				if (match < 0) {
					return MORE;
				}
				if (match > 0) {
					add(this.reader.call(this.name, this.id, ModelFiles.JSON.createObjectNode()));
					this.state = State.END;
					return 0;
				}
			}
			if (begin == text.length()) {
				return ending.isLast() ? fail(begin) : MORE;
			}
			if (text.charAt(begin) != '{') {
				return fail(this.position);
			}
			current = new LenientJson(begin, callEnd, this.syntax.quote());
			this.json = current;
		}
		int after = current.read(text, ending.isLast());
		if (after < 0) {
			return (after == LenientJson.MORE && !ending.isLast()) ? MORE
					: fail((after == LenientJson.MORE) ? text.length() : current.position());
		}
		add((current.value() instanceof ObjectNode object) ? this.reader.call(this.name, this.id, object) : null);
		this.json = null;
		this.position = after;
		this.callsEnd = after;
		this.state = State.END;
		return 0;
	}

	/** The tag behind a call; the next call and the end of the answer do without. */
	private int endOfCall(CharSequence text, Ending ending) {
		String callEnd = this.syntax.callEnd();
		this.state = State.HEADER;
		if (callEnd.isEmpty()) {
			return 0;
		}
		int at = skipSpace(text, this.position);
		int fence = PartialMatch.match(text, at, FENCE, ending.isLast());
		at = (fence > 0) ? skipSpace(text, at + FENCE.length()) : at;
		int match = (fence < 0) ? fence : PartialMatch.match(text, at, callEnd, ending.isLast());
		if (match < 0) {
			this.state = State.END;
			return MORE;
		}
		this.position = (match > 0) ? at + callEnd.length() : this.position;
		this.callsEnd = this.position;
		if (match > 0 || at == text.length()) {
			return 0;
		}
		for (String tag : new String[] { this.syntax.callBegin(), this.syntax.end() }) {
			int next = tag.isEmpty() ? 0 : PartialMatch.match(text, at, tag, ending.isLast());
			if (next != 0) {
				this.state = (next < 0) ? State.END : State.HEADER;
				return (next < 0) ? MORE : 0;
			}
		}
		this.broken = true;
		return fail(at);
	}

	/** What comes next. */
	private enum State {

		BEGIN, HEADER, ARGUMENTS, END

	}

}
