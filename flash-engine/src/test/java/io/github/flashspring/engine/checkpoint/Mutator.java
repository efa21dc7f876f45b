package io.github.flashspring.engine.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;

/**
 * Damages files and settings as disks, downloads and attackers do.
 */
public final class Mutator {

	private static final List<String> NUMBERS = List.of("0", "-1", "1", "2", "1.5", "-0", "2147483648", "4294967296",
			"9223372036854775807", "9223372036854775808", "18446744073709551615", "99999999999999999999999999", "1e308",
			"1e999", "1e-999", "NaN", "Infinity", "null", "true", "\"4\"", "[]", "{}", "0x10", "1e1000000000");

	private static final List<Long> LONGS = List.of(0L, 1L, -1L, 1L << 31, 1L << 32, Long.MAX_VALUE, Long.MIN_VALUE,
			1L << 61, (long) Integer.MAX_VALUE);

	private final Random random;

	public Mutator(Random random) {
		this.random = random;
	}

	/** Damages a safetensors file: its header, its length field, or its end. */
	byte[] file(byte[] original) {
		int headerSize = (int) ByteBuffer.wrap(original).order(ByteOrder.LITTLE_ENDIAN).getLong();
		return switch (this.random.nextInt(10)) {
			case 0 -> Arrays.copyOf(original, this.random.nextInt(original.length));
			case 1 -> Arrays.copyOf(original, original.length + 1 + this.random.nextInt(40));
			case 2 -> flip(original.clone());
			case 3 -> {
				long size = this.random.nextBoolean() ? this.random.nextLong() : this.random.nextInt(2_000);
				yield with(original, size);
			}
			default -> {
				byte[] header = text(Arrays.copyOfRange(original, 8, 8 + headerSize));
				byte[] data = Arrays.copyOfRange(original, 8 + headerSize, original.length);
				ByteBuffer bytes = ByteBuffer.allocate(8 + header.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
				yield bytes.putLong(header.length).put(header).put(data).array();
			}
		};
	}

	/** Damages a JSON text in one to three ways. */
	public byte[] text(byte[] original) {
		byte[] text = original;
		for (int i = this.random.nextInt(3); i >= 0; i--) {
			text = mutate(text);
		}
		return text;
	}

	/**
	 * Damages a binary file: mostly its first part, where lengths, types and names stand.
	 * @param original the file
	 * @param header length of that part
	 * @return a damaged copy
	 */
	public byte[] binary(byte[] original, int header) {
		byte[] bytes = original.clone();
		for (int i = this.random.nextInt(3); i >= 0; i--) {
			int at = this.random.nextInt(Math.min(header, bytes.length - 8));
			switch (this.random.nextInt(8)) {
				case 0 -> bytes = Arrays.copyOf(bytes, 8 + this.random.nextInt(bytes.length));
				case 1 -> bytes = splice(bytes, at, at + this.random.nextInt(8), new byte[0]);
				case 2 -> bytes = splice(bytes, at, -1, Arrays.copyOfRange(bytes, at, at + 8));
				case 3 -> ByteBuffer.wrap(bytes)
					.order(ByteOrder.LITTLE_ENDIAN)
					.putLong(at, LONGS.get(this.random.nextInt(LONGS.size())));
				case 4 -> ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(at, this.random.nextInt(40));
				case 5 -> bytes[at] = (byte) this.random.nextInt(16);
				default -> bytes[at] ^= (byte) (1 << this.random.nextInt(8));
			}
		}
		return bytes;
	}

	private byte[] mutate(byte[] text) {
		int at = this.random.nextInt(text.length + 1);
		int to = Math.min(text.length, at + this.random.nextInt(60));
		return switch (this.random.nextInt(9)) {
			case 0 -> (text.length > 0) ? flip(text.clone()) : text;
			case 1 -> Arrays.copyOf(text, at);
			case 2 -> splice(text, at, to, new byte[0]);
			case 3 -> splice(text, this.random.nextInt(text.length + 1), -1, Arrays.copyOfRange(text, at, to));
			case 4 -> {
				byte[] noise = new byte[1 + this.random.nextInt(8)];
				this.random.nextBytes(noise);
				yield splice(text, at, -1, noise);
			}
			case 5 -> {
				String nest = this.random.nextBoolean() ? "[" : "{\"a\":";
				yield splice(text, at, -1, nest.repeat(1 << this.random.nextInt(14)).getBytes(StandardCharsets.UTF_8));
			}
			default -> number(text);
		};
	}

	/** Replaces one number, wherever it stands. */
	private byte[] number(byte[] text) {
		String json = new String(text, StandardCharsets.ISO_8859_1);
		var numbers = Pattern.compile("(?<=[\\[,: ])-?[0-9][0-9.e+-]*").matcher(json);
		List<int[]> places = numbers.results().map((found) -> new int[] { found.start(), found.end() }).toList();
		if (places.isEmpty()) {
			return text;
		}
		int[] place = places.get(this.random.nextInt(places.size()));
		String number = this.random.nextInt(4) == 0 ? String.valueOf(this.random.nextInt(100))
				: NUMBERS.get(this.random.nextInt(NUMBERS.size()));
		return splice(text, place[0], place[1], number.getBytes(StandardCharsets.UTF_8));
	}

	private byte[] flip(byte[] bytes) {
		bytes[this.random.nextInt(bytes.length)] ^= (byte) (1 << this.random.nextInt(8));
		return bytes;
	}

	private static byte[] with(byte[] original, long headerSize) {
		byte[] changed = original.clone();
		ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN).putLong(0, headerSize);
		return changed;
	}

	/** Replaces [from, to), or inserts at from if to is negative. */
	private static byte[] splice(byte[] text, int from, int to, byte[] piece) {
		int rest = (to < 0) ? from : to;
		byte[] joined = Arrays.copyOf(text, from + piece.length + text.length - rest);
		System.arraycopy(piece, 0, joined, from, piece.length);
		System.arraycopy(text, rest, joined, from + piece.length, text.length - rest);
		return joined;
	}

}
