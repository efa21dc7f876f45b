package io.github.flashspring.engine.text;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.JsonNode;

/**
 * Reads a {@code tokenizer.json} as a stream and collects what it says about its ids.
 */
final class VocabularyReader {

	private static final Logger logger = LoggerFactory.getLogger(Vocabulary.class);

	private static final int HIGHEST_ID = 1 << 24;

	private static final int MAX_PART_VALUES = 100_000;

	/** Those of real models have some dozens. */
	private static final int MAX_ADDED_LENGTH = 1024;

	/**
	 * Sum of the squares of the lengths of all added tokens, to which the time that the
	 * library takes to load them is proportional at worst: one of 65,536 spaces took 75
	 * s, and this takes one second. 150,000 tokens for speech have a quarter of it.
	 */
	private static final long MAX_ADDED_SQUARES = 1 << 26;

	private final String json;

	private final Path file;

	private final Map<String, Integer> added = new LinkedHashMap<>();

	private final Set<Integer> special = new HashSet<>();

	private final Set<Integer> control = new HashSet<>();

	/** Pieces of the model among the tokens that other files add. */
	private final Map<String, Integer> pieces = new HashMap<>();

	private final Set<String> wanted;

	private final TextEdits edits = new TextEdits();

	private int pieceCount;

	private int begin;

	private int addedEnd = -1;

	private boolean normalizer;

	private final int[] byteIds = new int[256];

	private boolean byteFallback;

	private String subwordPrefix = "";

	private String modelType = "";

	private int highest = -1;

	private long addedSquares;

	private final TokenizerValues values;

	private VocabularyReader(String json, Path file, List<AddedToken> more) {
		this.json = json;
		this.file = file;
		this.wanted = more.stream().map(AddedToken::content).collect(Collectors.toSet());
		this.values = new TokenizerValues(file);
		Arrays.fill(this.byteIds, -1);
	}

	/**
	 * Reads a tokenizer file.
	 * @param json its content
	 * @param file named in errors
	 * @param more added tokens that other files know; those that this file has are left
	 * out
	 * @return what it says, and the content that the library shall get
	 * @throws TokenizerException if it is not a Hugging Face tokenizer
	 */
	static Vocabulary.Source read(String json, Path file, List<AddedToken> more) {
		VocabularyReader reader = new VocabularyReader(json, file, more);
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
		reader.addMissing(more);
		boolean bytes = reader.byteFallback && Arrays.stream(reader.byteIds).allMatch((id) -> id >= 0);
		Map<Integer, String> texts = new HashMap<>();
		reader.added.forEach((text, id) -> texts.put(id, text));
		Vocabulary vocabulary = new Vocabulary(reader.highest + 1, Map.copyOf(reader.added), Map.copyOf(texts),
				Set.copyOf(reader.special), Set.copyOf(reader.control), bytes ? reader.byteIds : null);
		return new Vocabulary.Source(vocabulary, reader.edited());
	}

