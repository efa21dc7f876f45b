package io.github.flashspring.engine.hub;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/** What a hub names files by. */
final class Hashes {

	private Hashes() {
	}

	static String sha256(byte[] bytes) {
		return hash("SHA-256", bytes);
	}

	static String git(byte[] bytes) {
		byte[] head = ("blob " + bytes.length + "\0").getBytes(StandardCharsets.US_ASCII);
		byte[] all = Arrays.copyOf(head, head.length + bytes.length);
		System.arraycopy(bytes, 0, all, head.length, bytes.length);
		return hash("SHA-1", all);
	}

	private static String hash(String algorithm, byte[] bytes) {
		try {
			return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(bytes));
		}
		catch (NoSuchAlgorithmException ex) {
			throw new IllegalStateException(ex);
		}
	}

}
