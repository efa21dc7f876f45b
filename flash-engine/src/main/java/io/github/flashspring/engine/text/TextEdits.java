package io.github.flashspring.engine.text;

import java.util.Map;
import java.util.TreeMap;

/**
 * Collects changes of a text and makes them all at once.
 */
final class TextEdits {

	/** By where it begins: what to change. */
	private final TreeMap<Integer, Edit> edits = new TreeMap<>();

	/**
	 * Adds a change; of several that begin at one place, the texts follow one another.
	 * @param from where it begins
	 * @param to where the text goes on
	 * @param text what stands there instead
	 */
	void add(int from, int to, String text) {
		Edit before = this.edits.get(from);
		this.edits.put(from, (before != null) ? new Edit(to, before.text() + text) : new Edit(to, text));
	}

	String applyTo(String text) {
		StringBuilder edited = new StringBuilder(text.length() + 256);
		int at = 0;
		for (Map.Entry<Integer, Edit> edit : this.edits.entrySet()) {
			edited.append(text, at, edit.getKey()).append(edit.getValue().text());
			at = edit.getValue().to();
		}
		return edited.append(text, at, text.length()).toString();
	}

	/**
	 * A change of the text up to an index.
	 */
	private record Edit(int to, String text) {

	}

}
