package io.github.flashspring.engine.checkpoint;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

import static io.github.flashspring.engine.checkpoint.CheckpointException.quote;

/**
 * JSON of files that nobody vouches for: strict UTF-8, bounded depth, no duplicate keys.
 */
final class Json {

	/** Names are not interned: a hostile header could fill the shared table with them. */
	private static final JsonFactory HEADERS = JsonFactory.builder()
		.disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
		.disable(TokenStreamFactory.Feature.INTERN_PROPERTY_NAMES)
		.streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(64).build())
		.build();

	/** Python writes {@code Infinity} and {@code NaN} as bare words. */
	private static final JsonMapper TREES = JsonMapper
		.builder(JsonFactory.builder()
			.enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
			.enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
			.streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(64).build())
			.build())
		.build();

	private Json() {
	}

	/**
	 * A parser that fails on malformed UTF-8.
	 */
	static JsonParser parser(InputStream bytes) {
		return HEADERS.createParser(ObjectReadContext.empty(), strict(bytes));
	}

	/**
	 * Reads a file whose content must be one JSON object.
	 * @param file the file
	 * @param limit largest size accepted, in bytes
	 */
	static ObjectNode readObject(Path file, long limit) {
		try (InputStream bytes = Files.newInputStream(file)) {
			long size = Files.size(file);
			if (size > limit) {
				throw new CheckpointException(
						"The file " + file + " has " + size + " bytes; expected at most " + limit
								+ " for a file of settings.",
						"Check that it is the file of this name from the checkpoint.");
			}
			byte[] content = bytes.readAllBytes();
			Substitute.of(content).ifPresent((substitute) -> {
				throw new CheckpointException(substitute.problem(file), substitute.action());
			});
			return object(file, strict(new ByteArrayInputStream(content)));
		}
		catch (IOException ex) {
			throw Safetensors.unreadable(file, ex);
		}
	}

	static ObjectNode object(Path file, Reader content) {
		String action = "Download it again or correct it.";
		JsonNode node;
		try {
			node = TREES.readTree(content);
		}
		catch (JacksonException ex) {
			throw new CheckpointException("The file " + file + " is not valid JSON in UTF-8 (" + reason(ex) + ").",
					action, ex);
		}
		if (node instanceof ObjectNode object) {
			return object;
		}
		throw new CheckpointException("The file " + file + " must hold a JSON object, found " + describe(node) + ".",
				action);
	}

	/** What a value is, for messages. */
	static String describe(JsonNode node) {
		return switch (node.getNodeType()) {
			case STRING -> "the text " + quote(node.stringValue());
			case NUMBER -> "the number " + quote(node.asString());
			case BOOLEAN -> node.toString();
			case OBJECT -> "an object";
			case ARRAY -> "an array";
			case NULL -> "null";
			default -> "nothing";
		};
	}

	/** What the current token is, for messages. */
	static String kind(JsonParser parser) {
		JsonToken token = parser.currentToken();
		if (token == null) {
			return "the end of the header";
		}
		return switch (token) {
			case START_OBJECT -> "an object";
			case START_ARRAY -> "an array";
			case VALUE_STRING, VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> quote(parser.getString());
			case VALUE_TRUE, VALUE_FALSE, VALUE_NULL -> parser.getString();
			default -> token.toString();
		};
	}

	static String reason(JacksonException ex) {
		String message = ex.getOriginalMessage();
		if (message == null) {
			message = ex.getClass().getSimpleName();
		}
		TokenStreamLocation location = ex.getLocation();
		return quote(message)
				+ ((location != null) ? " at line " + location.getLineNr() + ", column " + location.getColumnNr() : "");
	}

	private static Reader strict(InputStream bytes) {
		return new InputStreamReader(bytes,
				StandardCharsets.UTF_8.newDecoder()
					.onMalformedInput(CodingErrorAction.REPORT)
					.onUnmappableCharacter(CodingErrorAction.REPORT));
	}

}
