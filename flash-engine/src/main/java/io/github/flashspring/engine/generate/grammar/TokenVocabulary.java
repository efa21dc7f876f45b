package io.github.flashspring.engine.generate.grammar;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * What each token writes, arranged for masks: a trie of all tokens, and apart from it
 * those that are plain characters of a JSON string, of which nearly all vocabularies
 * consist. Immutable.
 */
public final class TokenVocabulary {

	/**
	 * Stands before the text of special tokens. It is no byte of UTF-8, so that no text
	 * of a grammar admits a special token.
	 */
	static final int SPECIAL = 0xff;

	/** Longer tokens are never admitted. */
	private static final int MAX_BYTES = 1024;

	/** Numbers of characters that have a mask of their own. */
	private static final int SLICES = 16;

	private final int size;

	private final byte[] blob;

	private final int[] offsets;

	private final TokenTrie all;

	/** Tokens that are not plain characters of a JSON string. */
	private final TokenTrie other;

	private final long[] every;

	/** [characters]; tokens of at most so many plain characters. */
	private final long[][] plain;

	/** Plain tokens of more characters than there are slices, by rising number. */
	private final int[] longPlain;

	private final int[] longCharacters;

	/**
	 * Arranges tokens.
	 * @param tokens [vocab]; the bytes that each token writes, which {@link #isText are
	 * text}, {@link #specialBytes} for special tokens, null for those that must not be
	 * admitted
	 */
	public TokenVocabulary(List<byte @Nullable []> tokens) {
		this.size = tokens.size();
		this.offsets = new int[this.size + 1];
		int total = 0;
		for (int id = 0; id < this.size; id++) {
			byte[] token = tokens.get(id);
			total += (token != null && token.length <= MAX_BYTES) ? token.length : 0;
			this.offsets[id + 1] = total;
		}
		this.blob = new byte[total];
		List<Integer> ids = new ArrayList<>();
		for (int id = 0; id < this.size; id++) {
			byte[] token = tokens.get(id);
			if (token != null && token.length > 0 && token.length <= MAX_BYTES) {
				System.arraycopy(token, 0, this.blob, this.offsets[id], token.length);
				ids.add(id);
			}
		}
		ids.sort((a, b) -> Arrays.compareUnsigned(this.blob, this.offsets[a], this.offsets[a + 1], this.blob,
				this.offsets[b], this.offsets[b + 1]));
		int[] characters = new int[this.size];
		for (int id : ids) {
			characters[id] = plainCharacters(this.blob, this.offsets[id], this.offsets[id + 1]);
		}
		this.all = trie(ids);
		this.other = trie(ids.stream().filter((id) -> characters[id] < 0).toList());
		this.every = new long[words()];
		ids.forEach((id) -> this.every[id >> 6] |= 1L << id);
		List<Integer> plainIds = ids.stream().filter((id) -> characters[id] > 0).toList();
		this.plain = new long[SLICES + 1][];
		for (int count = 0; count <= SLICES; count++) {
			this.plain[count] = new long[words()];
			for (int id : plainIds) {
				if (characters[id] <= count) {
					this.plain[count][id >> 6] |= 1L << id;
				}
			}
		}
		this.longPlain = plainIds.stream()
			.filter((id) -> characters[id] > SLICES)
			.sorted((a, b) -> characters[a] - characters[b])
			.mapToInt(Integer::intValue)
			.toArray();
		this.longCharacters = Arrays.stream(this.longPlain).map((id) -> characters[id]).toArray();
	}

	private TokenTrie trie(List<Integer> ids) {
		return TokenTrie.of(this.blob, this.offsets, ids.stream().mapToInt(Integer::intValue).toArray());
	}

	/**
	 * What stands for a special token.
	 * @param text the token's text
	 * @return bytes that no UTF-8 text has
	 */
	public static byte[] specialBytes(String text) {
		byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
		byte[] marked = new byte[bytes.length + 1];
		marked[0] = (byte) SPECIAL;
		System.arraycopy(bytes, 0, marked, 1, bytes.length);
		return marked;
	}

	/**
	 * Whether bytes may be part of a text. Vocabularies with a token for each byte have
	 * one that would be taken for the beginning of a special token.
	 * @param token what a token writes
	 * @return whether a text in UTF-8 can contain it
	 */
	public static boolean isText(byte[] token) {
		for (byte value : token) {
			if (value == (byte) SPECIAL) {
				return false;
			}
		}
		return true;
	}

	/** Characters of a token that stand for themselves in a JSON string, or -1. */
	private static int plainCharacters(byte[] blob, int from, int to) {
		int count = 0;
		int at = from;
		while (at < to) {
			int first = blob[at] & 0xff;
			if (first < 0x20 || first == '"' || first == '\\' || first >= 0x80 && first < 0xc2 || first > 0xf4) {
				return -1;
			}
			int length = (first < 0x80) ? 1 : (first < 0xe0) ? 2 : (first < 0xf0) ? 3 : 4;
			if (at + length > to) {
				return -1;
			}
			for (int i = 1; i < length; i++) {
				int next = blob[at + i] & 0xff;
				int low = (i > 1) ? 0x80 : (first == 0xe0) ? 0xa0 : (first == 0xf0) ? 0x90 : 0x80;
				int high = (i > 1) ? 0xbf : (first == 0xed) ? 0x9f : (first == 0xf4) ? 0x8f : 0xbf;
				if (next < low || next > high) {
					return -1;
				}
			}
			at += length;
			count++;
		}
		return count;
	}

	/**
	 * How many ids there are.
	 * @return one more than the highest id
	 */
	public int size() {
		return this.size;
	}

	int words() {
		return (this.size + 63) >> 6;
	}

	TokenTrie all() {
		return this.all;
	}

	TokenTrie other() {
		return this.other;
	}

	/** Most bytes of a token. */
	int maxBytes() {
		return this.all.maxDepth();
	}

	/** A new mask that admits all tokens. */
	long[] every() {
		return this.every.clone();
	}

	/** Adds the tokens of at most so many plain characters to a mask. */
	void addPlain(int characters, long[] mask) {
		long[] slice = this.plain[Math.min(characters, SLICES)];
		for (int i = 0; i < mask.length; i++) {
			mask[i] |= slice[i];
		}
		for (int i = 0; i < this.longPlain.length && this.longCharacters[i] <= characters; i++) {
			mask[this.longPlain[i] >> 6] |= 1L << this.longPlain[i];
		}
	}

	/**
	 * The bytes of a token.
	 * @param id a token id
	 * @return what it writes; empty for those that must not be admitted
	 */
	byte[] bytes(int id) {
		return Arrays.copyOfRange(this.blob, this.offsets[id], this.offsets[id + 1]);
	}

	/**
	 * Memory of the arrays.
	 * @return bytes
	 */
	public long memoryBytes() {
		return this.blob.length + 4L * this.offsets.length + this.all.memoryBytes() + this.other.memoryBytes()
				+ 8L * words() * (this.plain.length + 1) + 8L * this.longPlain.length;
	}

}
