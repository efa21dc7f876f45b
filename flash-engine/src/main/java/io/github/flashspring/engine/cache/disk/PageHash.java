package io.github.flashspring.engine.cache.disk;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Chained hashes of pages of tokens: SHA-256 of the hash before and the tokens. The first
 * is the fingerprint of everything besides tokens that decides the bits.
 */
public final class PageHash {

	static final int BYTES = 32;

	private PageHash() {
	}

	/**
	 * Hashes a page.
	 * @param before hash of the pages before it, or the fingerprint
	 * @param tokens of the page
	 * @return 32 bytes
	 */
	public static byte[] next(byte[] before, int[] tokens) {
		ByteBuffer bytes = ByteBuffer.allocate(before.length + tokens.length * Integer.BYTES)
			.order(ByteOrder.LITTLE_ENDIAN);
		bytes.put(before);
		for (int token : tokens) {
			bytes.putInt(token);
		}
		return of(bytes.array());
	}

	/**
	 * {@return SHA-256 of some bytes}
	 * @param bytes the bytes
	 */
	public static byte[] of(byte[] bytes) {
		try {
			return MessageDigest.getInstance("SHA-256").digest(bytes);
		}
		catch (NoSuchAlgorithmException ex) {
			throw new IllegalStateException("Every Java platform has SHA-256", ex);
		}
	}

	static String name(byte[] hash) {
		return HexFormat.of().formatHex(hash) + PrefixFolder.SUFFIX;
	}

}
