package io.github.flashspring.autoconfigure;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import org.springframework.core.io.ClassPathResource;

import io.github.flashspring.chat.ScriptedEngine;
import io.github.flashspring.engine.FlashEngine;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Holds docs/configuration.md and the metadata that editors read to what there is.
 */
class ConfigurationDocumentationTests {

	private static final Pattern FIRST_CELL = Pattern.compile("(?m)^\\| `(flash\\.[a-z.-]+)` \\|");

	@Test
	void everyPropertyIsDescribedForEditors() throws IOException {
		assertThat(metadata()).hasSize(42)
			.allSatisfy((property) -> assertThat(property.path("description").asString())
				.as(property.path("name").asString())
				.matches("[A-Z].*\\."));
	}

	@Test
	void everyPropertyAndMeterIsInTheDocumentation() throws IOException {
		Set<String> expected = metadata().stream()
			.map((property) -> property.path("name").asString())
			.collect(Collectors.toCollection(TreeSet::new));
		SimpleMeterRegistry registry = new SimpleMeterRegistry();
		FlashEngine engine = ScriptedEngine.saying();
		new EngineMetrics(engine).bindTo(registry);
		GenerationMetrics generations = new GenerationMetrics(Map.of("flashEngine", engine));
		generations.bindTo(registry);
		generations.forModel(engine, "scripted");
		registry.getMeters().forEach((meter) -> expected.add(meter.getId().getName()));
		Set<String> documented = new TreeSet<>();
		Matcher cells = FIRST_CELL.matcher(Files.readString(Path.of("../docs/configuration.md")));
		while (cells.find()) {
			documented.add(cells.group(1));
		}
		assertThat(documented).isEqualTo(expected);
	}

	private static List<JsonNode> metadata() throws IOException {
		try (InputStream metadata = new ClassPathResource("META-INF/spring-configuration-metadata.json",
				FlashProperties.class.getClassLoader())
			.getInputStream()) {
			return JsonMapper.shared()
				.readTree(metadata)
				.path("properties")
				.valueStream()
				.filter((property) -> property.path("name").asString().startsWith("flash."))
				.toList();
		}
	}

}
