package io.github.flashspring.engine.text;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Calls whose arguments stand each between tags, without quotes:
 * {@code <function=weather><parameter=city>Rome</parameter></function>}. A closing tag
 * counts only where what follows it may follow it, since values may contain tags.
 */
final class XmlCalls extends CallBody {

	/** Longer headers are none. */
	static final int MAX_HEADER = 300;

	private static final String CDATA_END = "]]>";

	private final ToolSyntax syntax;

	private final ToolSyntax.Tags tags;

	private final ToolCallReader reader;

	private final XmlValueTags valueTags;

	private State state = State.BEGIN;

	private boolean wrapped;

	private String name = "";

	private ObjectNode arguments = ModelFiles.JSON.createObjectNode();

	private String key = "";

	/** Whether the model says that the value is a string. */
	private @Nullable Boolean isString;

	private int valueBegin;

	/** From where the end of the value is looked for. */
	private int searched;

	/**
	 * A reader.
	 * @param syntax how the model writes calls
	 * @param tags its tags
	 * @param reader makes calls
	 * @param begin where the first tag stands
	 */
	XmlCalls(ToolSyntax syntax, ToolSyntax.Tags tags, ToolCallReader reader, int begin) {
		this.syntax = syntax;
		this.tags = tags;
		this.reader = reader;
		this.valueTags = new XmlValueTags(syntax, tags, reader);
		this.position = begin;
	}

	@Override
	protected int step(StringBuilder text, Ending ending) {
		return switch (this.state) {
			case BEGIN -> begin(text, ending);
			case CALL -> call(text, ending);
			case PARAMETER -> parameter(text, ending);
			case VALUE -> value(text, ending);
		};
	}

	private int begin(CharSequence text, Ending ending) {
		if (!this.syntax.begin().isEmpty()) {
			int match = PartialMatch.match(text, this.position, this.syntax.begin(), ending.isLast());
			if (match < 0) {
				return MORE;
			}
			this.wrapped = match > 0;
			this.position += (match > 0) ? this.syntax.begin().length() : 0;
		}
		this.state = State.CALL;
		return 0;
	}

	private int call(CharSequence text, Ending ending) {
		boolean read = this.broken || !this.calls.isEmpty();
		this.position = skipSpace(text, this.position);
		if (this.position == text.length()) {
			return ending.isLast() ? end(text.length()) : MORE;
		}
		if (!this.syntax.end().isEmpty() && read) {
			int match = PartialMatch.match(text, this.position, this.syntax.end(), ending.isLast());
			if (match != 0) {
				return (match < 0) ? MORE : end(this.position + this.syntax.end().length());
			}
		}
		Matcher header = header(this.tags.call(), text);
		if (!header.lookingAt()) {
			return mayGrow(header, text, ending) ? MORE
					: (read && !this.wrapped) ? end(this.callsEnd) : fail(this.position);
		}
		if (mayGrow(header, text, ending)) {
			return MORE;
		}
		this.name = header.group("name");
		this.arguments = ModelFiles.JSON.createObjectNode();
		this.position = header.end();
		this.state = State.PARAMETER;
		return 0;
	}

	private Matcher header(Pattern pattern, CharSequence text) {
		return pattern.matcher(text).region(this.position, Math.min(text.length(), this.position + MAX_HEADER));
	}

	private static boolean mayGrow(Matcher header, CharSequence text, Ending ending) {
		return header.hitEnd() && header.regionEnd() == text.length() && !ending.isLast();
	}

	private int parameter(CharSequence text, Ending ending) {
		this.position = skipSpace(text, this.position);
		if (this.position == text.length()) {
			return ending.isLast() ? fail(text.length()) : MORE;
		}
		int match = PartialMatch.match(text, this.position, this.syntax.callEnd(), ending.isLast());
		if (match < 0) {
			return MORE;
		}
		if (match > 0) {
			endCall(this.position + this.syntax.callEnd().length());
			return 0;
		}
		Matcher header = header(this.tags.parameter(), text);
		if (!header.lookingAt()) {
			return mayGrow(header, text, ending) ? MORE : fail(this.position);
		}
		this.key = header.group("key");
		this.isString = isString(header);
		this.position = header.end();
		this.valueBegin = header.end();
		this.searched = header.end();
		this.state = State.VALUE;
		return 0;
	}

	private static @Nullable Boolean isString(Matcher header) {
		if (header.namedGroups().containsKey("string")) {
			String string = header.group("string");
			return (string != null) ? Boolean.valueOf(string) : null;
		}
		if (header.namedGroups().containsKey("type")) {
			String type = header.group("type");
			return (type != null) ? Boolean.valueOf(type.equals("string")) : null;
		}
		return null;
	}

	private void endCall(int at) {
		add(this.reader.call(this.name, null, this.arguments));
		this.position = at;
		this.callsEnd = at;
		this.state = State.CALL;
	}

	private int value(StringBuilder text, Ending ending) {
		while (true) {
			int at = text.indexOf(this.tags.parameterEnd(), this.searched);
			if (at < 0) {
				this.searched = Math.max(this.searched, text.length() - this.tags.parameterEnd().length() + 1);
				return ending.isLast() ? unclosed(text, ending) : MORE;
			}
			int behind = at + this.tags.parameterEnd().length();
			int ends = mayFollowParameter(text, behind, ending);
			if (ends < 0) {
				this.searched = at;
				return MORE;
			}
			if (ends > 0) {
				addValues(text.subSequence(this.valueBegin, at).toString());
				this.position = behind;
				this.state = State.PARAMETER;
				return 0;
			}
			this.searched = at + 1;
		}
	}

