package io.github.flashspring.engine.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Whatever a tokenizer does to characters, the pieces of a stream are whole and add up to
 * the text.
 */
class StreamDecoderTests {

	@Property(tries = 300)
	void piecesAddUpToTheDecodedText(@ForAll("texts") String text, @ForAll("tokenizers") String name) {
		Tokenizer tokenizer = TextVectors.tokenizer(name);
		for (boolean skip : new boolean[] { true, false }) {
			int[] ids = tokenizer.encode(text, true);
			List<String> pieces = pieces(tokenizer, ids, skip);
			assertThat(String.join("", pieces)).isEqualTo(tokenizer.decode(ids, skip));
			assertThat(pieces).allSatisfy((piece) -> assertThat(halves(piece)).isZero());
			if (text.indexOf('\ufffd') < 0 && tokenizer.decode(ids, skip).indexOf('\ufffd') < 0) {
				assertThat(pieces).noneMatch((piece) -> piece.indexOf('\ufffd') >= 0);
			}
		}
	}

	@Property(tries = 300)
	void anyTokensOfByteLevelTokenizersAddUpToTheDecodedText(@ForAll long seed,
			@ForAll("byteLevelTokenizers") String name) {
		Tokenizer tokenizer = TextVectors.tokenizer(name);
		Random random = new Random(seed);
		// among the first ids are those of single bytes
		int[] ids = random.ints(random.nextInt(1, 80), 0, 400).toArray();
		assertThat(String.join("", pieces(tokenizer, ids, true))).isEqualTo(tokenizer.decode(ids, true));
	}

	@Property(tries = 200)
	void anyTokensAtAllAreDecodedInWholePieces(@ForAll long seed, @ForAll("tokenizers") String name) {
		Tokenizer tokenizer = TextVectors.tokenizer(name);
		Random random = new Random(seed);
		int[] ids = random.ints(random.nextInt(1, 200), 0, Math.min(500, tokenizer.vocabularySize())).toArray();
		assertThat(pieces(tokenizer, ids, random.nextBoolean()))
			.allSatisfy((piece) -> assertThat(halves(piece)).isZero());
	}

	@Provide
	Arbitrary<String> texts() {
		Arbitrary<String> pieces = Arbitraries.of(" ", "  ", "\n", "\n\n", "\t", "a", "Hello", " world", "é", "e\u0301",
				"ß", "日本語", "안녕", "ไทย", "العربية", "😀", "👩‍👩‍👧‍👦", "🏳️‍🌈", "𝔘𝔫𝔦", "\u200b", "\u0000", "½",
				"▁", "<s>", "</s>", "<|im_end|>", "<0x41>", "\ufffd", "3.14", "'ll", "…", "\u00a0", "{\"a\": [1]}",
				"\r\n");
		return Arbitraries.oneOf(pieces.list().ofMaxSize(20).map((list) -> String.join("", list)),
				Arbitraries.strings().ofMaxLength(30), Arbitraries.strings().all().ofMaxLength(12));
	}

	@Provide
	Arbitrary<String> tokenizers() {
		return Arbitraries.of(TextVectors.TOKENIZERS);
	}

	@Provide
	Arbitrary<String> byteLevelTokenizers() {
		return Arbitraries.of("qwen3", "gpt-oss", "phi-2");
	}

	private static List<String> pieces(Tokenizer tokenizer, int[] ids, boolean skip) {
		StreamDecoder decoder = tokenizer.streamDecoder(skip);
		List<String> pieces = new ArrayList<>();
		for (int id : ids) {
			pieces.add(decoder.append(id));
		}
		pieces.add(decoder.flush());
		return pieces;
	}

	private static long halves(String text) {
		return text.codePoints().filter((c) -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE).count();
	}

	@Test
	void holdsACharacterUntilItIsWhole() {
		for (String name : List.of("qwen3", "phi-3-mini")) {
			Tokenizer tokenizer = TextVectors.tokenizer(name);
			int[] ids = tokenizer.encode("x𝔘", false);
			assertThat(ids.length).isGreaterThan(2);
			List<String> pieces = pieces(tokenizer, ids, true);
			assertThat(pieces).filteredOn((piece) -> !piece.isEmpty()).containsExactly("x", "𝔘");
		}
	}

	@Test
	void invalidBytesComeOutWhenTheyCannotBeCompleted() {
		Tokenizer tokenizer = TextVectors.tokenizer("phi-3-mini");
		StreamDecoder decoder = tokenizer.streamDecoder();
		int f0 = byteId(0xf0);
		int a = tokenizer.encode("a", false)[0];
		assertThat(Stream.of(f0, byteId(0x9f), a).map(decoder::append)).containsExactly("", "", "\ufffd\ufffd a");
		assertThat(decoder.append(f0)).isEmpty();
		assertThat(decoder.append(byteId(0x41))).isEqualTo("\ufffdA");
		assertThat(decoder.append(byteId(0xe2))).isEmpty();
		assertThat(decoder.flush()).isEqualTo("\ufffd");
		assertThat(decoder.flush()).isEmpty();
	}

	private static int byteId(int value) {
		// in Llama's vocabulary the bytes follow <unk>, <s> and </s>
		return 3 + value;
	}

	@Test
	void keepsSpacesBetweenSkippedSpecialTokens() {
		Tokenizer tokenizer = TextVectors.tokenizer("mistral-v1");
		int[] word = tokenizer.encode("word", false);
		int[] ids = Stream.of(new int[] { 1 }, word, new int[] { 2, 2, 2 }, word, new int[] { 1 }, word)
			.flatMapToInt(Arrays::stream)
			.toArray();
		assertThat(String.join("", pieces(tokenizer, ids, true))).isEqualTo("word word word");
	}

	@Test
	void aTokenCostsTheSameInALongText() {
		Tokenizer tokenizer = TextVectors.tokenizer("phi-3-mini");
		int[] ids = tokenizer.encode("the quick brown 狐 jumps 🦊 over\n".repeat(2000), false);
		assertThat(ids.length).isGreaterThan(20_000);
		StreamDecoder decoder = tokenizer.streamDecoder();
		StringBuilder text = new StringBuilder();
		long begin = System.nanoTime();
		for (int id : ids) {
			text.append(decoder.append(id));
		}
		text.append(decoder.flush());
		double microseconds = (System.nanoTime() - begin) / 1e3 / ids.length;
		assertThat(text.toString()).isEqualTo(tokenizer.decode(ids, true));
		// measured: 5 to 20; decoding the whole text each time would take some 5,000
		assertThat(microseconds).isLessThan(500);
	}

}
