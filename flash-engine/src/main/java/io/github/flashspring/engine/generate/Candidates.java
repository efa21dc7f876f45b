package io.github.flashspring.engine.generate;

import java.util.Arrays;

/**
 * Tokens in the order of their logits, the highest first and equal ones by rising id.
 * Only as many are sorted as are asked for: sorting all of a vocabulary of 128,256 takes
 * some 8 ms, a tenth of the time of a token of a model of 1 billion weights.
 */
final class Candidates {

	private static final int FIRST = 256;

	private static final int GROWTH = 8;

	private final long[] keys;

	private final int count;

	private int sorted;

	/**
	 * Takes the tokens whose logits are not below a bound.
	 * @param logits [vocab]
	 * @param floor the bound
	 */
	Candidates(float[] logits, double floor) {
		long[] keys = new long[64];
		int count = 0;
		for (int i = 0; i < logits.length; i++) {
			if (logits[i] >= floor) {
				if (count == keys.length) {
					keys = Arrays.copyOf(keys, 2 * count);
				}
				keys[count++] = key(logits[i], i);
			}
		}
		this.keys = keys;
		this.count = count;
	}

	/** Number of tokens. */
	int count() {
		return this.count;
	}

	/**
	 * A token.
	 * @param rank its place, from 0 on
	 * @return the id
	 */
	int token(int rank) {
		while (rank >= this.sorted) {
			sortMore(Math.max(FIRST, GROWTH * this.sorted));
		}
		return (int) this.keys[rank];
	}

	/** Sorts at least the lowest {@code wanted} keys. */
	private void sortMore(int wanted) {
		int from = this.sorted;
		int end = this.count;
		if (wanted < this.count) {
			int bound = bucketOf(from, wanted);
			end = from;
			for (int i = from; i < this.count; i++) {
				long key = this.keys[i];
				if (bucket(key) <= bound) {
					this.keys[i] = this.keys[end];
					this.keys[end++] = key;
				}
			}
		}
		Arrays.sort(this.keys, from, end);
		this.sorted = end;
	}

	/** The bucket in which the key of a rank lies. */
	private int bucketOf(int from, int rank) {
		int[] counts = new int[1 << Short.SIZE];
		for (int i = from; i < this.count; i++) {
			counts[bucket(this.keys[i])]++;
		}
		int bucket = 0;
		for (int below = from + counts[0]; below < rank; below += counts[bucket]) {
			bucket++;
		}
		return bucket;
	}

	private static int bucket(long key) {
		return (int) (key >> 48) - Short.MIN_VALUE;
	}

	/** Orders by falling logit, then by rising id. */
	private static long key(float logit, int token) {
		int bits = Float.floatToIntBits(logit + 0f);
		int ascending = (bits < 0) ? ~bits ^ Integer.MIN_VALUE : bits;
		return ((long) ~ascending << 32) | token;
	}

}
