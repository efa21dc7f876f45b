package io.github.flashspring.engine.text;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Iterator;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;

/**
 * Checks the parts of a {@code tokenizer.json} that the native library would not refuse
 * but die of, and the whole Java process with it: it is written in Rust and does not
 * catch its own panics. Found by mutating files and by reading tokenizers 0.21.
 */
final class TokenizerParts {

	/** Children of a node lie in one block. */
	private static final int TRIE_BLOCK = 256;

	private TokenizerParts() {
	}

	/**
	 * Looks through a part and what is nested in it.
	 * @param part normalizer, pre-tokenizer, post-processor or decoder
	 * @return what is wrong, null if nothing is
	 */
	static @Nullable String problem(JsonNode part) {
		String own = part.isObject() ? ownProblem(part) : null;
		if (own == null && part.path("Regex").isString()) {
			own = Backtracking.problem(part.path("Regex").stringValue());
		}
		for (Iterator<JsonNode> children = part.iterator(); own == null && children.hasNext();) {
			own = problem(children.next());
		}
		return own;
	}

	private static @Nullable String ownProblem(JsonNode part) {
		return switch (part.path("type").stringValue("")) {
			// also where a stop beyond a token's length is cut
			case "Strip" -> (part.has("content") && !isNumber(part.path("stop"), 0, 0))
					? "a Strip decoder must have the stop 0" : null;
			case "Prepend" -> part.path("prepend").stringValue("").isEmpty() ? "Prepend must have a text" : null;
			case "FixedLength" ->
				isNumber(part.path("length"), 1, Integer.MAX_VALUE) ? null : "FixedLength must have a length above 0";
			case "TemplateProcessing" -> templateProblem(part);
			case "Precompiled" -> charsMapProblem(part.path("precompiled_charsmap").stringValue(""));
			default -> part.has("precompiled_charsmap")
					? charsMapProblem(part.path("precompiled_charsmap").stringValue("")) : null;
		};
	}

	private static boolean isNumber(JsonNode node, long least, long most) {
		return node.isIntegralNumber() && node.canConvertToLong() && node.longValue() >= least
				&& node.longValue() <= most;
	}

	private static @Nullable String templateProblem(JsonNode part) {
		JsonNode tokens = part.path("special_tokens");
		for (String template : new String[] { "single", "pair" }) {
			for (JsonNode piece : part.path(template)) {
				String id = piece.path("SpecialToken").path("id").stringValue(null);
				if (piece.isString() && !piece.stringValue().startsWith("$")) {
					id = piece.stringValue().replaceFirst(":.*", "");
				}
				if (template.equals("single") && (piece.path("Sequence").path("id").stringValue("").equals("B")
						|| piece.stringValue("").startsWith("$B"))) {
					return "TemplateProcessing uses a second text where there is one";
				}
				if (id != null && !tokens.has(id)) {
					return "TemplateProcessing uses the special token '" + id + "', which its special_tokens lack";
				}
			}
		}
		return null;
	}

	private static @Nullable String charsMapProblem(String base64) {
		try {
			if (isCharsMap(ByteBuffer.wrap(Base64.getDecoder().decode(base64)).order(ByteOrder.LITTLE_ENDIAN))) {
				return null;
			}
		}
		catch (IllegalArgumentException ex) {
			// not Base64: told below
		}
		return "precompiled_charsmap is not a character map";
	}

	/**
	 * SentencePiece's map: the size of a double-array trie, the trie, and the texts that
	 * its leaves point to, each with a zero at its end. No walk through the trie may
	 * leave it, and no leaf may point outside or into a character.
	 */
	private static boolean isCharsMap(ByteBuffer map) {
		if (map.remaining() < 4) {
			return false;
		}
		long size = Integer.toUnsignedLong(map.getInt());
		if (size == 0 || size % (4 * TRIE_BLOCK) != 0 || size >= map.remaining()) {
			return false;
		}
		int units = (int) (size / 4);
		ByteBuffer texts = map.slice(4 + (int) size, map.capacity() - 4 - (int) size);
		if (texts.get(texts.capacity() - 1) != 0 || !isUtf8(texts.duplicate())) {
			return false;
		}
		for (int i = 0; i < units; i++) {
			int unit = map.getInt(4 + 4 * i);
			int target = unit & Integer.MAX_VALUE;
			boolean leaf = unit < 0;
			if (leaf && (target >= texts.capacity() || (texts.get(target) & 0xc0) == 0x80)) {
				return false;
			}
			int offset = (unit >>> 10) << ((unit & 0x200) >>> 6);
			if (!leaf && Integer.compareUnsigned((i ^ offset) | (TRIE_BLOCK - 1), units) >= 0) {
				return false;
			}
		}
		return true;
	}

	private static boolean isUtf8(ByteBuffer bytes) {
		try {
			StandardCharsets.UTF_8.newDecoder().decode(bytes);
			return true;
		}
		catch (CharacterCodingException ex) {
			return false;
		}
	}

}
