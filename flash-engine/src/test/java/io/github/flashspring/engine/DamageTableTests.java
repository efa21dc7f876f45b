package io.github.flashspring.engine;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.flashspring.engine.DamagedModel.Damage;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.memory.RamBudget;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Every damage to a file of weights, at random moments before, during and after a pass,
 * 200 times each: tokens are right or there is an error with the file's name, and once
 * the file is what it was, the engine serves again. Prints a table of outcomes.
 */
@Tag("slow")
@Timeout(3600)
class DamageTableTests {

	private static final int RUNS = Integer.getInteger("flash.damage-runs", 200);

	/** The lines of the table to compute: a pattern found in their names. */
	private static final Pattern CELLS = Pattern.compile(System.getProperty("flash.damage-cells", ""));

	/** Of a prompt, and of an answer. */
	private static final int TOKENS = 3;

	@TempDir
	private Path folder;

	static List<String> models() {
		return List.of("golden/llama", "golden/qwen3_moe");
	}

	@ParameterizedTest
	@MethodSource("models")
	void tokensAreRightOrRefusedWhateverHappensToTheFile(String name) throws Exception {
		DamagedModel model = new DamagedModel(Golden.load(name), TOKENS, this.folder);
		for (Damage damage : Damage.values()) {
			for (Moment moment : Moment.values()) {
				for (Mode mode : Mode.values()) {
					String cell = "%s %s %s %s".formatted(name.substring(7), damage, moment, mode);
					if (CELLS.matcher(cell).find()) {
						int[] outcomes = runs(model, damage, moment, mode);
						System.out.printf("%-48s right %4d  refused %4d%n", cell, outcomes[0], outcomes[1]);
					}
				}
			}
		}
	}

	/** How often the damaged model answered, and how often it refused. */
	private static int[] runs(DamagedModel model, Damage damage, Moment moment, Mode mode) throws Exception {
		int[] outcomes = new int[2];
		FlashEngine engine = load(model, mode);
		try {
			for (int run = 0; run < RUNS; run++) {
				outcomes[run(model, engine, damage, moment, run) ? 0 : 1]++;
				if (mode.readsOnlyAtFirst(moment)) {
					engine.close();
					engine = load(model, mode);
				}
			}
		}
		finally {
			engine.close();
		}
		return outcomes;
	}

	private static FlashEngine load(DamagedModel model, Mode mode) {
		return FlashEngine.load(mode.config(model).threads(1).warmUp(false).build());
	}

	/** Whether the damaged model answered. */
	private static boolean run(DamagedModel model, FlashEngine engine, Damage damage, Moment moment, int seed)
			throws Exception {
		if (moment == Moment.AFTER) {
			assertThat(answers(model, engine)).as("before the file is damaged").isTrue();
		}
		boolean first = (moment == Moment.DURING) ? damageWhileGenerating(model, engine, damage, seed)
				: damageAndGenerate(model, engine, damage);
		boolean second = answers(model, engine);
		FlashEngine.Failure failure = engine.lastFailure();
		if (second) {
			assertThat(failure).isNull();
		}
		else {
			assertThat(Objects.requireNonNull(failure).needsReload()).isTrue();
			assertThat(failure.cause()).hasMessageContaining(model.weights().toString());
		}
		model.restore();
		if (!answers(model, engine)) {
			assertThat(engine.reload()).isTrue();
		}
		assertThat(answers(model, engine)).as("after the file was restored").isTrue();
		return first && second;
	}

	private static boolean damageAndGenerate(DamagedModel model, FlashEngine engine, Damage damage) throws Exception {
		model.apply(damage);
		return answers(model, engine);
	}

	private static boolean damageWhileGenerating(DamagedModel model, FlashEngine engine, Damage damage, int seed)
			throws Exception {
		CountDownLatch started = new CountDownLatch(1);
		List<@Nullable Throwable> thrown = new ArrayList<>();
		boolean[] right = new boolean[1];
		Thread reader = Thread.ofPlatform().start(() -> {
			try {
				started.countDown();
				right[0] = answers(model, engine);
			}
			catch (Throwable ex) {
				thrown.add(ex);
			}
		});
		started.await();
		Thread.sleep(0, new Random(seed).nextInt(999_999));
		model.apply(damage);
		reader.join();
		assertThat(thrown).isEmpty();
		return right[0];
	}

	/**
	 * Whether it answers, with the right tokens; otherwise it refuses with the file's
	 * name.
	 */
	private static boolean answers(DamagedModel model, FlashEngine engine) {
		try {
			int[] found = model.generate(engine);
			assertThat(found).as(Arrays.toString(found)).isEqualTo(model.expected());
			return true;
		}
		catch (CheckpointException ex) {
			assertThat(ex).hasMessageContaining(model.weights().toString());
			return false;
		}
	}

	private enum Moment {

		BEFORE, DURING, AFTER

	}

	private enum Mode {

		RESIDENT, BUDGET, MAPPED;

		/**
		 * Whether only an engine that was just loaded reads at that moment. Others serve
		 * one run after the other: those that refuse are loaded again in each.
		 */
		boolean readsOnlyAtFirst(Moment moment) {
			return moment == Moment.BEFORE || (moment == Moment.DURING && this == RESIDENT);
		}

		FlashConfig.Builder config(DamagedModel model) {
			FlashConfig.Builder config = model.config();
			return switch (this) {
				case RESIDENT -> config;
				case BUDGET -> config.ramBudget(RamBudget.MINIMUM);
				case MAPPED -> config.reading(FlashConfig.Reading.DEFAULT.mapped(true));
			};
		}

	}

}
