package io.github.flashspring.engine.text;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

import org.jspecify.annotations.Nullable;

import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.JsonNode;

/**
 * The bytes that each token writes, as the decoder of {@code tokenizer.json} says: of
 * whole texts they are the UTF-8 encoding, while a token alone may be part of a
 * character. A space that decoders drop at the beginning of a text is still there.
 */
final class TokenBytes {

	private static final int[] BYTE_VALUES = byteValues();

	private final Path file;

	private final List<String> pieces = new ArrayList<>();

	/** How a piece becomes text, in the order of the decoder's steps. */
	private final List<UnaryOperator<String>> steps = new ArrayList<>();

	private boolean byteLevel;

	private boolean byteFallback;

	private boolean decodes;

	private TokenBytes(Path file) {
		this.file = file;
	}

	/**
	 * Reads the bytes of all tokens.
	 * @param file a {@code tokenizer.json} that has been read as a {@link Vocabulary}
	 * before
	 * @param size one more than the highest id
	 * @param added id of each added token to its text
	 * @return [size]; null for ids that stand for nothing
	 * @throws TokenizerException if the decoder is not one of those whose tokens have
	 * bytes of their own
	 */
	static List<byte @Nullable []> read(Path file, int size, Map<Integer, String> added) {
		TokenBytes tokens = new TokenBytes(file);
		String json = ModelFiles.readText(file, Tokenizer.MAX_BYTES);
		if (json == null) {
			throw new TokenizerException(file + " does not exist.", Tokenizer.ACTION);
		}
		try (JsonParser parser = ModelFiles.JSON.createParser(json)) {
			tokens.read(parser, size);
		}
		catch (JacksonException ex) {
			throw new TokenizerException(file + " is not valid JSON: " + ex.getOriginalMessage() + ".",
					Tokenizer.ACTION, ex);
		}
		added.forEach((id, text) -> tokens.put(id, text, size));
		List<byte @Nullable []> bytes = new ArrayList<>(size);
		for (int id = 0; id < size; id++) {
			String piece = (id < tokens.pieces.size()) ? tokens.pieces.get(id) : "";
			bytes.add(piece.isEmpty() ? null : tokens.bytes(piece));
		}
		return bytes;
	}

	private void read(JsonParser parser, int size) {
		parser.nextToken();
		for (String name = parser.nextName(); name != null; name = parser.nextName()) {
			JsonToken value = parser.nextToken();
			if (name.equals("decoder") && value == JsonToken.START_OBJECT) {
				this.decodes = true;
				decoder(parser.readValueAsTree());
			}
			else if (name.equals("model") && value == JsonToken.START_OBJECT) {
				model(parser, size);
			}
			else {
				parser.skipChildren();
			}
		}
		if (!this.decodes) {
			throw unsupported("none");
		}
	}

	private void model(JsonParser parser, int size) {
		for (String name = parser.nextName(); name != null; name = parser.nextName()) {
			JsonToken value = parser.nextToken();
			if (name.equals("vocab") && value == JsonToken.START_OBJECT) {
				while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
					String piece = parser.currentName();
					parser.nextToken();
					put(parser.getIntValue(), piece, size);
				}
			}
			else if (name.equals("vocab") && value == JsonToken.START_ARRAY) {
				for (int id = 0; parser.nextToken() == JsonToken.START_ARRAY; id++) {
					parser.nextToken();
					put(id, parser.getString(), size);
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

	private void put(int id, String piece, int size) {
		if (id >= 0 && id < size) {
			while (this.pieces.size() <= id) {
				this.pieces.add("");
			}
			this.pieces.set(id, piece);
		}
	}

	private void decoder(JsonNode decoder) {
		String type = decoder.path("type").stringValue("");
		switch (type) {
			case "Sequence" -> decoder.path("decoders").forEach(this::decoder);
			case "ByteLevel" -> this.byteLevel = true;
			case "ByteFallback" -> this.byteFallback = true;
			case "Fuse", "Strip" -> {
				// whole texts only
			}
			case "Replace" -> {
				JsonNode pattern = decoder.path("pattern").path("String");
				if (!pattern.isString() || !decoder.path("content").isString()) {
					throw unsupported("Replace with an expression");
				}
				String from = pattern.stringValue();
				String to = decoder.path("content").stringValue();
				this.steps.add((piece) -> piece.replace(from, to));
			}
			case "Metaspace" -> {
				String space = decoder.path("replacement").stringValue("\u2581");
				this.steps.add((piece) -> piece.replace(space, " "));
			}
			case "BPEDecoder" -> {
				String suffix = decoder.path("suffix").stringValue("</w>");
				this.steps.add((piece) -> piece.replace(suffix, " "));
			}
			default -> throw unsupported(type);
		}
	}

	private TokenizerException unsupported(String type) {
		return new TokenizerException(
				"Structured output is not supported for the model's tokenizer: the decoder in " + this.file + " is "
						+ type
						+ ", expected ByteLevel, ByteFallback, Metaspace, BPEDecoder, Replace or a sequence of these.",
				"Ask for text, or use another model.");
	}

	private byte[] bytes(String piece) {
		if (this.byteFallback && piece.length() == 6 && piece.startsWith("<0x") && piece.endsWith(">")) {
			int high = Character.digit(piece.charAt(3), 16);
			int low = Character.digit(piece.charAt(4), 16);
			if (high >= 0 && low >= 0) {
				return new byte[] { (byte) (16 * high + low) };
			}
		}
		if (this.byteLevel) {
			byte[] bytes = new byte[piece.length()];
			for (int i = 0; i < bytes.length; i++) {
				int value = byteValue(piece.charAt(i));
				if (value < 0) {
					return piece.getBytes(StandardCharsets.UTF_8);
				}
				bytes[i] = (byte) value;
			}
			return bytes;
		}
		String text = piece;
		for (UnaryOperator<String> step : this.steps) {
			text = step.apply(text);
		}
		return text.getBytes(StandardCharsets.UTF_8);
	}

	/**
	 * The byte that a character stands for. Printable characters of Latin-1 stand for
	 * themselves, and those from U+0100 on for the other bytes in rising order.
	 * @see <a href="https://github.com/openai/gpt-2/blob/master/src/encoder.py">GPT-2's
	 * encoder</a>
	 */
	private static int byteValue(char character) {
		return (character < BYTE_VALUES.length) ? BYTE_VALUES[character] : -1;
	}

	private static int[] byteValues() {
		int[] values = new int[0x144];
		Arrays.fill(values, -1);
		int next = 0x100;
		for (int value = 0; value < 256; value++) {
			boolean printable = value >= '!' && value <= '~' || value >= 0xa1 && value != 0xad;
			values[printable ? value : next++] = value;
		}
		return values;
	}

}
