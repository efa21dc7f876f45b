package io.github.flashspring.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

import com.networknt.schema.Error;
import com.networknt.schema.InputFormat;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * JSON Schemas of all kinds that are enforced, and an independent validator.
 */
final class Schemas {

	private static final Path FILE = Path.of("src/test/resources/structures/schemas.json");

	private static final SchemaRegistry REGISTRY = SchemaRegistry
		.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);

	private Schemas() {
	}

	/**
	 * Forty schemas by their names.
	 * @return the schemas
	 */
	static Map<String, String> all() {
		try {
			Map<String, String> schemas = new LinkedHashMap<>();
			JsonNode file = JsonMapper.shared().readTree(Files.readString(FILE));
			file.propertyStream().forEach((entry) -> schemas.put(entry.getKey(), entry.getValue().toString()));
			return schemas;
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	/**
	 * One of the schemas.
	 * @param name its name
	 * @return the schema
	 */
	static String named(String name) {
		return Objects.requireNonNull(all().get(name), name);
	}

	/**
	 * What is wrong with a text.
	 * @param schema a schema
	 * @param text JSON, perhaps
	 * @return the errors
	 */
	static List<Error> errors(String schema, String text) {
		return REGISTRY.getSchema(schema)
			.validate(text, InputFormat.JSON,
					(context) -> context.executionConfig((config) -> config.formatAssertionsEnabled(true)));
	}

}
