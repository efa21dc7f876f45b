package io.github.flashspring.autoconfigure;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tag;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import io.github.flashspring.chat.ScriptedEngine;
import io.github.flashspring.engine.FlashEngine;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Holds all meters of two engines to the rules of {@code promtool check metrics}.
 */
class MeterLintTests {

	private static final Set<String> UNITS = Set.of("s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb",
			"m", "h", "d", "milliseconds", "microseconds", "nanoseconds", "minutes", "hours", "days", "kilobytes",
			"megabytes", "gigabytes", "kibibytes", "mebibytes", "gibibytes", "bits", "percent");

	private static final Set<String> TYPES = Set.of("counter", "gauge", "histogram", "summary", "untyped");

	private static final Pattern SNAKE_CASE = Pattern.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*");

	private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);

	@BeforeEach
	void bind() {
		FlashEngine first = ScriptedEngine.saying("Hello");
		FlashEngine second = ScriptedEngine.saying("Hello");
		Map<String, FlashEngine> engines = Map.of("first", first, "second", second);
		new EngineMetrics(engines).bindTo(this.registry);
		GenerationMetrics generations = new GenerationMetrics(engines);
		generations.forModel(first, "scripted");
		generations.bindTo(this.registry);
		generations.forModel(second, "scripted");
	}

	@Test
	void namesUnitsTypesAndHelpFollowTheRules() {
		Map<String, String> help = new HashMap<>();
		Map<String, String> types = new HashMap<>();
		List<String> samples = new ArrayList<>();
		for (String line : this.registry.scrape().lines().toList()) {
			String[] words = line.split(" ", 4);
			switch (words[1]) {
				case "HELP" -> help.put(words[2], words[3]);
				case "TYPE" -> types.put(words[2], words[3]);
				default -> samples.add(line);
			}
		}
		assertThat(types).hasSizeGreaterThan(25);
		assertThat(samples).doesNotHaveDuplicates();
		types.forEach((name, type) -> {
			assertThat(name).matches(SNAKE_CASE).startsWith("flash_");
			assertThat(help.get(name)).as(name).isNotBlank();
			assertThat(name.endsWith("_total")).as(name + " is a " + type).isEqualTo(type.equals("counter"));
			assertThat(name).doesNotEndWith("_count").doesNotEndWith("_sum").doesNotEndWith("_bucket");
			assertThat(name.split("_")).doesNotContainAnyElementsOf(UNITS).doesNotContainAnyElementsOf(TYPES);
		});
	}

	@Test
	void metersOfOneNameHaveTheSameTagsAndAllNameEngineAndModel() {
		Map<String, Set<String>> keys = new HashMap<>();
		for (Meter meter : this.registry.getMeters()) {
			Meter.Id id = meter.getId();
			Set<String> own = new TreeSet<>(id.getTags().stream().map(Tag::getKey).toList());
			assertThat(own).as(id.getName())
				.contains("engine", "model")
				.allMatch((key) -> SNAKE_CASE.matcher(key).matches());
			assertThat(keys.computeIfAbsent(id.getName(), (name) -> own)).as(id.getName()).isEqualTo(own);
			assertThat(id.getDescription()).as(id.getName()).isNotBlank();
		}
		assertThat(this.registry.get("flash.passes").tag("engine", "second").functionCounter().count()).isEqualTo(9);
	}

}
