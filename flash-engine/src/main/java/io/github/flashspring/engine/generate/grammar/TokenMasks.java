package io.github.flashspring.engine.generate.grammar;

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
 * Measured on one core of a shared Xeon: a mask that is not known yet takes 0.03 to 0.5
 * ms for a vocabulary of 32k tokens and 0.01 to 0.35 ms for one of 256k (580,000 nodes),
 * in JSON texts 0.05 ms, because all but 15,000 nodes are plain characters. A known one
 * takes 0.001 ms. Reasoning before an answer is the exception: as it admits nearly
 * everything, its few states take 2.5 to 7 ms each for 256k, once.
 */
final class TokenMasks {

	private static final Logger logger = LoggerFactory.getLogger(TokenMasks.class);

	private static final int NODE_BYTES = 256 * 4 + 16;

	private final TokenVocabulary vocabulary;

	private final long maxBytes;

	private final Node dead;

	private final ReentrantLock lock = new ReentrantLock();

	private Map<Automaton, Node> nodes = new HashMap<>();

	private final Map<Automaton, long[]> masks = new HashMap<>();

	private long bytes;

	/**
	 * Makes an empty cache.
	 * @param vocabulary the tokens
	 * @param maxBytes memory that it may use
	 */
	TokenMasks(TokenVocabulary vocabulary, long maxBytes) {
		this.vocabulary = vocabulary;
		this.maxBytes = maxBytes;
		this.dead = new Node(null);
	}

	/**
	 * The tokens that may follow.
	 * @param at a state
	 * @return a bit for each token, not to be changed; a token is admitted if all its
	 * bytes are
	 */
	long[] admitted(Automaton at) {
		Automaton clamped = at.clamp(this.vocabulary.maxBytes());
		this.lock.lock();
		try {
			long[] mask = this.masks.get(clamped);
			if (mask == null) {
				mask = compute(clamped);
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
			admitted(at);
		}
		catch (GrammarException ex) {
			logger.debug("A mask cannot be computed ahead", ex);
		}
	}

	private long[] compute(Automaton at) {
		long[] mask = new long[this.vocabulary.words()];
		int characters = at.jsonCharacters();
		if (characters > 0) {
			this.vocabulary.addPlain(characters, mask);
			walk(this.vocabulary.other(), at, mask);
		}
		else {
			walk(this.vocabulary.all(), at, mask);
		}
		return mask;
	}

	private void walk(TokenTrie trie, Automaton from, long[] mask) {
		byte[] labels = trie.labels();
		short[] depths = trie.depths();
		int[] firsts = trie.firsts();
		int[] skips = trie.skips();
		Node[] path = new Node[trie.maxDepth() + 1];
		path[0] = node(from);
		int at = 0;
		while (at < labels.length) {
			int depth = depths[at];
			Node next = path[depth].next(labels[at] & 0xff);
			if (next == null) {
				next = step(path[depth], labels[at] & 0xff);
			}
			if (next == this.dead) {
				at = skips[at];
				continue;
			}
			path[depth + 1] = next;
			// The tokens at a node come before those of its first child.
			int end = firsts[at + 1];
			for (int i = firsts[at]; i < end; i++) {
				int token = trie.tokens()[i];
				mask[token >> 6] |= 1L << token;
			}
			at++;
		}
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

	/** A state, and where each byte leads from it. */
	private static final class Node {

		private final @Nullable Automaton automaton;

		private Node @Nullable [] next;

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
