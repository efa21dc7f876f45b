package io.github.flashspring.engine.generate.grammar;

import java.util.Arrays;

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
 */
record TokenTrie(byte[] labels, short[] depths, int[] skips, int[] firsts, int[] tokens, int maxDepth) {

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
		int[] path = new int[1 + Short.MAX_VALUE];
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
				path[depth] = nodes++;
			}
			pathLength = length;
			from = begin;
		}
		for (int depth = 0; depth < pathLength; depth++) {
			skips[path[depth]] = nodes;
		}
		firsts[nodes] = sorted.length;
		return new TokenTrie(Arrays.copyOf(labels, nodes), Arrays.copyOf(depths, nodes), Arrays.copyOf(skips, nodes),
				Arrays.copyOf(firsts, nodes + 1), sorted, maxDepth);
	}

	int nodes() {
		return this.labels.length;
	}

	long memoryBytes() {
		return 11L * nodes() + 4L * this.tokens.length;
	}

}