	private void readTokenizer(JsonParser parser) {
		expect(parser.nextToken(), JsonToken.START_OBJECT, "a JSON object");
		this.begin = (int) parser.currentTokenLocation().getCharOffset() + 1;
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
						this.addedEnd = (int) parser.currentTokenLocation().getCharOffset();
					}
					else {
						int at = (int) parser.currentTokenLocation().getCharOffset();
						this.edits.add(at, at + 4, "[]");
						this.addedEnd = at + 1;
					}
				}
				case "model" -> {
					expect(value, JsonToken.START_OBJECT, "model as an object");
					readModel(parser);
				}
				case "normalizer", "pre_tokenizer", "post_processor", "decoder" -> {
					int from = (int) parser.currentTokenLocation().getCharOffset();
					JsonNode part = readPart(parser, name);
					if (name.equals("normalizer")) {
						this.normalizer = true;
						int to = (int) parser.currentLocation().getCharOffset();
						this.edits.add(from, to, normalizer(part.isNull() ? null : this.json.substring(from, to)));
					}
					this.byteFallback |= name.equals("decoder") && mentions(part, "ByteFallback");
					String problem = TokenizerParts.problem(part);
					if (problem != null) {
						throw this.values.wrong(name + ": " + problem);
					}
				}
				default -> this.values.walk(parser, Integer.MAX_VALUE);
			}
		}
		if (parser.nextToken() != null) {
			throw this.values.wrong("something follows its end");
		}
	}

	private JsonNode readPart(JsonParser parser, String name) {
		int begin = (int) parser.currentTokenLocation().getCharOffset();
		if (this.values.walk(parser, MAX_PART_VALUES) > MAX_PART_VALUES) {
			throw this.values.wrong(name + " has more than " + MAX_PART_VALUES + " values");
		}
		int end = (int) parser.currentLocation().getCharOffset();
		return ModelFiles.JSON.readTree(this.json.substring(begin, end));
	}

	private static boolean mentions(JsonNode part, String type) {
		return part.path("type").stringValue("").equals(type)
				|| part.valueStream().anyMatch((child) -> mentions(child, type));
	}

	private void readAdded(JsonParser parser) {
		int id = -1;
		String content = null;
		boolean isSpecial = false;
		int normalized = -1;
		for (String name = parser.nextName(); name != null; name = parser.nextName()) {
			parser.nextToken();
			switch (name) {
				case "id" -> id = id(parser);
				case "content" -> content = this.values.text(parser);
				case "special" -> isSpecial = parser.getBooleanValue();
				case "normalized" -> normalized = (parser.currentToken() == JsonToken.VALUE_TRUE)
						? (int) parser.currentTokenLocation().getCharOffset() : -1;
				default -> this.values.walk(parser, Integer.MAX_VALUE);
			}
		}
		if (id < 0 || content == null) {
			throw this.values.wrong("an entry of added_tokens lacks its id or content");
		}
		add(new AddedToken(id, content, false, false, false, normalized >= 0, isSpecial));
		if (normalized >= 0 && this.control.contains(id)) {
			this.edits.add(normalized, normalized + "true".length(), "false");
		}
	}

	private void add(AddedToken token) {
		int id = token.id();
		String content = token.content();
		if (content.length() > MAX_ADDED_LENGTH) {
			throw this.values.wrong("the added token with the id " + id + " has " + content.length()
					+ " characters, expected at most " + MAX_ADDED_LENGTH);
		}
		this.addedSquares += (long) content.length() * content.length();
		if (this.addedSquares > MAX_ADDED_SQUARES) {
			throw this.values.wrong("the added tokens up to the id " + id
					+ " are too long together: the squares of their lengths are more than " + MAX_ADDED_SQUARES);
		}
		this.added.put(content, id);
		if (token.special()) {
			this.special.add(id);
		}
		if (ControlTokens.isControl(content, token.special())) {
			this.control.add(id);
		}
	}

	/**
	 * Adds tokens that only other files know, as transformers does: in the order of their
	 * ids, and with the id that the library gives them, which is that of the model's
	 * piece or the next that is free.
	 */
	void addMissing(List<AddedToken> more) {
		List<String> entries = new ArrayList<>();
		boolean empty = this.added.isEmpty();
		int next = Math.max(this.pieceCount,
				this.added.values().stream().mapToInt(Integer::intValue).max().orElse(-1) + 1);
		for (AddedToken token : more) {
			if (this.added.containsKey(token.content())) {
				continue;
			}
			Integer piece = this.pieces.get(token.content());
			int id = (piece != null) ? piece : next++;
			if (id != token.id()) {
				logger.warn("{}: the added token '{}' has the id {} where it is declared, but gets {}, the next"
						+ " that is free, as in transformers", this.file, token.content(), token.id(), id);
			}
			add(token.withId(id));
			this.highest = Math.max(this.highest, id);
			entries.add(token.withId(id).json(this.control.contains(id)));
		}
		if (entries.isEmpty()) {
			return;
		}
		String list = String.join(",", entries);
		if (this.addedEnd >= 0) {
			this.edits.add(this.addedEnd, this.addedEnd, empty ? list : "," + list);
		}
		else {
			this.edits.add(this.begin, this.begin, "\"added_tokens\":[" + list + "],");
		}
	}

	private static String normalizer(@Nullable String own) {
		String step = "{\"type\":\"Replace\",\"pattern\":{\"String\":\"" + ControlTokens.SEPARATOR
				+ "\"},\"content\":\"\"}";
		return (own == null) ? step : "{\"type\":\"Sequence\",\"normalizers\":[" + step + "," + own + "]}";
	}

	String edited() {
		if (!this.normalizer) {
			this.edits.add(this.begin, this.begin, "\"normalizer\":" + normalizer(null) + ",");
		}
		return this.edits.applyTo(this.json);
	}

	private void readModel(JsonParser parser) {
		for (String name = parser.nextName(); name != null; name = parser.nextName()) {
			JsonToken value = parser.nextToken();
			if (name.equals("vocab") && value == JsonToken.START_OBJECT) {
				while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
					String piece = this.values.text(parser);
					parser.nextToken();
					note(piece, id(parser));
				}
			}
			else if (name.equals("vocab") && value == JsonToken.START_ARRAY) {
				for (int id = 0; parser.nextToken() == JsonToken.START_ARRAY; id++) {
					expect(parser.nextToken(), JsonToken.VALUE_STRING, "a text in each entry of model.vocab");
					note(this.values.text(parser), id);
					while (parser.nextToken() != JsonToken.END_ARRAY) {
						this.values.walk(parser, Integer.MAX_VALUE);
					}
				}
				expect(parser.currentToken(), JsonToken.END_ARRAY, "lists only in model.vocab");
			}
			else {
				if (name.equals("continuing_subword_prefix") && value == JsonToken.VALUE_STRING) {
					this.subwordPrefix = this.values.text(parser);
				}
				if (name.equals("type") && value == JsonToken.VALUE_STRING) {
					this.modelType = this.values.text(parser);
				}
				this.values.walk(parser, Integer.MAX_VALUE);
			}
		}
		if (!this.subwordPrefix.isEmpty() && !this.modelType.equals("WordPiece")) {
			throw this.values.wrong("continuing_subword_prefix is only supported for WordPiece");
		}
	}

	private void note(String piece, int id) {
		this.highest = Math.max(this.highest, id);
		this.pieceCount++;
		if (this.wanted.contains(piece)) {
			this.pieces.put(piece, id);
		}
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
			throw this.values.wrong("a token's id is not a whole number");
		}
		long id = parser.getLongValue();
		if (id < 0 || id > HIGHEST_ID) {
			throw this.values.wrong("a token has the id " + id + ", expected 0 to " + HIGHEST_ID);
		}
		this.highest = Math.max(this.highest, (int) id);
		return (int) id;
	}

	private void expect(@Nullable JsonToken found, JsonToken expected, String what) {
		if (found != expected) {
			throw this.values.wrong("it does not have " + what);
		}
	}

}
