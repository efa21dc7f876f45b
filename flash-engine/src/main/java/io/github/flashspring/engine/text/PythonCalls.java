package io.github.flashspring.engine.text;

import java.util.List;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Calls that are written as in Python, with literals as arguments:
 * {@code [weather(city="Rome"), now()]}.
 */
final class PythonCalls extends CallBody {

	private static final List<String> FENCES = List.of("```python", "```py", "```tool_code", "```");

	private static final int MAX_NAME = 200;

	private final ToolCallReader reader;

	private final String end;

	private final boolean mustBeKnown;

	private State state = State.BETWEEN;

	private boolean bracket;

	private boolean bracketClosed;

	private String name = "";

	private String key = "";

	private ObjectNode arguments = ModelFiles.JSON.createObjectNode();

	private @Nullable LenientJson value;

	/**
	 * A reader.
	 * @param reader makes calls
	 * @param begin where the first call may stand
	 * @param end what closes the calls; empty: nothing
	 * @param mustBeKnown whether tools must be some of those that were given
	 */
	PythonCalls(ToolCallReader reader, int begin, String end, boolean mustBeKnown) {
		this.reader = reader;
		this.position = begin;
		this.end = end;
		this.mustBeKnown = mustBeKnown;
	}

	@Override
	protected int step(StringBuilder text, Ending ending) {
		this.position = (this.state != State.VALUE) ? skipSpace(text, this.position) : this.position;
		if (this.position == text.length() && this.state != State.VALUE) {
			boolean complete = this.state == State.BETWEEN && this.bracket == this.bracketClosed;
			return !ending.isLast() ? MORE : complete ? end(text.length()) : fail(text.length());
		}
		return switch (this.state) {
			case BETWEEN -> between(text, ending);
			case ARGUMENT -> argument(text, ending);
			case VALUE -> value(text, ending);
			case BEHIND_VALUE -> behindValue(text.charAt(this.position));
		};
	}

	private int between(CharSequence text, Ending ending) {
		boolean read = !this.calls.isEmpty() || this.broken;
		if (!this.end.isEmpty() && this.bracket == this.bracketClosed) {
			int match = PartialMatch.match(text, this.position, this.end, ending.isLast());
			if (match != 0) {
				return (match < 0) ? MORE : end(this.position + this.end.length());
			}
		}
		char c = text.charAt(this.position);
		if (c == '[' && !this.bracket && !read) {
			this.bracket = true;
			this.position++;
			return 0;
		}
		if (c == ']' && this.bracket && !this.bracketClosed) {
			this.bracketClosed = true;
			this.position++;
			this.callsEnd = this.position;
			return 0;
		}
		if (read && (c == ',' || c == ';')) {
			this.position++;
			return 0;
		}
		if (c == '`' && !this.end.startsWith("`")) {
			for (String fence : FENCES) {
				int match = PartialMatch.match(text, this.position, fence, ending.isLast());
				if (match != 0) {
					this.position += (match > 0) ? fence.length() : 0;
					return (match < 0) ? MORE : 0;
				}
			}
		}
		boolean complete = read && this.bracket == this.bracketClosed;
		if (this.end.isEmpty() && complete && this.bracket) {
			return end(this.callsEnd);
		}
		return name(text, ending, complete);
	}

	private int name(CharSequence text, Ending ending, boolean complete) {
		int behind = this.position;
		while (behind < text.length() && isNamePart(text.charAt(behind), behind == this.position)) {
			behind++;
		}
		int open = skipSpace(text, behind);
		if (behind == this.position || behind - this.position > MAX_NAME) {
			return (complete && this.end.isEmpty()) ? end(this.callsEnd) : fail(this.position);
		}
		String written = text.subSequence(this.position, behind).toString();
		if (open == text.length() && !ending.isLast()) {
			boolean possible = !this.mustBeKnown || this.reader.knowsBeginning(written);
			return possible ? MORE : fail(this.position);
		}
		if (open == text.length() || text.charAt(open) != '(' || this.mustBeKnown && !this.reader.knows(written)) {
			return (complete && this.end.isEmpty()) ? end(this.callsEnd) : fail(this.position);
		}
		this.name = written;
		this.arguments = ModelFiles.JSON.createObjectNode();
		this.position = open + 1;
		this.state = State.ARGUMENT;
		return 0;
	}

	private static boolean isNamePart(char c, boolean first) {
		return Character.isLetter(c) || c == '_' || !first && (Character.isDigit(c) || c == '.' || c == '-');
	}

	/** The name of an argument, if it has one. */
	private int argument(CharSequence text, Ending ending) {
		if (text.charAt(this.position) == ')') {
			return endOfCall();
		}
		int behind = this.position;
		while (behind < text.length() && isNamePart(text.charAt(behind), behind == this.position)) {
			behind++;
		}
		int equals = skipSpace(text, behind);
		if (equals == text.length() && behind > this.position && !ending.isLast()) {
			return (behind - this.position > MAX_NAME) ? fail(behind) : MORE;
		}
		if (behind > this.position && equals < text.length() && text.charAt(equals) == '=') {
			this.key = text.subSequence(this.position, behind).toString();
			this.position = skipSpace(text, equals + 1);
		}
		else {
			String only = this.arguments.isEmpty() ? this.reader.onlyParameter(this.name) : null;
			if (only == null) {
				return fail(this.position);
			}
			this.key = only;
		}
		this.state = State.VALUE;
		return 0;
	}

	private int value(CharSequence text, Ending ending) {
		if (this.value == null) {
			this.position = skipSpace(text, this.position);
			if (this.position == text.length()) {
				return ending.isLast() ? fail(this.position) : MORE;
			}
			this.value = new LenientJson(this.position, "", "");
		}
		LenientJson current = this.value;
		int after = current.read(text, false);
		if (after < 0) {
			return (after == LenientJson.MORE && !ending.isLast()) ? MORE
					: fail((after == LenientJson.MORE) ? text.length() : current.position());
		}
		JsonNode complete = current.value();
		boolean repeated = this.arguments.has(this.key);
		this.arguments.set(this.key, complete);
		this.broken |= repeated;
		this.value = null;
		this.position = after;
		this.state = State.BEHIND_VALUE;
		return 0;
	}

	private int behindValue(char c) {
		if (c == ')') {
			return endOfCall();
		}
		if (c != ',') {
			return fail(this.position);
		}
		this.position++;
		this.state = State.ARGUMENT;
		return 0;
	}

	private int endOfCall() {
		add(this.reader.call(known(this.name), null, this.arguments));
		this.position++;
		this.callsEnd = this.position;
		this.state = State.BETWEEN;
		return 0;
	}

	/** Llama's built-in tools are called as methods. */
	private String known(String written) {
		String suffix = ".call";
		String inner = written.endsWith(suffix) ? written.substring(0, written.length() - suffix.length()) : written;
		return (!this.reader.knows(written) && this.reader.knows(inner)) ? inner : written;
	}

	/** What comes next. */
	private enum State {

		BETWEEN, ARGUMENT, VALUE, BEHIND_VALUE

	}

}
