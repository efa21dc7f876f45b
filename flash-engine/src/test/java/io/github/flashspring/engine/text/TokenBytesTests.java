package io.github.flashspring.engine.text;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

import static org.assertj.core.api.Assertions.assertThat;

class TokenBytesTests {

	private static final String TEXT = "{\"name\": \"Zoë 😀 €\",\n\t\"n\": -1.5e3}  ok";

	@TestFactory
	Stream<DynamicTest> bytesAreThoseThatTheLibraryDecodes() {
		return TextVectors.TOKENIZERS.stream().map((name) -> DynamicTest.dynamicTest(name, () -> {
			Tokenizer tokenizer = TextVectors.tokenizer(name);
			List<byte @Nullable []> bytes = tokenizer.tokenBytes(TextVectors.tokenizerFolder(name));
			int[] anchor = tokenizer.encode("a", false);
			String before = tokenizer.decode(anchor, false);
			int compared = 0;
			for (int id = 0; id < bytes.size(); id += 1 + bytes.size() / 20_000) {
				byte[] token = bytes.get(id);
				String text = (token != null) ? text(token) : null;
				// a byte token alone is decoded with those before it
				if (text != null
						&& !(token.length == 1 && tokenizer.decode(new int[] { id }, false).equals("\ufffd"))) {
					int[] both = Arrays.copyOf(anchor, anchor.length + 1);
					both[anchor.length] = id;
					assertThat(tokenizer.decode(both, false)).as("token " + id).isEqualTo(before + text);
					compared++;
				}
			}
			assertThat(compared).isGreaterThan(90);
		}));
	}

	@TestFactory
	Stream<DynamicTest> bytesOfATextAreItsUtf8() {
		return TextVectors.TOKENIZERS.stream()
			.filter((name) -> !name.equals("babyllama105"))
			.map((name) -> DynamicTest.dynamicTest(name, () -> {
				Tokenizer tokenizer = TextVectors.tokenizer(name);
				List<byte @Nullable []> bytes = tokenizer.tokenBytes(TextVectors.tokenizerFolder(name));
				ByteArrayOutputStream all = new ByteArrayOutputStream();
				for (int id : tokenizer.encode(TEXT, false)) {
					all.writeBytes(Objects.requireNonNull(bytes.get(id)));
				}
				assertThat(all.toString(StandardCharsets.UTF_8).stripLeading()).isEqualTo(TEXT);
			}));
	}

	private static @Nullable String text(byte[] bytes) {
		try {
			return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
		}
		catch (CharacterCodingException ex) {
			return null;
		}
	}

}
