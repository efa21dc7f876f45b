package io.github.flashspring.engine.text;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.Substitute;

import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.json.JsonMapper;

/**
 * The small files next to a checkpoint, read with a limit on their size.
 */
final class ModelFiles {

	static final int MAX_CONFIG_BYTES = 64 << 20;

	private static final int MAX_NESTED = 100;

	private static final String ACTION = "Download the file again, or get the model from another source.";

	/** Refuses what is nested deeper than any real file. */
	static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
		// vocabularies are objects with 200,000 different names
		.disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
		.streamReadConstraints(
				StreamReadConstraints.builder().maxNestingDepth(MAX_NESTED).maxStringLength(MAX_CONFIG_BYTES).build())
		.build()).build();

	private ModelFiles() {
	}

	/**
	 * Reads a JSON object.
	 * @param file where it should be
	 * @return its fields, null if there is no such file
	 * @throws TokenizerException if the file is too large or not a JSON object
	 */
	static @Nullable Map<?, ?> readObject(Path file) {
		byte[] bytes = readBytes(file, MAX_CONFIG_BYTES);
		if (bytes == null) {
			return null;
		}
		try {
			Object value = JSON.readValue(bytes, Object.class);
			if (value instanceof Map<?, ?> map) {
				return map;
			}
		}
		catch (JacksonException ex) {
			throw new TokenizerException(file + " is not valid JSON: " + ex.getOriginalMessage() + ".", ACTION, ex);
		}
		throw new TokenizerException(file + " must hold a JSON object, but holds another JSON value.", ACTION);
	}

	/**
	 * Reads a UTF-8 text.
	 * @param file where it should be
	 * @param most bytes that it may have
	 * @return the text, null if there is no such file
	 * @throws TokenizerException if the file is too large or not UTF-8
	 */
	static @Nullable String readText(Path file, int most) {
		byte[] bytes = readBytes(file, most);
		try {
			return (bytes == null) ? null
					: StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
		}
		catch (CharacterCodingException ex) {
			throw new TokenizerException(file + " is not UTF-8 text.", ACTION, ex);
		}
	}

	/**
	 * Reads a file.
	 * @param file where it should be
	 * @param most bytes that it may have
	 * @return its bytes, null if there is no such file
	 * @throws TokenizerException if the file is too large or cannot be read
	 */
	static byte @Nullable [] readBytes(Path file, int most) {
		if (!Files.isRegularFile(file)) {
			return null;
		}
		try (InputStream stream = Files.newInputStream(file)) {
			byte[] bytes = stream.readNBytes(most + 1);
			if (bytes.length > most) {
				throw new TokenizerException(file + " has more than the " + most + " bytes that such a file may have.",
						ACTION);
			}
			Substitute.of(bytes).ifPresent((substitute) -> {
				throw new TokenizerException(substitute.problem(file), substitute.action());
			});
			return bytes;
		}
		catch (IOException ex) {
			throw new TokenizerException(file + " cannot be read: " + ex + ".", "Check the file and its permissions.",
					ex);
		}
	}

	/**
	 * The text of a token in a config, which is a string or an object with
	 * {@code content}.
	 * @param value the config's value
	 * @return the token's text, null if there is none
	 */
	static @Nullable String tokenText(@Nullable Object value) {
		return (value instanceof String text) ? text
				: (value instanceof Map<?, ?> map && map.get("content") instanceof String text) ? text : null;
	}

}
