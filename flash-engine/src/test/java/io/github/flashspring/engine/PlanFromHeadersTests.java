package io.github.flashspring.engine;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.json.JsonMapper;

import io.github.flashspring.engine.checkpoint.HubId;
import io.github.flashspring.engine.hub.FakeHub;
import io.github.flashspring.engine.hub.Hub;
import io.github.flashspring.engine.hub.HubSettings;
import io.github.flashspring.engine.hub.ModelOutline;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.residency.PlanReport;
import io.github.flashspring.engine.residency.ResidencyPlan;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The plan of a model that is only on a hub, against the plan of its files.
 */
class PlanFromHeadersTests {

	private static final HubId ID = HubId.parse("org/name").orElseThrow();

	@TempDir
	Path home;

	static Stream<Path> checkpoints() throws Exception {
		List<Path> folders = new ArrayList<>();
		for (String kind : List.of("golden", "golden-mlx")) {
			try (Stream<Path> found = Files.list(Golden.path(kind))) {
				found.filter((folder) -> Files.isRegularFile(folder.resolve("config.json"))).forEach(folders::add);
			}
		}
		return folders.stream().sorted();
	}

	@ParameterizedTest
	@MethodSource("checkpoints")
	void planFromHeadersIsThatFromFiles(Path folder) throws Exception {
		try (FakeHub fake = new FakeHub()) {
			long dataBytes = serve(folder, fake);
			HubSettings settings = HubSettings
				.of(Map.of("HF_HOME", this.home.toString(), "HF_ENDPOINT", fake.endpoint())::get, this.home);
			try (Hub hub = new Hub(settings); ModelOutline outline = hub.outline(ID)) {
				List<LongFunction<@Nullable RamBudget>> budgets = List.of((weights) -> null,
						(weights) -> RamBudget.MINIMUM, (weights) -> RamBudget.UNLIMITED,
						(weights) -> RamBudget.ofBytes(weights + (64 << 20)),
						(weights) -> RamBudget.ofBytes(weights / 2 + (1 << 20)));
				BudgetPlans expected = BudgetPlans.of(config(folder), budgets, true);
				BudgetPlans found = BudgetPlans.of(config(outline.folder()), budgets, true);
				assertThat(json(found)).isEqualTo(json(expected));
				assertThat(found.plans().getFirst().required().blocks())
					.isEqualTo(expected.plans().getFirst().required().blocks());
				assertThat(outline.fetchedBytes()).isEqualTo(fake.bodyBytes())
					.isLessThanOrEqualTo(outline.headerBytes() * 110 / 100);
				assertThat(outline.headerBytes()).isLessThan(dataBytes);
			}
			assertThat(this.home.resolve("hub/.locks")).isEmptyDirectory();
			assertThat(this.home.resolve("hub/models--org--name")).doesNotExist();
		}
	}

	/** Serves what a hub would have, with shards if there are any. */
	private static long serve(Path folder, FakeHub fake) throws Exception {
		long bytes = 0;
		try (Stream<Path> files = Files.list(folder)) {
			for (Path file : files.filter(Files::isRegularFile).toList()) {
				if (!String.valueOf(file.getFileName()).startsWith("golden")) {
					fake.with(String.valueOf(file.getFileName()), Files.readAllBytes(file));
					bytes += Files.size(file);
				}
			}
		}
		return bytes;
	}

	private static Function<@Nullable RamBudget, FlashConfig> config(Path folder) {
		return (budget) -> FlashConfig.builder(folder.toString())
			.ramBudget(budget)
			.contextLength(32)
			.threads(1)
			.build();
	}

	private static String json(BudgetPlans plans) {
		StringBuilder text = new StringBuilder();
		text.append(Arrays.asList(plans.architecture(), plans.weightBytes(), plans.weightBytesPerToken(),
				plans.minimumBytes(), plans.contextLength(), plans.kvBytesPerThousand()));
		plans.plans().forEach((entry) -> {
			ResidencyPlan plan = entry.plan();
			text.append('\n')
				.append((plan != null) ? JsonMapper.shared().writeValueAsString(PlanReport.of(plan))
						: entry.neededBytes());
		});
		return text.toString();
	}

}
