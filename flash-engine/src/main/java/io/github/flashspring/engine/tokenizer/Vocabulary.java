package io.github.flashspring.engine.tokenizer;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * What a {@code tokenizer.json} says about its ids: how many there are, which tokens are
 * added or special, and which stand for single bytes. Reads the file as a stream, since
 * it may have tens of megabytes.
 *
 * @param size one more than the highest id
 * @param addedIds text of each added token to its id
 * @param addedTexts id of each added token to its text
 * @param special ids of the tokens that are not text
 * @param byteIds ids of the tokens {@code <0x00>} to {@code <0xFF>}, or null if the
 * tokenizer does not write unknown characters as bytes
 */
record Vocabulary(int size, Map<String, Integer> addedIds, Map<Integer, String> addedTexts, Set<Integer> special,
		int @Nullable [] byteIds) {

	private static final int HIGHEST_ID = 1 << 24;

	/**
	 * Reads a tokenizer file.
	 * @param json its content
	 * @param file named in errors
	 * @return what it says
	 * @throws TokenizerException if it is not a Hugging Face tokenizer
	 */
	static Vocabulary read(byte[] json, Path file) {
		Reader reader = new Reader(file);
		try (JsonParser parser = ModelFiles.JSON.createParser(json)) {
			reader.readTokenizer(parser);
		}
		catch (JacksonException ex) {
			throw new TokenizerException(file + " is not valid JSON: " + ex.getOriginalMessage() + ".",
					Tokenizer.ACTION, ex);
		}
		if (reader.highest < 0) {
			throw new TokenizerException(
					file + " holds no vocabulary: expected model.vocab of Hugging Face's tokenizers format.",
					Tokenizer.ACTION);
		}
		boolean bytes = reader.byteFallback && Arrays.stream(reader.byteIds).allMatch((id) -> id >= 0);
		Map<Integer, String> texts = new HashMap<>();
		reader.added.forEach((text, id) -> texts.put(id, text));
		return new Vocabulary(reader.highest + 1, Map.copyOf(reader.added), Map.copyOf(texts),
				Set.copyOf(reader.special), bytes ? reader.byteIds : null);
	}

	/**
	 * Collects while it reads.
	 */
	private static final class Reader {

		private final Path file;

		private final Map<String, Integer> added = new HashMap<>();

		private final Set<Integer> special = new HashSet<>();

		private final int[] byteIds = new int[256];

		private boolean byteFallback;

		private int highest = -1;

		Reader(Path file) {
			this.file = file;
			Arrays.fill(this.byteIds, -1);
		}

		void readTokenizer(JsonParser parser) {
			expect(parser.nextToken(), JsonToken.START_OBJECT, "a JSON object");
			for (String name = parser.nextName(); name != null; name = parser.nextName()) {
				JsonToken value = parser.nextToken();
				switch (name) {
					case "added_tokens" -> {
						if (value != JsonToken.VALUE_NULL) {
							expect(value, JsonToken.START_ARRAY, "added_tokens as a list");
							while (parser.nextToken() == JsonToken.START_OBJECT) {
								readAdded(parser);
							}
						}
					}
					case "model" -> {
						expect(value, JsonToken.START_OBJECT, "model as an object");
						readModel(parser);
					}
					case "decoder" -> this.byteFallback |= mentionsByteFallback(parser);
					default -> parser.skipChildren();
				}
			}
		}

		private void readAdded(JsonParser parser) {
			int id = -1;
			String content = null;
			boolean isSpecial = false;
			for (String name = parser.nextName(); name != null; name = parser.nextName()) {
				parser.nextToken();
				switch (name) {
					case "id" -> id = id(parser);
					case "content" -> content = parser.getString();
					case "special" -> isSpecial = parser.getBooleanValue();
					default -> parser.skipChildren();
				}
			}
			if (id < 0 || content == null) {
				throw wrong("an entry of added_tokens lacks its id or content");
			}
			this.added.put(content, id);
			if (isSpecial) {
				this.special.add(id);
			}
		}

		private void readModel(JsonParser parser) {
			for (String name = parser.nextName(); name != null; name = parser.nextName()) {
				JsonToken value = parser.nextToken();
				if (name.equals("vocab") && value == JsonToken.START_OBJECT) {
					for (String piece = parser.nextName(); piece != null; piece = parser.nextName()) {
						parser.nextToken();
						note(piece, id(parser));
					}
				}
				else if (name.equals("vocab") && value == JsonToken.START_ARRAY) {
					for (int id = 0; parser.nextToken() == JsonToken.START_ARRAY; id++) {
						note(parser.nextStringValue(), id);
						while (parser.nextToken() != JsonToken.END_ARRAY) {
							parser.skipChildren();
						}
					}
				}
				else {
					parser.skipChildren();
				}
			}
		}

		private void note(@Nullable String piece, int id) {
			this.highest = Math.max(this.highest, id);
			if (piece != null && piece.length() == 6 && piece.startsWith("<0x") && piece.endsWith(">")) {
				int high = Character.digit(piece.charAt(3), 16);
				int low = Character.digit(piece.charAt(4), 16);
				if (high >= 0 && low >= 0) {
					this.byteIds[16 * high + low] = id;
				}
			}
		}

		private int id(JsonParser parser) {
			if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT) {
				throw wrong("a token's id is not a whole number");
			}
			long id = parser.getLongValue();
			if (id < 0 || id > HIGHEST_ID) {
				throw wrong("a token has the id " + id + ", expected 0 to " + HIGHEST_ID);
			}
			this.highest = Math.max(this.highest, (int) id);
			return (int) id;
		}

		private static boolean mentionsByteFallback(JsonParser parser) {
			boolean found = false;
			int depth = 0;
			do {
				JsonToken token = parser.currentToken();
				if (token == JsonToken.START_OBJECT || token == JsonToken.START_ARRAY) {
					depth++;
				}
				else if (token == JsonToken.END_OBJECT || token == JsonToken.END_ARRAY) {
					depth--;
				}
				else if (token == JsonToken.VALUE_STRING) {
					found |= parser.getString().equals("ByteFallback");
				}
			}
			while (depth > 0 && parser.nextToken() != null);
			return found;
		}

		private void expect(@Nullable JsonToken found, JsonToken expected, String what) {
			if (found != expected) {
				throw wrong("it does not have " + what);
			}
		}

		private TokenizerException wrong(String what) {
			return new TokenizerException(this.file + " is not a tokenizer in Hugging Face's format: " + what + ".",
					Tokenizer.ACTION);
		}

	}

}
