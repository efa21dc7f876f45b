package io.github.flashspring.engine.text;

import java.util.Arrays;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Turns tokens into text while they come: each call returns what has become certain.
 * Characters whose bytes are spread over several tokens come out whole; bytes that can no
 * longer become a character come out as U+FFFD. All pieces together are what decoding all
 * tokens at once gives. For one thread.
 * <p>
 * A token's text depends on the tokens before it (a space may be dropped at the
 * beginning, a character may need several), so each step decodes a short window of the
 * latest tokens and returns what grew; the cost of a token does not depend on the length
 * of the text.
 */
public final class StreamDecoder {

	private static final char REPLACEMENT = '\ufffd';

	/** Tokens that stay as context: a character has at most four bytes. */
	private static final int CONTEXT = 6;

	private static final int WINDOW = 24;

	private final Tokenizer tokenizer;

	private final Vocabulary vocabulary;

	private final Set<Integer> skipped;

	private final ByteRun byteRun = new ByteRun();

	private int[] window = new int[WINDOW];

	private int windowSize;

	/** Characters of the window's text that were returned. */
	private int returned;

	StreamDecoder(Tokenizer tokenizer, Vocabulary vocabulary, Set<Integer> skipped) {
		this.tokenizer = tokenizer;
		this.vocabulary = vocabulary;
		this.skipped = skipped;
	}

	/**
	 * The special token that a text is.
	 * @param text such as {@code <|im_end|>}
	 * @return its id; empty if the text is none
	 */
	public OptionalInt specialToken(String text) {
		Integer id = this.vocabulary.addedIds().get(text);
		return (id != null && this.vocabulary.special().contains(id)) ? OptionalInt.of(id) : OptionalInt.empty();
	}

	/**
	 * Takes the next token.
	 * @param id its id
	 * @return the text that became certain, often empty
	 */
	public String append(int id) {
		if (this.skipped.contains(id)) {
			return "";
		}
		int[] byteIds = this.vocabulary.byteIds();
		if (byteIds != null) {
			int value = byteValue(byteIds, id);
			if (value >= 0) {
				String text = this.byteRun.append(value);
				push(id);
				this.returned = decode().length();
				return text;
			}
			String rest = this.byteRun.flush();
			return rest.isEmpty() ? grow(id) : rest + grow(id);
		}
		return grow(id);
	}

	/**
	 * Ends the text.
	 * @return what was held back
	 */
	public String flush() {
		String text = decode();
		String rest = this.byteRun.flush() + text.substring(Math.min(this.returned, text.length()));
		this.returned = text.length();
		return rest;
	}

	private static int byteValue(int[] byteIds, int id) {
		for (int value = 0; value < byteIds.length; value++) {
			if (byteIds[value] == id) {
				return value;
			}
		}
		return -1;
	}

	private String grow(int id) {
		push(id);
		String text = decode();
		// the last character may be the beginning of one that is not complete, unless the
		// tokenizer has tokens of their own for single bytes, which do not come here
		boolean open = this.vocabulary.byteIds() == null && !text.isEmpty()
				&& text.charAt(text.length() - 1) == REPLACEMENT;
		int certain = open ? text.length() - 1 : text.length();
		if (certain <= this.returned) {
			return "";
		}
		String grown = text.substring(this.returned, certain);
		this.returned = certain;
		return grown;
	}

	private void push(int id) {
		if (this.windowSize == this.window.length) {
			slide();
		}
		this.window[this.windowSize++] = id;
	}

	private void slide() {
		int open = decode().length() - this.returned;
		int keep = CONTEXT;
		int[] kept = Arrays.copyOfRange(this.window, this.windowSize - keep, this.windowSize);
		String text = this.tokenizer.decode(kept, false);
		while (text.length() <= open && keep < this.windowSize) {
			// tokens without text give no context
			keep = Math.min(2 * keep, this.windowSize);
			kept = Arrays.copyOfRange(this.window, this.windowSize - keep, this.windowSize);
			text = this.tokenizer.decode(kept, false);
		}
		if (keep == this.windowSize) {
			this.window = Arrays.copyOf(this.window, 2 * this.window.length);
			return;
		}
		this.returned = text.length() - open;
		System.arraycopy(kept, 0, this.window, 0, keep);
		this.windowSize = keep;
	}

	private String decode() {
		return this.tokenizer.decode(Arrays.copyOf(this.window, this.windowSize), false);
	}

	/**
	 * Bytes that come one by one, on their way to characters.
	 */
	private static final class ByteRun {

		private final byte[] bytes = new byte[4];

		private int size;

		/**
		 * Takes a byte.
		 * @param value the byte, 0 to 255
		 * @return the characters that became certain
		 */
		String append(int value) {
			StringBuilder text = new StringBuilder();
			if (this.size > 0 && !continues(value)) {
				text.append(flush());
			}
			this.bytes[this.size++] = (byte) value;
			int length = length(this.bytes[0] & 0xff);
			if (this.size == length) {
				text.append(new String(this.bytes, 0, this.size, java.nio.charset.StandardCharsets.UTF_8));
				this.size = 0;
			}
			return text.toString();
		}

		private boolean continues(int value) {
			int first = this.bytes[0] & 0xff;
			int lowest = 0x80;
			int highest = 0xbf;
			if (this.size == 1) {
				lowest = switch (first) {
					case 0xe0 -> 0xa0;
					case 0xf0 -> 0x90;
					default -> lowest;
				};
				highest = switch (first) {
					case 0xed -> 0x9f;
					case 0xf4 -> 0x8f;
					default -> highest;
				};
			}
			return value >= lowest && value <= highest;
		}

		private static int length(int first) {
			if (first >= 0xc2 && first <= 0xdf) {
				return 2;
			}
			if (first >= 0xe0 && first <= 0xef) {
				return 3;
			}
			return (first >= 0xf0 && first <= 0xf4) ? 4 : 1;
		}

		/**
		 * Gives the unfinished character up.
		 * @return one U+FFFD per byte of it
		 */
		String flush() {
			String text = String.valueOf(REPLACEMENT).repeat(this.size);
			this.size = 0;
			return text;
		}

	}

}
