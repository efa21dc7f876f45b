package io.github.flashspring.engine.generate;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Looks for texts that end a generation in text that arrives in pieces. The one that is
 * complete first counts, so that pieces make no difference; of several that end at the
 * same place, the longest. Text that may be the beginning of one is held back until that
 * is decided. One instance serves one generation.
 *
 * @see <a href="https://doi.org/10.1145/360825.360855">Aho, Corasick: Efficient String
 * Matching</a>
 */
public final class StopSequences {

	/** How many a request may have: some eight times as many as other servers allow. */
	public static final int MAX_COUNT = 64;

	/** Characters that each of them may have. */
	public static final int MAX_LENGTH = 512;

	private final Node root = new Node(0);

	/** The longest beginning of a sequence with which the text so far ends. */
	private Node state = this.root;

	private final StringBuilder held = new StringBuilder();

	private boolean found;

	/**
	 * Looks for sequences.
	 * @param sequences none of them empty
	 * @throws IllegalArgumentException if they break a limit
	 */
	public StopSequences(List<String> sequences) {
		validate("stopSequences", sequences);
		sequences.forEach(this::add);
		linkSuffixes();
	}

	/**
	 * Checks the limits: {@value #MAX_COUNT} sequences of 1 to {@value #MAX_LENGTH}
	 * characters.
	 * @param field named in the error
	 * @param sequences texts
	 * @throws IllegalArgumentException if they break a limit
	 */
	public static void validate(String field, List<String> sequences) {
		if (sequences.size() > MAX_COUNT) {
			throw new IllegalArgumentException(
					"%s must have at most %d entries, but has %d".formatted(field, MAX_COUNT, sequences.size()));
		}
		for (int i = 0; i < sequences.size(); i++) {
			int length = sequences.get(i).length();
			if (length == 0) {
				throw new IllegalArgumentException("%s must not contain an empty text".formatted(field));
			}
			if (length > MAX_LENGTH) {
				throw new IllegalArgumentException(
						"%s[%d] must have at most %d characters, but has %d".formatted(field, i, MAX_LENGTH, length));
			}
		}
	}

	private void add(String sequence) {
		Node node = this.root;
		for (int i = 0; i < sequence.length(); i++) {
			Node parent = node;
			node = parent.next.computeIfAbsent(sequence.charAt(i), (_) -> new Node(parent.depth + 1));
		}
		node.longestMatch = node.depth;
	}

	/** Breadth first, so that the shorter suffixes of a node are linked before it. */
	private void linkSuffixes() {
		Deque<Node> queue = new ArrayDeque<>(List.of(this.root));
		while (!queue.isEmpty()) {
			Node node = queue.removeFirst();
			node.next.forEach((character, child) -> {
				child.suffix = (node == this.root) ? this.root : step(node.suffix, character);
				child.longestMatch = Math.max(child.longestMatch, child.suffix.longestMatch);
				queue.addLast(child);
			});
		}
	}

	private Node step(Node from, char character) {
		Node node = from;
		while (true) {
			Node child = node.next.get(character);
			if (child != null) {
				return child;
			}
			if (node == this.root) {
				return node;
			}
			node = node.suffix;
		}
	}

	/**
	 * Takes the next piece.
	 * @param piece text
	 * @return text that can be emitted
	 */
	public String append(String piece) {
		if (this.root.next.isEmpty()) {
			return piece;
		}
		if (this.found) {
			return "";
		}
		for (int i = 0; i < piece.length(); i++) {
			this.held.append(piece.charAt(i));
			this.state = step(this.state, piece.charAt(i));
			if (this.state.longestMatch > 0) {
				this.found = true;
				return this.held.substring(0, this.held.length() - this.state.longestMatch);
			}
		}
		int safe = this.held.length() - this.state.depth;
		String text = this.held.substring(0, safe);
		this.held.delete(0, safe);
		return text;
	}

	/**
	 * Whether a sequence has appeared.
	 * @return true from then on
	 */
	public boolean found() {
		return this.found;
	}

	/**
	 * The text held back, when the text ends here or something else comes between it and
	 * what follows: no sequence spans that.
	 * @return text that can be emitted
	 */
	public String flush() {
		String text = this.found ? "" : this.held.toString();
		this.held.setLength(0);
		this.state = this.root;
		return text;
	}

	/** A beginning of sequences. */
	private static final class Node {

		private final int depth;

		private final Map<Character, Node> next = new HashMap<>(2);

		/** The longest end of this beginning that begins a sequence too. */
		private Node suffix = this;

		/** Length of the longest sequence with which this ends; 0: none. */
		private int longestMatch;

		private Node(int depth) {
			this.depth = depth;
		}

	}

}
