package io.github.flashspring.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.ModelLocator;
import io.github.flashspring.engine.text.ChatTemplate;
import io.github.flashspring.engine.text.Tokenizer;

/**
 * {@code flash show}: what stands around a model's weights: its architecture, what its
 * chat template can carry, and its tokens. Reads no weights.
 */
@Command(name = "show", mixinStandardHelpOptions = true, sortOptions = false,
		customSynopsis = "flash show --model DIR_OR_ID [--json]",
		description = "Show a model's architecture, the capabilities of its chat template, and its tokens.",
		footer = { "", "Example:", "  flash show --model Qwen/Qwen3-4B" })
@SuppressWarnings("NullAway.Init") // picocli sets @Spec and required options
final class ShowCommand implements Callable<Integer> {

	@Spec
	private CommandSpec spec;

	@Option(names = { "-m", "--model" }, required = true, paramLabel = "DIR_OR_ID",
			description = "Folder with a checkpoint, or the id of a model in the local Hugging Face cache.")
	private String model;

	@Option(names = "--json", description = "Print JSON.")
	private boolean json;

	@Override
	public Integer call() {
		Path folder = ModelLocator.ofSystem().locate(this.model);
		Map<String, Object> sections = new LinkedHashMap<>();
		Map<String, Object> model = new LinkedHashMap<>();
		model.put("folder", folder.toString());
		model.put("architecture", ModelConfig.read(folder.resolve("config.json")).modelType());
		sections.put("model", model);
		sections.put("chat template",
				ChatTemplate.find(folder)
					.<Object>map((template) -> template.capabilities().describe())
					.orElse("none: prompts are plain text"));
		sections.put("tokens", Tokenizer.isPresent(folder) ? tokens(folder) : "none: prompts are token ids");
		PrintWriter out = this.spec.commandLine().getOut();
		if (this.json) {
			out.println(JsonMapper.shared().writeValueAsString(sections));
		}
		else {
			sections.forEach((name, content) -> print(name, content, out));
		}
		out.flush();
		return 0;
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

	private static void print(String name, Object content, PrintWriter out) {
		if (!(content instanceof Map<?, ?> rows)) {
			out.println(name + ": " + content);
			return;
		}
		out.println(name);
		int width = rows.keySet().stream().mapToInt((key) -> String.valueOf(key).length()).max().orElse(0);
		rows.forEach((key, value) -> out.printf("  %-" + width + "s  %s%n", key, value));
	}

}
