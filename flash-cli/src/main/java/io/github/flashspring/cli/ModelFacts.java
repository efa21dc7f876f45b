package io.github.flashspring.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import io.github.flashspring.engine.CheckpointFacts;
import io.github.flashspring.engine.ModelfileSettings;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.ModelLocator;
import io.github.flashspring.engine.metrics.ByteSize;
import io.github.flashspring.engine.modelfile.Instruction;
import io.github.flashspring.engine.modelfile.Keyword;
import io.github.flashspring.engine.text.ChatTemplate;
import io.github.flashspring.engine.text.Tokenizer;

/**
 * What stands around a model's weights, in sections for people and programs.
 */
final class ModelFacts {

	/** A model card's head, or the head of a licence, is not longer. */
	private static final int MAX_LINES = 200;

	private ModelFacts() {
	}

	/**
	 * Reads the facts of a model.
	 * @param settings its Modelfile
	 * @return rows or a sentence, by section
	 */
	static Map<String, Object> of(ModelfileSettings settings) {
		Path folder = ModelLocator.ofSystem().locate(settings.model());
		Map<String, Object> sections = new LinkedHashMap<>();
		Map<String, Object> model = new LinkedHashMap<>();
		model.put("folder", folder.toString());
		model.put("architecture", ModelConfig.read(folder.resolve("config.json")).modelType());
		weights(folder, model);
		model.put("licence", licence(settings, folder));
		sections.put("model", model);
		List<Instruction> parameters = settings.file().all(Keyword.PARAMETER);
		if (!parameters.isEmpty()) {
			Map<String, Object> rows = new LinkedHashMap<>();
			parameters.forEach((one) -> rows.merge(one.name(), one.value(), (a, b) -> a + ", " + b));
			sections.put("parameters", rows);
		}
		String system = settings.system();
		if (system != null) {
			sections.put("system", system);
		}
		sections.put("chat template", template(settings, folder));
		sections.put("tokens", Tokenizer.isPresent(folder) ? tokens(folder) : "none: prompts are token ids");
		return sections;
	}

	/**
	 * Sections as lines for people.
	 * @param sections by name
	 * @return lines that end with newlines
	 */
	static String readable(Map<String, Object> sections) {
		StringBuilder text = new StringBuilder();
		sections.forEach((name, content) -> {
			if (!(content instanceof Map<?, ?> rows)) {
				text.append(name).append(": ").append(content).append('\n');
				return;
			}
			text.append(name).append('\n');
			int width = rows.keySet().stream().mapToInt((key) -> String.valueOf(key).length()).max().orElse(0);
			rows.forEach((key, value) -> text.append(String.format("  %-" + width + "s  %s%n", key, value)));
		});
		return text.toString();
	}

	private static void weights(Path folder, Map<String, Object> model) {
		try {
			CheckpointFacts facts = CheckpointFacts.of(folder);
			model.put("parameters", count(facts.parameters()));
			model.put("precision", facts.precision());
			model.put("size", ByteSize.readable(facts.bytes()));
			model.put("context", (facts.contextLength() > 0) ? facts.contextLength() + " tokens" : "not stated");
		}
		catch (CheckpointException ex) {
			model.put("weights", ex.description());
		}
	}

	/** Such as 1.24 B, 135 M. */
	static String count(long parameters) {
		double number = parameters;
		String unit = "";
		for (String next : List.of(" K", " M", " B", " T")) {
			if (number < 1000) {
				break;
			}
			number /= 1000;
			unit = next;
		}
		return String.format(Locale.ROOT, (number < 10 && !unit.isEmpty()) ? "%.2f%s" : "%.0f%s", number, unit);
	}

	private static Object template(ModelfileSettings settings, Path folder) {
		String own = settings.chatTemplate();
		if (own != null) {
			return ChatTemplate.replacing(folder, own, "TEMPLATE of the Modelfile").capabilities().describe();
		}
		return ChatTemplate.find(folder)
			.<Object>map((template) -> template.capabilities().describe())
			.orElse("none: prompts are plain text");
	}

	/** That of the Modelfile, of the model card's head, or the first line of a text. */
	static String licence(ModelfileSettings settings, Path folder) {
		List<Instruction> texts = settings.file().all(Keyword.LICENSE);
		if (!texts.isEmpty()) {
			return firstLine(texts.getFirst().value().lines().toList());
		}
		for (String line : head(folder.resolve("README.md"))) {
			if (line.startsWith("license:")) {
				return line.substring("license:".length()).strip();
			}
		}
		for (String name : List.of("LICENSE", "LICENSE.txt", "LICENSE.md")) {
			List<String> lines = head(folder.resolve(name));
			if (!lines.isEmpty()) {
				return firstLine(lines);
			}
		}
		return "not stated";
	}

	private static String firstLine(List<String> lines) {
		return lines.stream().map(String::strip).filter((line) -> !line.isEmpty()).findFirst().orElse("not stated");
	}

	private static List<String> head(Path file) {
		List<String> lines = new ArrayList<>();
		if (!Files.isRegularFile(file)) {
			return lines;
		}
		try (BufferedReader reader = Files.newBufferedReader(file)) {
			for (String line = reader.readLine(); line != null && lines.size() < MAX_LINES; line = reader.readLine()) {
				lines.add(line);
			}
			return lines;
		}
		catch (IOException ex) {
			return List.of("not readable: " + ex);
		}
	}

	private static Map<String, Object> tokens(Path folder) {
		try (Tokenizer tokenizer = Tokenizer.load(folder)) {
			Map<String, Object> rows = new LinkedHashMap<>();
			rows.put("vocabulary", Integer.toString(tokenizer.vocabularySize()));
			rows.put("begin of text", tokenizer.beginOfText().isPresent()
					? token(tokenizer, tokenizer.beginOfText().getAsInt()) : "none");
			List<String> ends = new ArrayList<>();
			tokenizer.endOfTurnTokens().forEach((id) -> ends.add(token(tokenizer, id)));
			rows.put("end of turn", ends.isEmpty() ? "none" : String.join(", ", ends));
			return rows;
		}
	}

	private static String token(Tokenizer tokenizer, int id) {
		String text = tokenizer.tokenText(id);
		return (text != null) ? id + " " + text : Integer.toString(id);
	}

}
