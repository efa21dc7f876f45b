package io.github.flashspring.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

import io.github.flashspring.cli.bench.KvOptions;
import io.github.flashspring.cli.bench.ReadOptions;
import io.github.flashspring.engine.BudgetPlans;
import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.checkpoint.HubId;
import io.github.flashspring.engine.checkpoint.MissingModelException;
import io.github.flashspring.engine.checkpoint.ModelLocator;
import io.github.flashspring.engine.hub.Hub;
import io.github.flashspring.engine.hub.HubSettings;
import io.github.flashspring.engine.hub.ModelOutline;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.residency.PlanReport;
import io.github.flashspring.engine.residency.ResidencyPlan;

/**
 * {@code flash plan}: what of a model would be pinned with a budget, what would be read
 * for each token, and how fast that can be at best. Reads no weights: of a model that is
 * not here, only the headers of its files are fetched. The disk is measured if it is not
 * known and the model is on it.
 */
@Command(name = "plan", mixinStandardHelpOptions = true, sortOptions = false,
		customSynopsis = "flash plan MODEL [--ram GB[,GB]...] [--json] [OPTION]...",
		description = "Show how a model would be divided between memory and disk, also before it is downloaded.",
		footer = { "", "Examples:", "  flash plan mlx-community/Qwen3-4B-4bit",
				"  flash plan Qwen/Qwen3-4B --ram 4,50%%,min", "  flash plan ./llama --ram min --context 1024 --json" })
@SuppressWarnings("NullAway.Init") // picocli sets @Spec
final class PlanCommand implements Callable<Integer> {

	/** Shares of the weights that are compared when no budget is given. */
	private static final List<String> COMPARED = List.of("80%", "50%", "25%", "min");

	@Spec
	private CommandSpec spec;

	@Parameters(paramLabel = "MODEL", arity = "0..1",
			description = "Folder with a checkpoint, or org/name of a model on the Hugging Face hub, here or not.")
	private @Nullable String positional;

	@Option(names = { "-m", "--model" }, paramLabel = "MODEL", description = "The same as an option.")
	private @Nullable String option;

	@Option(names = "--ram", paramLabel = "GB", split = ",", converter = PlannedBudget.Converter.class,
			description = "Memory that the engine may use: gigabytes such as 4 or 0.5, a size such as 800MB, a share of"
					+ " the weights such as 50%%, min, or unlimited. Several are compared. Default: what 'flash run'"
					+ " would use, compared with shares of the weights.")
	private List<PlannedBudget> ram = new ArrayList<>();

	@Option(names = { "-t", "--threads" }, paramLabel = "N",
			description = "Threads that compute. Default: one per processor.")
	private int threads;

	@Option(names = { "-c", "--context" }, paramLabel = "N",
			description = "Tokens that prompt and answer may have together. Default: the model's limit, at most 4096.")
	private int context;

	@Option(names = "--chunk", paramLabel = "N",
			description = "Tokens of the prompt computed at once. Default: as many as fit, at most 512.")
	private int chunk;

	@Option(names = "--device", paramLabel = "KIND",
			description = "What computes, such as cpu. Default: the best there is.")
	private @Nullable String device;

	@Mixin
	private final KvOptions kv = new KvOptions();

	@Mixin
	private final ReadOptions reads = new ReadOptions();

	@Option(names = "--json", description = "Print the plan as JSON.")
	private boolean json;

	@Override
	public Integer call() {
		String model = model();
		config(model, null);
		Optional<HubId> missing = missing(model);
		if (missing.isEmpty()) {
			plan(model, null);
			return 0;
		}
		try (Hub hub = new Hub(HubSettings.ofSystem()); ModelOutline outline = hub.outline(missing.get())) {
			plan(model, outline);
		}
		return 0;
	}

	private String model() {
		String model = (this.positional != null) ? this.positional : this.option;
		if (model == null || (this.positional != null && this.option != null)) {
			throw new ParameterException(this.spec.commandLine(),
					(model == null) ? "A model is missing." : "Give the model once.");
		}
		return model;
	}

	/** A model of a hub that is not in the cache. */
	private static Optional<HubId> missing(String model) {
		try {
			Path ignored = ModelLocator.ofSystem().locate(model);
			return Optional.empty();
		}
		catch (MissingModelException ex) {
			return Optional.of(ex.id());
		}
	}

	private void plan(String model, @Nullable ModelOutline outline) {
		String folder = (outline != null) ? outline.folder().toString() : model;
		PrintWriter out = this.spec.commandLine().getOut();
		if (this.json && this.ram.isEmpty() && outline == null) {
			out.println(JsonMapper.shared().writeValueAsString(PlanReport.of(FlashEngine.plan(config(folder, null)))));
			out.flush();
			return;
		}
		List<PlannedBudget> budgets = this.ram;
		if (budgets.isEmpty()) {
			budgets = new ArrayList<>(List.of(PlannedBudget.DEFAULT));
			for (String share : COMPARED) {
				budgets.add(PlannedBudget.parse(share));
			}
		}
		BudgetPlans plans = BudgetPlans.of((budget) -> config(folder, budget),
				budgets.stream().map(PlannedBudget::choice).toList(), outline != null);
		PlanTable table = new PlanTable(ModelLocator.ofSystem().name(model), budgets, plans, outline);
		if (this.json) {
			out.println(JsonMapper.shared().writeValueAsString(json(table, budgets, plans)));
		}
		else if (budgets.size() == 1) {
			out.print((outline != null) ? table.head() : "");
			out.print(table.single().render());
		}
		else {
			out.print(table.head());
			out.print(table.comparison());
		}
		out.flush();
	}

	/** One budget gives its plan; several give a list with what all have in common. */
	private static Object json(PlanTable table, List<PlannedBudget> budgets, BudgetPlans plans) {
		if (budgets.size() == 1) {
			return PlanReport.of(table.single());
		}
		Map<String, Object> report = new LinkedHashMap<>(table.facts());
		List<Map<String, Object>> entries = new ArrayList<>();
		for (int i = 0; i < budgets.size(); i++) {
			Map<String, Object> entry = new LinkedHashMap<>();
			ResidencyPlan plan = plans.plans().get(i).plan();
			entry.put("ram", budgets.get(i).text());
			entry.put("plan", (plan != null) ? PlanReport.of(plan) : null);
			entry.put("expectedTokensPerSecond", (plan != null) ? plans.expectedTokensPerSecond(plan) : 0);
			entry.put("neededBytes", plans.plans().get(i).neededBytes());
			entries.add(entry);
		}
		report.put("plans", entries);
		return report;
	}

	private FlashConfig config(String model, @Nullable RamBudget budget) {
		try {
			return FlashConfig.builder(model)
				.ramBudget(budget)
				.threads(this.threads)
				.contextLength(this.context)
				.prefillChunk(this.chunk)
				.device(this.device)
				.kv(this.kv.precision())
				.reading(this.reads.reading())
				.build();
		}
		catch (IllegalArgumentException ex) {
			throw new ParameterException(this.spec.commandLine(), String.valueOf(ex.getMessage()), ex);
		}
	}

}
