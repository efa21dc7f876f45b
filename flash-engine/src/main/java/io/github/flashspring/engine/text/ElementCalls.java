package io.github.flashspring.engine.text;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Calls whose arguments are elements that are named as they are, one within another for
 * objects and arrays, as MiniMax M3 writes them with a token before each tag:
 * {@code <invoke name="plan"><stops><item>Rome</item></stops></invoke>}.
 */
final class ElementCalls extends CallBody {

	/** Longer tags are none. */
	private static final int MAX_TAG = 300;

	private static final int MAX_NESTED = 100;

	private static final String ITEM = "item";

	private final ToolSyntax syntax;

	/** What stands before each tag. */
	private final String prefix;

	private final Pattern header;

	private final Pattern open;

	private final ToolCallReader reader;

	private boolean begun;

	private @Nullable String name;

	/** Elements that are open, from the arguments on. */
	private final List<Element> elements = new ArrayList<>();

	/**
	 * A reader.
	 * @param syntax how the model writes calls
	 * @param reader makes calls
	 * @param begin where the first tag stands
	 */
	ElementCalls(ToolSyntax syntax, ToolCallReader reader, int begin) {
		this.syntax = syntax;
		this.prefix = syntax.quote();
		this.reader = reader;
		this.position = begin;
		String quoted = Pattern.quote(this.prefix);
		this.header = Pattern.compile(quoted + "<invoke\\s+name=\"(?<name>[^\"\\n]+)\"\\s*>");
		this.open = Pattern.compile(quoted + "<(?<key>[^/<>\"=\\s][^<>\"=\\s]*)>");
	}

	@Override
	protected int step(StringBuilder text, Ending ending) {
		if (!this.begun) {
			int match = PartialMatch.match(text, this.position, this.syntax.begin(), ending.isLast());
			if (match < 0) {
				return MORE;
			}
			this.position += (match > 0) ? this.syntax.begin().length() : 0;
			this.begun = true;
		}
		return (this.name == null) ? call(text, ending) : element(text, ending);
	}

	private int call(CharSequence text, Ending ending) {
		this.position = skipSpace(text, this.position);
		boolean read = this.broken || !this.calls.isEmpty();
		if (this.position == text.length()) {
			return ending.isLast() ? end(text.length()) : MORE;
		}
		int match = read ? PartialMatch.match(text, this.position, this.syntax.end(), ending.isLast()) : 0;
		if (match != 0) {
			return (match < 0) ? MORE : end(this.position + this.syntax.end().length());
		}
		Matcher matcher = tag(this.header, text);
		if (!matcher.lookingAt()) {
			return mayGrow(matcher, text, ending) ? MORE : read ? end(this.callsEnd) : fail(this.position);
		}
		String called = matcher.group("name");
		this.name = called;
		this.elements.clear();
		this.elements.add(new Element("", this.reader.parameters(called)));
		this.position = matcher.end();
		return 0;
	}

	private Matcher tag(Pattern pattern, CharSequence text) {
		return pattern.matcher(text).region(this.position, Math.min(text.length(), this.position + MAX_TAG));
	}

	private static boolean mayGrow(Matcher tag, CharSequence text, Ending ending) {
		return tag.hitEnd() && tag.regionEnd() == text.length() && !ending.isLast();
	}

	/** Reads up to the next tag, and the tag. */
	private int element(StringBuilder text, Ending ending) {
		Element current = this.elements.getLast();
		int at = text.indexOf(this.prefix, Math.max(this.position, current.searched));
		if (at < 0) {
			current.searched = Math.max(this.position, text.length() - this.prefix.length() + 1);
			return ending.isLast() ? fail(text.length()) : MORE;
		}
		String written = text.substring(this.position, at);
		if (!written.isBlank() && (this.elements.size() == 1 || current.value != null)) {
			return fail(at);
		}
		boolean outer = this.elements.size() == 1;
		String close = outer ? this.syntax.callEnd() : this.prefix + "</" + current.key + ">";
		int match = PartialMatch.match(text, at, close, ending.isLast());
		if (match < 0) {
			return MORE;
		}
		if (match > 0) {
			this.position = at + close.length();
			close(current, written);
			return 0;
		}
		int before = this.position;
		this.position = at;
		Matcher matcher = tag(this.open, text);
		if (!matcher.lookingAt() || this.elements.size() > MAX_NESTED || !written.isBlank()) {
			boolean growing = mayGrow(matcher, text, ending);
			this.position = growing ? before : at;
			return growing ? MORE : fail(at);
		}
		if (current.value == null) {
			current.open(matcher.group("key"));
		}
		this.elements.add(new Element(matcher.group("key"), current.child(matcher.group("key"))));
		this.position = matcher.end();
		return 0;
	}

	private void close(Element closed, String written) {
		this.elements.removeLast();
		JsonNode value = closed.value;
		if (this.elements.isEmpty()) {
			ObjectNode arguments = (value instanceof ObjectNode object) ? object : ModelFiles.JSON.createObjectNode();
			add(this.broken ? null : this.reader.call(String.valueOf(this.name), null, arguments));
			this.broken |= value instanceof ArrayNode;
			this.name = null;
			this.callsEnd = this.position;
			return;
		}
		this.broken |= !this.elements.getLast().add(closed.key, (value != null) ? value : closed.place.value(written));
	}

	/** An element whose end has not come. */
	private static final class Element {

		private final String key;

		private final SchemaPlace place;

		/** An object or array, null: a text until now. */
		private @Nullable JsonNode value;

		private int searched;

		Element(String key, SchemaPlace place) {
			this.key = key;
			this.place = place;
		}

		/** Begins with the first element within it. */
		void open(String first) {
			boolean array = first.equals(ITEM) && !this.key.isEmpty() && !this.place.isObject();
			this.value = array ? ModelFiles.JSON.createArrayNode() : ModelFiles.JSON.createObjectNode();
		}

		SchemaPlace child(String name) {
			return (this.value instanceof ArrayNode) ? this.place.item() : this.place.property(name);
		}

		/** Adds a value: false if it has no place here. */
		boolean add(String name, JsonNode child) {
			if (this.value instanceof ArrayNode array) {
				array.add(child);
				return name.equals(ITEM);
			}
			if (this.value instanceof ObjectNode object && !object.has(name)) {
				object.set(name, child);
				return true;
			}
			return false;
		}

	}

}
