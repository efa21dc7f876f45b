package io.github.flashspring.engine.generate.grammar;

import java.util.Arrays;
import java.util.BitSet;

/**
 * Tokens by their bytes, as a prefix tree in preorder: a node's descendants follow it, so
 * that a walk goes forward through arrays and skips what is not admitted.
 *
 * @param labels [nodes]; last byte of each node
 * @param depths [nodes]; bytes before the last
 * @param skips [nodes]; the next node that is no descendant
 * @param firsts [nodes + 1]; index of the first token at the node or below
 * @param tokens ids in the order of the nodes
 * @param maxDepth most bytes of a token
 * @param malformed a bit for each node that is malformed in UTF-8 behind its ancestors
 * @param byLabel [nodes]; nodes by their labels, unsigned
 * @param labelStarts [257]; where the nodes of each label begin
 */
record TokenTrie(byte[] labels, short[] depths, int[] skips, int[] firsts, int[] tokens, int maxDepth, long[] malformed,
		int[] byLabel, int[] labelStarts) {

	/**
	 * Builds a trie.
	 * @param blob the bytes of all tokens
	 * @param offsets where each begins, and the end
	 * @param sorted ids in the order of their bytes, none of them empty
	 * @return the trie
	 */
	static TokenTrie of(byte[] blob, int[] offsets, int[] sorted) {
		byte[] labels = new byte[256];
		short[] depths = new short[256];
		int[] skips = new int[256];
		int[] firsts = new int[257];
		int nodes = 0;
		int maxDepth = 0;
		BitSet malformed = new BitSet();
		int[] path = new int[1 + Short.MAX_VALUE];
		int[] states = new int[1 + Short.MAX_VALUE];
		int pathLength = 0;
		int from = 0;
		for (int i = 0; i < sorted.length; i++) {
			int begin = offsets[sorted[i]];
			int length = offsets[sorted[i] + 1] - begin;
			maxDepth = Math.max(maxDepth, length);
			int shared = Arrays.mismatch(blob, from, from + pathLength, blob, begin, begin + length);
			if (shared < 0) {
				continue;
			}
			for (int depth = shared; depth < pathLength; depth++) {
				skips[path[depth]] = nodes;
			}
			for (int depth = shared; depth < length; depth++) {
				if (nodes == labels.length) {
					labels = Arrays.copyOf(labels, 2 * nodes);
					depths = Arrays.copyOf(depths, 2 * nodes);
					skips = Arrays.copyOf(skips, 2 * nodes);
					firsts = Arrays.copyOf(firsts, 2 * nodes + 1);
				}
				labels[nodes] = blob[begin + depth];
				depths[nodes] = (short) depth;
				firsts[nodes] = i;
				int state = Utf8.next(states[depth], labels[nodes]);
				malformed.set(nodes, state < 0);
				states[depth + 1] = (state < 0) ? ~state : state;
				path[depth] = nodes++;
			}
			pathLength = length;
			from = begin;
		}
		for (int depth = 0; depth < pathLength; depth++) {
			skips[path[depth]] = nodes;
		}
		firsts[nodes] = sorted.length;
		int[] labelStarts = new int[257];
		for (int node = 0; node < nodes; node++) {
			labelStarts[(labels[node] & 0xff) + 1]++;
		}
		Arrays.parallelPrefix(labelStarts, Integer::sum);
		int[] next = labelStarts.clone();
		int[] byLabel = new int[nodes];
		for (int node = 0; node < nodes; node++) {
			byLabel[next[labels[node] & 0xff]++] = node;
		}
		return new TokenTrie(Arrays.copyOf(labels, nodes), Arrays.copyOf(depths, nodes), Arrays.copyOf(skips, nodes),
				Arrays.copyOf(firsts, nodes + 1), sorted, maxDepth,
				Arrays.copyOf(malformed.toLongArray(), (nodes + 63) >> 6), byLabel, labelStarts);
	}

	int nodes() {
		return this.labels.length;
	}

	/** Words of a set of nodes. */
	int words() {
		return (nodes() + 63) >> 6;
	}

	/**
	 * Nodes with which a text ends.
	 * @param inside [256]; bytes that the text may have
	 * @param wellFormed whether they must be characters
	 * @return a bit for each node
	 */
	long[] nodesOutside(boolean[] inside, boolean wellFormed) {
		long[] nodes = wellFormed ? this.malformed.clone() : new long[words()];
		for (int value = 0; value < inside.length; value++) {
			if (!inside[value]) {
				for (int i = this.labelStarts[value]; i < this.labelStarts[value + 1]; i++) {
					nodes[this.byLabel[i] >> 6] |= 1L << this.byLabel[i];
				}
			}
		}
		return nodes;
	}

	/** Whether a set has any of these nodes. */
	static boolean isAny(long[] nodes, int from, int to) {
		int first = from >> 6;
		int last = (to - 1) >> 6;
		long head = nodes[first] & -1L << from;
		long tail = -1L >>> -to;
		if (first == last) {
			return (head & tail) != 0;
		}
		if (head != 0 || (nodes[last] & tail) != 0) {
			return true;
		}
		for (int i = first + 1; i < last; i++) {
			if (nodes[i] != 0) {
				return true;
			}
		}
		return false;
	}

	long memoryBytes() {
		return 15L * nodes() + 4L * this.tokens.length + 8L * words();
	}

}
