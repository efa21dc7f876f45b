package io.github.flashspring.cli;

import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.Callable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.hub.CachedModel;
import io.github.flashspring.engine.hub.HubSettings;
import io.github.flashspring.engine.hub.ModelCache;
import io.github.flashspring.engine.metrics.ByteSize;

/**
 * {@code flash list}: the models in the cache that the Hugging Face tools share.
 */
@Command(name = "list", mixinStandardHelpOptions = true, sortOptions = false, customSynopsis = "flash list [--json]",
		description = "List the models in the local Hugging Face cache, whoever downloaded them.",
		footer = { "", "HF_HOME or HF_HUB_CACHE names the cache." })
@SuppressWarnings("NullAway.Init") // picocli sets @Spec
final class ListCommand implements Callable<Integer> {

	private static final List<String> HEADINGS = List.of("NAME", "REVISION", "SIZE", "TYPE", "MODIFIED");

	@Spec
	private CommandSpec spec;

	@Option(names = "--json", description = "Print JSON.")
	private boolean json;

	@Override
	public Integer call() {
		List<CachedModel> models = new ModelCache(HubSettings.ofSystem()).list();
		PrintWriter out = this.spec.commandLine().getOut();
		if (this.json) {
			out.println(JsonMapper.shared().writeValueAsString(models.stream().map(ListCommand::report).toList()));
		}
		else {
			table(models, out);
		}
		out.flush();
		return 0;
	}

	private static Map<String, Object> report(CachedModel model) {
		Map<String, Object> report = new LinkedHashMap<>();
		report.put("name", model.repository());
		report.put("revisions", model.revisions());
		report.put("commit", model.commit());
		report.put("bytes", model.bytes());
		report.put("type", type(model));
		report.put("complete", model.complete());
		report.put("modified", model.modified().toString());
		report.put("folder", model.folder().toString());
		return report;
	}

	private static void table(List<CachedModel> models, PrintWriter out) {
		List<List<String>> rows = new ArrayList<>();
		rows.add(HEADINGS);
		for (CachedModel model : models) {
			String revision = model.revisions().isEmpty()
					? model.commit().substring(0, Math.min(12, model.commit().length()))
					: String.join(",", model.revisions());
			rows.add(List.of(model.repository(), revision, ByteSize.readable(model.bytes()),
					model.complete() ? type(model) : "incomplete", age(model.modified())));
		}
		int[] widths = new int[HEADINGS.size()];
		rows.forEach((row) -> {
			for (int i = 0; i < widths.length; i++) {
				widths[i] = Math.max(widths[i], row.get(i).length());
			}
		});
		for (List<String> row : rows) {
			StringBuilder line = new StringBuilder();
			for (int i = 0; i < widths.length; i++) {
				line.append(row.get(i)).append(" ".repeat(widths[i] - row.get(i).length() + 3));
			}
			out.println(line.toString().stripTrailing());
		}
	}

	/** Architecture and precision, as far as the config tells. */
	private static String type(CachedModel model) {
		try {
			ModelConfig config = ModelConfig.read(model.folder().resolve("config.json"));
			OptionalInt bits = config.child("quantization")
				.or(() -> config.child("quantization_config"))
				.map((quantization) -> quantization.findInt("bits"))
				.orElse(OptionalInt.empty());
			String precision = bits.isPresent() ? bits.getAsInt() + "-bit"
					: config.findString("torch_dtype").or(() -> config.findString("dtype")).orElse("");
			return (config.modelType() + " " + precision).strip();
		}
		catch (CheckpointException ex) {
			return "unknown";
		}
	}

	static String age(Instant modified) {
		Duration age = Duration.between(modified, Instant.now());
		if (age.toMinutes() < 1) {
			return "just now";
		}
		if (age.toHours() < 1) {
			return number(age.toMinutes(), "minute");
		}
		return (age.toDays() < 1) ? number(age.toHours(), "hour") : number(age.toDays(), "day");
	}

	private static String number(long count, String unit) {
		return count + " " + unit + ((count == 1) ? "" : "s") + " ago";
	}

}
