package io.github.flashspring.engine;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.DamagedModel.Damage;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.memory.RamBudget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Files of weights that change under a running engine: whoever computes from memory goes
 * on, whoever needs the files refuses with their name, and files that are what they were
 * are loaded again. Never a wrong token.
 */
@Timeout(120)
class ChangedFilesTests {

	@TempDir
	private Path folder;

	@ParameterizedTest
	@EnumSource(Damage.class)
	void residentWeightsOutliveEveryDamage(Damage damage) throws Exception {
		DamagedModel model = new DamagedModel("golden/llama", this.folder);
		try (FlashEngine engine = FlashEngine.load(model.config().build())) {
			assertThat(engine.plan().mapped()).isFalse();
			assertThat(model.generate(engine)).isEqualTo(model.expected());
			model.apply(damage);
			for (int i = 0; i < 3; i++) {
				assertThat(model.generate(engine)).isEqualTo(model.expected());
			}
			assertThat(engine.lastFailure()).isNull();
		}
	}

	@ParameterizedTest
	@EnumSource(Damage.class)
	void weightsInThePageCacheAreRefusedOnceTheirFileHasChanged(Damage damage) throws Exception {
		DamagedModel model = new DamagedModel("golden/llama", this.folder);
		try (FlashEngine engine = FlashEngine.load(model.config().reading(mapped()).build())) {
			assertThat(engine.plan().mapped()).isTrue();
			assertThat(model.generate(engine)).isEqualTo(model.expected());
			model.apply(damage);
			if (!damage.changesContent()) {
				assertThat(model.generate(engine)).isEqualTo(model.expected());
				return;
			}
			if (damage != Damage.SAME_BYTES) {
				assertRefused(model, engine, damage);
				assertThatExceptionOfType(CheckpointException.class).isThrownBy(engine::reload)
					.withMessageContaining(model.weights().toString());
			}
			else {
				assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> model.generate(engine))
					.withMessageContainingAll(model.weights().toString(), "changed while in use");
			}
			model.restore();
			assertThat(model.generate(engine)).isEqualTo(model.expected());
			assertThat(engine.lastFailure()).isNull();
			assertThat(engine.reload()).isFalse();
		}
	}

	@ParameterizedTest
	@ValueSource(strings = { "golden/llama", "golden/qwen3_moe" })
	void streamedWeightsAreLoadedAgainOnceTheirFileIsRestored(String name) throws Exception {
		DamagedModel model = new DamagedModel(name, this.folder);
		try (FlashEngine engine = FlashEngine.load(model.config().ramBudget(RamBudget.MINIMUM).build())) {
			long budget = engine.plan().budgetBytes();
			for (Damage damage : List.of(Damage.EMPTY, Damage.HALF, Damage.RANDOM, Damage.ZEROS)) {
				model.apply(damage);
				assertRefused(model, engine, damage);
				model.restore();
				assertThat(model.generate(engine)).isEqualTo(model.expected());
				assertThat(engine.lastFailure()).isNull();
			}
			assertThat(engine.plan().budgetBytes()).isEqualTo(budget);
		}
	}

	@Test
	void aFileRenamedIntoPlaceIsLoadedIfItIsTheSame() throws Exception {
		DamagedModel model = new DamagedModel("golden/llama", this.folder);
		try (FlashEngine engine = FlashEngine.load(model.config().ramBudget(RamBudget.MINIMUM).build())) {
			assertThat(model.generate(engine)).isEqualTo(model.expected());
			model.apply(Damage.EMPTY);
			assertRefused(model, engine, Damage.EMPTY);
			byte[] other = model.content().clone();
			other[other.length - 1] ^= 1;
			model.replace(other);
			assertThatExceptionOfType(CheckpointException.class).isThrownBy(engine::reload)
				.withMessageContainingAll(model.weights().toString(), "is not the one");
			model.replace(model.content());
			assertThat(model.generate(engine)).isEqualTo(model.expected());
		}
	}

	@Test
	void timesThatWereSetBackDoNotHideAChange() throws Exception {
		DamagedModel model = new DamagedModel("golden/llama", this.folder);
		try (FlashEngine engine = FlashEngine.load(model.config().reading(mapped()).build())) {
			assertThat(model.generate(engine)).isEqualTo(model.expected());
			var modified = Files.getLastModifiedTime(model.weights());
			model.apply(Damage.ZEROS);
			Files.setLastModifiedTime(model.weights(), modified);
			assertRefused(model, engine, Damage.ZEROS);
		}
	}

	@Test
	void anErrorInAPassFailsItsRequestsAlone() throws Exception {
		DamagedModel model = new DamagedModel("golden/llama", this.folder);
		try (FlashEngine engine = FlashEngine.load(model.config().build())) {
			assertThatExceptionOfType(RuntimeException.class)
				.isThrownBy(() -> engine.logits(model.prompt(), (position, logits) -> {
					throw new OutOfMemoryError("no heap for logits");
				}))
				.withMessageContaining("no heap for logits");
			FlashEngine.Failure failure = Objects.requireNonNull(engine.lastFailure());
			assertThat(failure.needsReload()).isFalse();
			assertThat(failure.cause()).hasRootCauseInstanceOf(OutOfMemoryError.class);
			assertThat(model.generate(engine)).isEqualTo(model.expected());
			assertThat(engine.lastFailure()).isNull();
		}
	}

	private static FlashConfig.Reading mapped() {
		return FlashConfig.Reading.DEFAULT.mapped(true);
	}

	private static void assertRefused(DamagedModel model, FlashEngine engine, Damage damage) {
		for (int i = 0; i < 2; i++) {
			assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> model.generate(engine))
				.withMessageContainingAll(model.weights().toString(),
						damage.truncates() ? "truncated while in use" : "changed while in use");
			FlashEngine.Failure failure = Objects.requireNonNull(engine.lastFailure());
			assertThat(failure.needsReload()).isTrue();
			assertThat(failure.cause()).hasMessageContaining(model.weights().toString());
		}
	}

}
