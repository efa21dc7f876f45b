package io.github.flashspring.cli;

import java.io.PrintWriter;
import java.util.concurrent.Callable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.residency.PlanReport;
import io.github.flashspring.engine.residency.ResidencyPlan;

/**
 * {@code flash plan}: what of a model would be pinned with a budget, what would be read
 * for each token, and how fast that can be at best. Reads no weights, but measures the
 * disk if it is not known.
 */
@Command(name = "plan", mixinStandardHelpOptions = true, sortOptions = false,
		customSynopsis = "flash plan --model DIR_OR_ID [--ram GB] [--json] [OPTION]...",
		description = "Show how a model would be divided between memory and disk.",
		footer = { "", "Examples:", "  flash plan --model Qwen/Qwen3-4B --ram 4",
				"  flash plan --model ./llama --ram min --context 1024 --json" })
@SuppressWarnings("NullAway.Init") // picocli sets @Spec
final class PlanCommand implements Callable<Integer> {

	@Spec
	private CommandSpec spec;

	@Mixin
	private final ModelOptions modelOptions = new ModelOptions();

	@Option(names = "--json", description = "Print the plan as JSON.")
	private boolean json;

	@Override
	public Integer call() {
		ResidencyPlan plan = FlashEngine.plan(config());
		PrintWriter out = this.spec.commandLine().getOut();
		if (this.json) {
			out.println(JsonMapper.shared().writeValueAsString(PlanReport.of(plan)));
		}
		else {
			out.print(plan.render());
		}
		out.flush();
		return 0;
	}

	private FlashConfig config() {
		try {
			return this.modelOptions.config().build();
		}
		catch (IllegalArgumentException ex) {
			throw new ParameterException(this.spec.commandLine(), String.valueOf(ex.getMessage()), ex);
		}
	}

}
