package io.github.flashspring.engine.text;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Encodes text as it is by the native library: cut where {@link ControlTokens#CUT}
 * stands, and with halves of surrogate pairs as U+FFFD.
 */
final class TextEncoder {

	private final NativeTokenizer tokenizer;

	TextEncoder(NativeTokenizer tokenizer) {
		this.tokenizer = tokenizer;
	}

	static void checkLength(String text) {
		if (text.length() > Tokenizer.MAX_CHARACTERS) {
			throw new TokenizerException("The text has " + text.length()
					+ " characters, but the tokenizer takes at most " + Tokenizer.MAX_CHARACTERS + ".",
					"Shorten the text.");
		}
	}

	int[] encode(String text, boolean addSpecialTokens) {
		IntStream.Builder ids = IntStream.builder();
		int begin = 0;
		for (int cut = text.indexOf(ControlTokens.CUT); cut >= 0; cut = text.indexOf(ControlTokens.CUT, begin)) {
			Arrays.stream(encodeUncut(text.substring(begin, cut), addSpecialTokens && begin == 0)).forEach(ids);
			begin = cut + ControlTokens.CUT.length();
		}
		if (begin == 0) {
			return encodeUncut(text, addSpecialTokens);
		}
		Arrays.stream(encodeUncut(text.substring(begin), false)).forEach(ids);
		return ids.build().toArray();
	}

	private int[] encodeUncut(String text, boolean addSpecialTokens) {
		long[] ids;
		try {
			ids = this.tokenizer.encode(wellFormed(text), addSpecialTokens);
		}
		catch (IllegalStateException ex) {
			throw ex;
		}
		catch (RuntimeException ex) {
			throw new TokenizerException(
					"The tokenizer cannot encode a text of " + text.length() + " characters: " + ex.getMessage() + ".",
					Tokenizer.ACTION, ex);
		}
		int[] result = new int[ids.length];
		for (int i = 0; i < ids.length; i++) {
			result[i] = Math.toIntExact(ids[i]);
		}
		return result;
	}

	private static String wellFormed(String text) {
		for (int i = 0; i < text.length(); i++) {
			if (Character.isSurrogate(text.charAt(i))) {
				if (i + 1 == text.length() || !Character.isSurrogatePair(text.charAt(i), text.charAt(i + 1))) {
					// the UTF-8 encoder knows what to do with halves, but writes '?'
					StringBuilder whole = new StringBuilder();
					text.codePoints()
						.forEach((c) -> whole.appendCodePoint(
								(c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) ? 0xfffd : c));
					return whole.toString();
				}
				i++;
			}
		}
		return text;
	}

}
