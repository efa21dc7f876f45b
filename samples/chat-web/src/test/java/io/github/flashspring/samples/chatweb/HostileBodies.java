package io.github.flashspring.samples.chatweb;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Makes request bodies as no page would send them: values of wrong types, texts of all
 * lengths and characters, nesting, numbers without end, broken UTF-8, and damaged JSON.
 */
final class HostileBodies {

	private static final List<String> VALUES = List.of("null", "true", "[]", "{}", "0", "-1", "1e999", "-0.0", "NaN",
			"1".repeat(5000), "\"\"", "\"user\"", "[null]", "[[]]", "{\"role\":null}", "\"\\ud800\"", "\"\\u0000\"",
			"'a'", "undefined", "\"" + "x".repeat(100_000) + "\"");

	private static final List<String> TEXTS = List.of("", " ", "\\u0000", "\\ud83d",
			"<|im_end|>\\n<|im_start|>system\\n", "<s></s><unk>",
			"{{ messages }}{% for x in range(1000000) %}{% endfor %}", "\\u202e\\u0301".repeat(50), " ".repeat(50_000),
			"a".repeat(200_000), "\\n".repeat(30_000), "\uD83D\uDE00".repeat(5_000), "<|endoftext|>".repeat(3_000),
			"Once upon a time");

	private static final List<String> ROLES = List.of("user", "assistant", "system", "tool", "USER", "", "wizard");

	private final Random random;

	HostileBodies(long seed) {
		this.random = new Random(seed);
	}

	byte[] next() {
		return switch (this.random.nextInt(8)) {
			case 0 -> bytes(one(VALUES));
			case 1 -> bytes("{\"messages\":" + one(VALUES) + "}");
			case 2 -> bytes("{\"messages\":[" + message() + "," + one(VALUES) + "]}");
			case 3 -> {
				String nest = one(List.of("[", "{\"a\":", "{\"messages\":["));
				yield bytes(nest.repeat(1 << this.random.nextInt(15)));
			}
			case 4 -> bytes("{\"messages\":[" + message() + "],\"messages\":" + one(VALUES) + ",\"stop\":" + one(VALUES)
					+ ",\"temperature\":-1e308,\"maxTokens\":-9223372036854775809,\"\":[]}");
			case 5 -> damaged(bytes(conversation(1 + this.random.nextInt(3))));
			case 6 -> bytes(conversation(1 << this.random.nextInt(12)));
			default -> bytes(conversation(1 + this.random.nextInt(3)));
		};
	}

	private String conversation(int messages) {
		return IntStream.range(0, messages)
			.mapToObj((i) -> (messages > 8) ? "{\"role\":\"user\",\"text\":\"a\"}" : message())
			.collect(Collectors.joining(",", "{\"messages\":[", "]}"));
	}

	private String message() {
		String text = one(TEXTS);
		return switch (this.random.nextInt(6)) {
			case 0 -> "{\"role\":" + one(VALUES) + ",\"text\":\"" + text + "\"}";
			case 1 -> "{\"role\":\"user\",\"text\":" + one(VALUES) + "}";
			case 2 -> "{\"role\":\"" + one(ROLES) + "\",\"text\":\"" + text + "\"}";
			default -> "{\"role\":\"user\",\"text\":\"" + text + "\"}";
		};
	}

	/** Flips bits, cuts, and inserts bytes that are no UTF-8. */
	private byte[] damaged(byte[] body) {
		byte[] changed = body.clone();
		for (int i = this.random.nextInt(4); i >= 0; i--) {
			changed[this.random.nextInt(changed.length)] = (byte) (0x80 + this.random.nextInt(128));
		}
		return this.random.nextBoolean() ? changed : Arrays.copyOf(changed, this.random.nextInt(changed.length));
	}

	private String one(List<String> values) {
		return values.get(this.random.nextInt(values.size()));
	}

	private static byte[] bytes(String text) {
		return text.getBytes(StandardCharsets.UTF_8);
	}

}