	/** Whether a parameter may end here: 1, 0, or -1: not known yet. */
	private int mayFollowParameter(CharSequence text, int from, Ending ending) {
		boolean last = ending.isLast();
		int at = skipSpace(text, from);
		int next = PartialMatch.match(text, at, this.tags.parameterBegin(), last);
		if (next > 0) {
			return 1;
		}
		int close = PartialMatch.match(text, at, this.syntax.callEnd(), last);
		if (close <= 0) {
			return Math.min(next, close);
		}
		if (!this.wrapped) {
			return 1;
		}
		int behind = skipSpace(text, at + this.syntax.callEnd().length());
		if (behind == text.length()) {
			return last ? 1 : -1;
		}
		int end = PartialMatch.match(text, behind, this.syntax.end(), last);
		int call = PartialMatch.match(text, behind, this.syntax.callBegin(), last);
		return (end > 0 || call > 0) ? 1 : Math.min(end, call);
	}

	/**
	 * Adds the value of a parameter. One that contains tags of other parameters lacks its
	 * own end tag, unless they are balanced; where that means one thing, it ends before
	 * them.
	 */
	private void addValues(String written) {
		Matcher header = this.tags.parameter().matcher(written);
		List<int[]> opened = new ArrayList<>();
		List<String> keys = new ArrayList<>();
		Set<String> seen = new HashSet<>();
		boolean clear = true;
		int closed = 0;
		int depth = 0;
		int searched = 0;
		while (header.find()) {
			int before = this.valueTags.count(written, searched, header.start());
			closed += before;
			depth += 1 - before;
			// an end tag and then a parameter: this one ended before
			this.broken |= depth < 1;
			searched = header.end();
			String other = header.group("key");
			Boolean known = this.reader.hasParameter(this.name, other);
			boolean beginsLine = XmlValueTags.beginsLine(written, header.start());
			if (beginsLine || !Boolean.FALSE.equals(known)) {
				opened.add(new int[] { header.start(), header.end() });
				clear &= beginsLine && Boolean.TRUE.equals(known) && !other.equals(this.key) && seen.add(other)
						&& !this.arguments.has(other);
				keys.add(other);
			}
		}
		closed += this.valueTags.count(written, searched, written.length());
		this.broken |= this.valueTags.containsCall(written) || this.valueTags.containsHalfHeader(this.name, written);
		if (opened.size() <= closed) {
			addValue(this.key, written, this.isString);
			return;
		}
		this.broken |= !clear || closed > 0;
		if (this.broken) {
			return;
		}
		int begin = 0;
		String current = this.key;
		for (int i = 0; i < opened.size(); i++) {
			String value = written.substring(begin, opened.get(i)[0]).stripTrailing();
			// part of an end tag is no value
			this.broken |= this.valueTags.endsWithPart(value);
			addValue(current, value, null);
			begin = opened.get(i)[1];
			current = keys.get(i);
		}
		addValue(current, written.substring(begin), null);
	}

	private void addValue(String parameter, String written, @Nullable Boolean string) {
		String value = written;
		Boolean known = string;
		if (this.tags.padded()) {
			value = value.startsWith("\n") ? value.substring(1) : value;
			value = value.endsWith("\n") ? value.substring(0, value.length() - 1) : value;
		}
		String quote = this.syntax.quote();
		if (!quote.isEmpty() && (value.startsWith(quote) || value.endsWith(CDATA_END))) {
			boolean whole = value.startsWith(quote) && value.endsWith(CDATA_END);
			this.broken |= !whole;
			value = whole ? value.substring(quote.length(), value.length() - CDATA_END.length()) : value;
			known = true;
		}
		JsonNode node = this.reader.untyped(this.name, parameter, value, known);
		JsonNode before = this.arguments.get(parameter);
		this.broken |= before != null && !before.equals(node);
		this.arguments.set(parameter, node);
	}

	/**
	 * A value without end tag at the end of the answer: it ends before the tags that
	 * close the call, if these are the last thing that was said, and the only such tags.
	 */
	private int unclosed(CharSequence text, Ending ending) {
		String rest = text.subSequence(this.valueBegin, text.length()).toString();
		int close = rest.indexOf(this.syntax.callEnd());
		if (close < 0 || ending == Ending.CUT) {
			return fail(text.length());
		}
		String tail = rest.substring(close + this.syntax.callEnd().length()).strip();
		String written = rest.substring(0, close);
		boolean closed = tail.equals(this.syntax.end()) || !this.wrapped && tail.isEmpty();
		if (!closed || written.contains(this.syntax.callBegin()) || written.contains(this.tags.parameterEnd())
				|| !this.syntax.end().isEmpty() && written.contains(this.syntax.end())
				|| this.valueTags.endsWithPart(written)) {
			return fail(text.length());
		}
		addValues(written.stripTrailing());
		endCall(text.length());
		return 0;
	}

	/** What comes next. */
	private enum State {

		BEGIN, CALL, PARAMETER, VALUE

	}

}
