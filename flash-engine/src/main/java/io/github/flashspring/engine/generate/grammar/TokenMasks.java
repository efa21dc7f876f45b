package io.github.flashspring.engine.generate.grammar;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The tokens that a program admits at each of its states, found by walking the trie of
 * the vocabulary and kept for the next time. States and the steps between them are kept
 * too, so that a walk is mostly one array access per node (a lazily built automaton, as
 * in RE2). When the memory is used up, everything is forgotten. Thread-safe.
 * <p>
 * Where a state admits any text but for some bytes, and stays the same state, subtrees
 * without those bytes are taken as a whole: reasoning, free answers and texts of a
 * pattern admit nearly all of a vocabulary.
 * <p>
 * CPU time of a mask that is not known yet, on one core of a shared machine: 0.2 to 0.5
 * ms in reasoning, free text and patterns with a vocabulary of 152k tokens (333,000
 * nodes). A known one takes 0.001 ms.
 */
final class TokenMasks {

	private static final Logger logger = LoggerFactory.getLogger(TokenMasks.class);

	private static final int NODE_BYTES = 256 * 4 + 16;

	/** Nodes of a subtree that are worth finding out about a state. */
	private static final int MIN_SUBTREE = 64;

	private final TokenVocabulary vocabulary;

	private final long maxBytes;

	private final MaskCounters counters;

	private final Node dead;

	private final ReentrantLock lock = new ReentrantLock();

	private Map<Automaton, Node> nodes = new HashMap<>();

	private final Map<Automaton, long[]> masks = new HashMap<>();

	private long bytes;

	/**
	 * Makes an empty cache.
	 * @param vocabulary the tokens
	 * @param maxBytes memory that it may use
	 * @param counters count the masks
	 */
	TokenMasks(TokenVocabulary vocabulary, long maxBytes, MaskCounters counters) {
		this.vocabulary = vocabulary;
		this.maxBytes = maxBytes;
		this.counters = counters;
		this.dead = new Node(null);
	}

	/**
	 * The tokens that may follow.
	 * @param at a state
	 * @return a bit for each token, not to be changed; a token is admitted if all its
	 * bytes are
	 */
	long[] admitted(Automaton at) {
		return mask(at, true);
	}

	private long[] mask(Automaton at, boolean used) {
		Automaton clamped = at.clamp(this.vocabulary.maxBytes());
		this.lock.lock();
		try {
			long[] mask = this.masks.get(clamped);
			if (used) {
				this.counters.used(mask != null);
			}
			if (mask == null) {
				long began = System.nanoTime();
				mask = compute(clamped);
				this.counters.computed(System.nanoTime() - began);
				trim(8L * mask.length + clamped.memoryBytes() + 64);
				this.masks.put(clamped, mask);
			}
			return mask;
		}
		finally {
			this.lock.unlock();
		}
	}

	/** Computes a mask ahead. What fails will fail again when the mask is needed. */
	void prepare(Automaton at) {
		try {
			mask(at, false);
		}
		catch (GrammarException ex) {
			logger.debug("A mask cannot be computed ahead", ex);
		}
	}

	private long[] compute(Automaton at) {
		int characters = at.jsonCharacters();
		if (characters > 0) {
			long[] mask = new long[this.vocabulary.words()];
			this.vocabulary.addPlain(characters, mask);
			walk(this.vocabulary.other(), at).addTo(mask);
			return mask;
		}
		Ranges admitted = walk(this.vocabulary.all(), at);
		if (2 * admitted.total <= this.vocabulary.all().tokens().length) {
			long[] mask = new long[this.vocabulary.words()];
			admitted.addTo(mask);
			return mask;
		}
		long[] mask = this.vocabulary.every();
		admitted.removeOthersFrom(mask);
		return mask;
	}

	/** The trie without plain characters is so small that nothing is found out. */
	private Ranges walk(TokenTrie trie, Automaton from) {
		byte[] labels = trie.labels();
		short[] depths = trie.depths();
		int[] firsts = trie.firsts();
		int[] skips = trie.skips();
		Node[] path = new Node[trie.maxDepth() + 1];
		path[0] = node(from);
		Ranges admitted = new Ranges(trie);
		boolean isAll = trie == this.vocabulary.all();
		int at = 0;
		while (at < labels.length) {
			int depth = depths[at];
			Node state = path[depth];
			if (state.outside != null && (state.bytes || !Utf8.isContinuation(labels[at]))
					&& !TokenTrie.isAny(state.outside, at, skips[at])) {
				admitted.add(firsts[at], firsts[skips[at]]);
				at = skips[at];
				continue;
			}
			Node next = follow(state, labels[at] & 0xff);
			if (next == this.dead) {
				at = skips[at];
				continue;
			}
			if (next == state && !state.examined && isAll && skips[at] - at >= MIN_SUBTREE) {
				examine(state, trie);
			}
			path[depth + 1] = next;
			// The tokens at a node come before those of its first child.
			admitted.add(firsts[at], firsts[at + 1]);
			at++;
		}
		return admitted;
	}

