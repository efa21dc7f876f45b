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
import tools.jackson.databind.JsonNode;

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

	private static final int MOST_PART_VALUES = 100_000;

	/** Those of real models have some dozens. */
	private static final int MAX_ADDED_LENGTH = 1024;

	/**
	 * Sum of the squares of the lengths of all added tokens, to which the time that the
	 * library takes to load them is proportional at worst: one of 65,536 spaces took 75
	 * s, and this takes one second. 150,000 tokens for speech have a quarter of it.
	 */
	private static final long MAX_ADDED_SQUARES = 1 << 26;

	/**
	 * Reads a tokenizer file.
	 * @param json its content
	 * @param file named in errors
	 * @return what it says
	 * @throws TokenizerException if it is not a Hugging Face tokenizer
	 */
	static Vocabulary read(String json, Path file) {
		Reader reader = new Reader(json, file);
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

		private final String json;

		private final Path file;

		private final Map<String, Integer> added = new HashMap<>();

		private final Set<Integer> special = new HashSet<>();

		private final int[] byteIds = new int[256];

		private boolean byteFallback;

		private String subwordPrefix = "";

		private String modelType = "";

		private int highest = -1;

		private long addedSquares;

		Reader(String json, Path file) {
			this.json = json;
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
							expect(parser.currentToken(), JsonToken.END_ARRAY, "objects only in added_tokens");
						}
					}
					case "model" -> {
						expect(value, JsonToken.START_OBJECT, "model as an object");
						readModel(parser);
					}
					case "normalizer", "pre_tokenizer", "post_processor", "decoder" -> {
						JsonNode part = readPart(parser, name);
						this.byteFallback |= name.equals("decoder") && mentions(part, "ByteFallback");
						String problem = TokenizerParts.problem(part);
						if (problem != null) {
							throw wrong(name + ": " + problem);
						}
					}
					default -> walk(parser, Integer.MAX_VALUE);
				}
			}
			if (parser.nextToken() != null) {
				throw wrong("something follows its end");
			}
		}

		private JsonNode readPart(JsonParser parser, String name) {
			int begin = (int) parser.currentTokenLocation().getCharOffset();
			if (walk(parser, MOST_PART_VALUES) > MOST_PART_VALUES) {
				throw wrong(name + " has more than " + MOST_PART_VALUES + " values");
			}
			int end = (int) parser.currentLocation().getCharOffset();
			return ModelFiles.JSON.readTree(this.json.substring(begin, end));
		}

		/**
		 * Goes to the end of the current value. The native library dies of some values
		 * that are not quite JSON: halves of surrogate pairs, numbers beyond doubles.
		 * @param parser stands at the value
		 * @param most how many values to read
		 * @return how many values there were
		 */
		private int walk(JsonParser parser, int most) {
			int values = 0;
			int depth = 0;
			do {
				values++;
				switch (parser.currentToken()) {
					case START_OBJECT, START_ARRAY -> depth++;
					case END_OBJECT, END_ARRAY -> depth--;
					case PROPERTY_NAME, VALUE_STRING -> text(parser);
					case VALUE_NUMBER_FLOAT -> {
						if (Double.isInfinite(parser.getDoubleValue())) {
							throw wrong("a number is too large");
						}
					}
					default -> {
					}
				}
			}
			while (depth > 0 && values <= most && parser.nextToken() != null);
			return values;
		}

		private String text(JsonParser parser) {
			String text = parser.getString();
			for (int i = 0; i < text.length(); i++) {
				if (Character.isSurrogate(text.charAt(i))) {
					if (i + 1 == text.length() || !Character.isSurrogatePair(text.charAt(i), text.charAt(i + 1))) {
						throw wrong("a text holds half a character");
					}
					i++;
				}
			}
			return text;
		}

		private static boolean mentions(JsonNode part, String type) {
			return part.path("type").stringValue("").equals(type)
					|| part.valueStream().anyMatch((child) -> mentions(child, type));
		}

		private void readAdded(JsonParser parser) {
			int id = -1;
			String content = null;
			boolean isSpecial = false;
			for (String name = parser.nextName(); name != null; name = parser.nextName()) {
				parser.nextToken();
				switch (name) {
					case "id" -> id = id(parser);
					case "content" -> content = text(parser);
					case "special" -> isSpecial = parser.getBooleanValue();
					default -> walk(parser, Integer.MAX_VALUE);
				}
			}
			if (id < 0 || content == null) {
				throw wrong("an entry of added_tokens lacks its id or content");
			}
			if (content.length() > MAX_ADDED_LENGTH) {
				throw wrong("the added token with the id " + id + " has " + content.length()
						+ " characters, expected at most " + MAX_ADDED_LENGTH);
			}
			this.addedSquares += (long) content.length() * content.length();
			if (this.addedSquares > MAX_ADDED_SQUARES) {
				throw wrong("the added tokens up to the id " + id
						+ " are too long together: the squares of their lengths are more than " + MAX_ADDED_SQUARES);
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
					while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
						String piece = text(parser);
						parser.nextToken();
						note(piece, id(parser));
					}
				}
				else if (name.equals("vocab") && value == JsonToken.START_ARRAY) {
					for (int id = 0; parser.nextToken() == JsonToken.START_ARRAY; id++) {
						expect(parser.nextToken(), JsonToken.VALUE_STRING, "a text in each entry of model.vocab");
						note(text(parser), id);
						while (parser.nextToken() != JsonToken.END_ARRAY) {
							walk(parser, Integer.MAX_VALUE);
						}
					}
					expect(parser.currentToken(), JsonToken.END_ARRAY, "lists only in model.vocab");
				}
				else {
					if (name.equals("continuing_subword_prefix") && value == JsonToken.VALUE_STRING) {
						this.subwordPrefix = text(parser);
					}
					if (name.equals("type") && value == JsonToken.VALUE_STRING) {
						this.modelType = text(parser);
					}
					walk(parser, Integer.MAX_VALUE);
				}
			}
			if (!this.subwordPrefix.isEmpty() && !this.modelType.equals("WordPiece")) {
				throw wrong("continuing_subword_prefix is only supported for WordPiece");
			}
		}

		private void note(String piece, int id) {
			this.highest = Math.max(this.highest, id);
			if (piece.length() == 6 && piece.startsWith("<0x") && piece.endsWith(">")) {
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
