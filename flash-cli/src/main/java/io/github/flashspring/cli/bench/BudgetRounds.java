package io.github.flashspring.cli.bench;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

import io.github.flashspring.cli.bench.BenchReport.Model;
import io.github.flashspring.cli.bench.BenchReport.Round;
import io.github.flashspring.engine.memory.MemoryLimits;

/**
 * Rounds over several budgets, each with the rate of memory in that round.
 *
 * @param bench runs the model in a budget
 * @param budgets in the order of the report
 * @param table gets each run as soon as it is known
 */
record BudgetRounds(BudgetBench bench, List<Budget> budgets, PrintWriter table) {

	/**
	 * Measures.
	 * @param model what is measured
	 * @param rounds that count
	 * @return all rounds and their medians
	 */
	BenchReport run(Model model, int rounds) {
		try (MemoryRate memory = new MemoryRate(model.threads())) {
			this.bench.warmUp(this.budgets.getFirst());
			if (this.budgets.size() > 1) {
				this.bench.warmUp(this.budgets.getLast());
			}
			List<Round> all = new ArrayList<>();
			for (int i = 0; i < rounds; i++) {
				all.add(round(memory, model.weightBytes(), i));
			}
			return BenchReport.of(model, all);
		}
	}

	private Round round(MemoryRate memory, long weights, int number) {
		MemoryRate.Rates rates = memory.measure();
		this.table.printf(Locale.ROOT, "%nround %d: memory %.2f GB/s%n%s%n", number + 1, rates.best() * 1e-9,
				BudgetRun.HEADER);
		this.table.flush();
		Map<Integer, BudgetRun> runs = new TreeMap<>();
		// What does not fit is mapped as well, and read from disk by page faults.
		boolean fits = weights <= MemoryLimits.ofSystem().limitBytes();
		Double inMemory = null;
		for (int place : inMemoryFirst()) {
			Budget budget = this.budgets.get(place);
			BudgetRun run = this.bench.run(budget, number, rates.best(), inMemory);
			run.print(this.table);
			inMemory = (budget.isAll() && fits) ? Double.valueOf(run.decodeTokensPerSecond()) : inMemory;
			runs.put(place, run);
		}
		return new Round(rates.best(), rates.smallPages(), rates.hugePages(), List.copyOf(runs.values()));
	}

	/** Places of the budgets: the others are compared with everything in memory. */
	private int[] inMemoryFirst() {
		return IntStream.range(0, this.budgets.size())
			.boxed()
			.sorted(Comparator.comparing((place) -> !this.budgets.get(place).isAll()))
			.mapToInt(Integer::intValue)
			.toArray();
	}

}
