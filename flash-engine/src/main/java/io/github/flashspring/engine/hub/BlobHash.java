package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** What names the content of a file: its SHA-256, or git's SHA-1 of it as a blob. */
final class BlobHash {

	private static final int BUFFER = 1 << 20;

	private BlobHash() {
	}

	/**
	 * Reads a file and computes the hash of the kind that it should have.
	 * @param channel the file
	 * @param file what it should be
	 * @return hexadecimal digits
	 */
	static String of(FileChannel channel, RemoteFile file) throws IOException, InterruptedException {
		MessageDigest digest = digest(file.isLarge() ? "SHA-256" : "SHA-1");
		if (!file.isLarge()) {
			digest.update(("blob " + channel.size() + "\0").getBytes(StandardCharsets.US_ASCII));
		}
		ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER);
		long position = 0;
		for (int count = channel.read(buffer, position); count >= 0; count = channel.read(buffer, position)) {
			position += count;
			digest.update(buffer.flip());
			buffer.clear();
			if (Thread.interrupted()) {
				throw new InterruptedException("Interrupted while checking " + file.path());
			}
		}
		return HexFormat.of().formatHex(digest.digest());
	}

	private static MessageDigest digest(String algorithm) {
		try {
			return MessageDigest.getInstance(algorithm);
		}
		catch (NoSuchAlgorithmException ex) {
			throw new IllegalStateException("Every Java platform has " + algorithm + ".", ex);
		}
	}

}
