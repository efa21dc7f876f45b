package io.github.flashspring.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.BudgetPlans;
import io.github.flashspring.engine.BudgetPlans.BudgetPlan;
import io.github.flashspring.engine.hub.ModelOutline;
import io.github.flashspring.engine.metrics.ByteSize;
import io.github.flashspring.engine.residency.ResidencyPlan;

/**
 * Plans for several budgets, next to each other.
 *
 * @param model what is planned
 * @param budgets as they were typed
 * @param plans one for each budget
 * @param outline what was fetched of a model that is not here; null: it is
 */
record PlanTable(String model, List<PlannedBudget> budgets, BudgetPlans plans, @Nullable ModelOutline outline) {

	private static final String HEAD = "%-18s %s%n";

	private static final String ROW = "%-12s %10s %18s %16s  %s%n";

	/**
	 * {@return the plan of the only budget}
	 */
	ResidencyPlan single() {
		return this.plans.plans().getFirst().required();
	}

	/**
	 * {@return what all budgets have in common, by name}
	 */
	Map<String, Object> facts() {
		Map<String, Object> facts = new LinkedHashMap<>();
		facts.put("model", this.model);
		facts.put("architecture", this.plans.architecture());
		facts.put("weightBytes", this.plans.weightBytes());
		facts.put("weightBytesPerToken", this.plans.weightBytesPerToken());
		facts.put("minimumBytes", this.plans.minimumBytes());
		facts.put("contextLength", this.plans.contextLength());
		facts.put("kvBytesPerThousandTokens", this.plans.kvBytesPerThousand());
		if (this.outline != null) {
			facts.put("commit", this.outline.commit());
			facts.put("downloadBytes", this.outline.downloadBytes());
			facts.put("missingBytes", this.outline.missingBytes());
			facts.put("fetchedBytes", this.outline.fetchedBytes());
			facts.put("freeBytes", this.outline.freeBytes());
		}
		return facts;
	}

	String head() {
		StringBuilder text = new StringBuilder();
		text.append(String.format(Locale.ROOT, HEAD, this.model, this.plans.architecture()
				+ ((this.outline != null) ? ", commit " + this.outline.commit().substring(0, 12) : "")));
		if (this.outline != null) {
			text.append(String.format(Locale.ROOT, HEAD, "not downloaded",
					ByteSize.readable(this.outline.missingBytes()) + " of "
							+ ByteSize.readable(this.outline.downloadBytes()) + " to come, "
							+ ByteSize.readable(this.outline.freeBytes()) + " free on disk; "
							+ ByteSize.readable(this.outline.fetchedBytes()) + " read for this plan"));
		}
		text.append(String.format(Locale.ROOT, HEAD, "weights", ByteSize.readable(this.plans.weightBytes()) + ", "
				+ ByteSize.readable(this.plans.weightBytesPerToken()) + " used per token"));
		text.append(
				String.format(Locale.ROOT, HEAD, "keys and values", ByteSize.readable(this.plans.kvBytesPerThousand())
						+ " per 1,000 tokens, " + this.plans.contextLength() + " positions of context"));
		text.append(String.format(Locale.ROOT, HEAD, "least budget", ByteSize.readable(this.plans.minimumBytes())));
		return text.append(System.lineSeparator()).toString();
	}

	String comparison() {
		StringBuilder text = new StringBuilder();
		text.append(String.format(Locale.ROOT, ROW, "--ram", "memory", "pinned", "read per token", "tokens/s"));
		for (int i = 0; i < this.budgets.size(); i++) {
			BudgetPlan entry = this.plans.plans().get(i);
			ResidencyPlan plan = entry.plan();
			String name = this.budgets.get(i).text();
			if (plan == null) {
				text.append(String.format(Locale.ROOT, "%-12s %10s%n", name,
						"too small: needs at least " + ByteSize.readable(entry.neededBytes())));
				continue;
			}
			text.append(String.format(Locale.ROOT, ROW, name, ByteSize.readable(plan.plannedBytes()),
					ByteSize.readable(plan.pinnedBytes())
							+ String.format(Locale.ROOT, " (%.0f %%)", 100.0 * plan.pinnedBytes() / plan.weightBytes()),
					ByteSize.readable(plan.streamedBytes()), speed(plan)));
		}
		return text.toString();
	}

	private String speed(ResidencyPlan plan) {
		boolean streams = plan.streamedBytes() > 0 && !plan.mapped();
		if (streams && plan.reads().bytesPerSecond() <= 0) {
			return "unknown: the disk was not measured in reads of " + ByteSize.readable(plan.reads().readBytes());
		}
		double expected = this.plans.expectedTokensPerSecond(plan);
		if (!streams) {
			return (expected > 0) ? String.format(Locale.ROOT, "%.1f, bound by compute", expected)
					: "as compute allows";
		}
		String disk = ByteSize.readable((long) plan.reads().bytesPerSecond()) + "/s";
		if (expected <= 0) {
			return String.format(Locale.ROOT, "at most %.2f, the disk gives %s", plan.tokensPerSecond(), disk);
		}
		return (expected < plan.tokensPerSecond()) ? String.format(Locale.ROOT, "%.1f, bound by compute", expected)
				: String.format(Locale.ROOT, "%.2f, bound by the disk (%s)", expected, disk);
	}

}