	/**
	 * Finds out whether any byte or any character but some of ASCII leads from a state
	 * back to it.
	 */
	private void examine(Node state, TokenTrie trie) {
		state.examined = true;
		if (8L * trie.words() > this.maxBytes / 4 || !isText(state)) {
			return;
		}
		boolean[] stays = new boolean[256];
		state.bytes = true;
		for (int value = 0; value < stays.length; value++) {
			stays[value] = follow(state, value) == state;
			state.bytes &= stays[value] || value < Utf8.ASCII || value == TokenVocabulary.SPECIAL;
		}
		if (!state.bytes) {
			Arrays.fill(stays, Utf8.ASCII, stays.length, true);
		}
		this.bytes += 8L * trie.words();
		state.outside = trie.nodesOutside(stays, !state.bytes);
	}

	private boolean isText(Node state) {
		for (int[] sequence : Utf8.SEQUENCES) {
			if (!isText(state, state, sequence, 0)) {
				return false;
			}
		}
		return true;
	}

	private boolean isText(Node text, Node at, int[] sequence, int from) {
		if (from == sequence.length) {
			return at == text;
		}
		Node last = null;
		for (int value = sequence[from]; value <= sequence[from + 1]; value++) {
			Node next = follow(at, value);
			if (next != last && (next == this.dead || !isText(text, next, sequence, from + 2))) {
				return false;
			}
			last = next;
		}
		return true;
	}

	private Node follow(Node from, int value) {
		Node next = from.next(value);
		return (next != null) ? next : step(from, value);
	}

	private Node step(Node from, int value) {
		Automaton next = from.automaton().step(value);
		Node node = next.isDead() ? this.dead : node(next);
		this.bytes += from.set(value, node);
		return node;
	}

	private Node node(Automaton at) {
		Node node = this.nodes.get(at);
		if (node == null) {
			trim(at.memoryBytes() + 64);
			node = new Node(at);
			this.nodes.put(at, node);
		}
		return node;
	}

	/** Makes room. A walk that goes on holds what it needs. */
	private void trim(long more) {
		if (this.bytes + more > this.maxBytes) {
			this.nodes = new HashMap<>();
			this.masks.clear();
			this.bytes = 0;
		}
		this.bytes += more;
	}

	/** Tokens by their places in the order of a trie, as ranges. */
	private static final class Ranges {

		private final int[] tokens;

		private int[] bounds = new int[64];

		private int size;

		private int total;

		Ranges(TokenTrie trie) {
			this.tokens = trie.tokens();
		}

		/** Adds a range behind all others. */
		void add(int from, int to) {
			if (from == to) {
				return;
			}
			this.total += to - from;
			if (this.size > 0 && this.bounds[this.size - 1] == from) {
				this.bounds[this.size - 1] = to;
				return;
			}
			if (this.size == this.bounds.length) {
				this.bounds = Arrays.copyOf(this.bounds, 2 * this.size);
			}
			this.bounds[this.size++] = from;
			this.bounds[this.size++] = to;
		}

		void addTo(long[] mask) {
			for (int i = 0; i < this.size; i += 2) {
				for (int place = this.bounds[i]; place < this.bounds[i + 1]; place++) {
					mask[this.tokens[place] >> 6] |= 1L << this.tokens[place];
				}
			}
		}

		void removeOthersFrom(long[] mask) {
			int from = 0;
			for (int i = 0; i <= this.size; i += 2) {
				int to = (i < this.size) ? this.bounds[i] : this.tokens.length;
				for (int place = from; place < to; place++) {
					mask[this.tokens[place] >> 6] &= ~(1L << this.tokens[place]);
				}
				from = (i < this.size) ? this.bounds[i + 1] : to;
			}
		}

	}

	/** A state, and where each byte leads from it. */
	private static final class Node {

		private final @Nullable Automaton automaton;

		private Node @Nullable [] next;

		/** Whether it is known if this is a text. */
		private boolean examined;

		/** Whether single bytes lead back to this state, and not only characters. */
		private boolean bytes;

		/**
		 * A bit for each node of the trie that does not lead back to this state; null if
		 * this is not known, or if that is not a matter of single characters of ASCII.
		 */
		private long @Nullable [] outside;

		Node(@Nullable Automaton automaton) {
			this.automaton = automaton;
		}

		Automaton automaton() {
			if (this.automaton == null) {
				throw new IllegalStateException("Nothing follows a dead state");
			}
			return this.automaton;
		}

		@Nullable Node next(int value) {
			return (this.next != null) ? this.next[value] : null;
		}

		/** Notes a step; the memory that this took. */
		int set(int value, Node node) {
			int more = 0;
			if (this.next == null) {
				this.next = new Node[256];
				more = NODE_BYTES;
			}
			this.next[value] = node;
			return more;
		}

	}

}
