package io.github.flashspring.engine;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.List;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.storage.FaultyFiles;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.residency.ResidencyPlan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * A model that streams from a disk that fails: where trying again helps, nobody notices;
 * else the request fails with file and offset, and the engine goes on when the disk does.
 * Never a wrong token.
 */
@Timeout(120)
class DiskFaultTests {

	private static final FileTime LONG_AGO = FileTime.fromMillis(1_000_000_000_000L);

	private final FaultyFiles disk = new FaultyFiles();

	@TempDir
	private Path folder;

	private Path weights;

	private Golden golden;

	@BeforeEach
	void copyModel() throws Exception {
		this.golden = Golden.load("golden/llama");
		for (String name : List.of("config.json", "model.safetensors")) {
			Files.copy(this.golden.folder().resolve(name), this.folder.resolve(name));
		}
		this.weights = this.folder.resolve("model.safetensors");
		Files.setLastModifiedTime(this.weights, LONG_AGO);
	}

	@Test
	void shortReadsAreContinued() {
		try (FlashEngine engine = load()) {
			this.disk.readShort(5000);
			int before = this.disk.reads();
			assertRight(engine);
			assertThat(this.disk.reads() - before).as("reads of the disk").isGreaterThan(100);
		}
	}

	@Test
	void errorsThatPassAreNotNoticed() {
		try (FlashEngine engine = load()) {
			this.disk.failEvery(3);
			assertRight(engine);
		}
	}

	@Test
	void slowReadsOnlyTakeTime() {
		try (FlashEngine engine = load()) {
			this.disk.delayEvery(400, 2000);
			assertRight(engine);
		}
	}

	@Test
	void refusedDirectReadsOnlyTakeTime() {
		this.disk.refuseDirect();
		try (FlashEngine engine = load()) {
			this.disk.failEvery(5);
			assertRight(engine);
		}
	}

	@ParameterizedTest
	@ValueSource(strings = { "golden/qwen3_moe", "golden-mlx/qwen3_moe-4bit-g32" })
	void expertsAreRightThroughEveryFault(String name) throws Exception {
		Golden mixture = Golden.load(name);
		int[] expected;
		try (FlashEngine engine = FlashEngine.load(mixture.config().build())) {
			expected = Golden.generate(engine, mixture.prompt(), mixture.greedy().length).tokens();
		}
		ResidencyPlan least = FlashEngine.plan(mixture.config().ramBudget(RamBudget.MINIMUM).build());
		RamBudget budget = RamBudget.ofBytes(least.minimumBytes() + least.weightBytes() / 5);
		try (FlashEngine engine = LocalFlashEngine.load(mixture.config().ramBudget(budget).build(),
				new OpenedBy(this.disk::of))) {
			for (Runnable fault : List.<Runnable>of(() -> this.disk.readShort(5000), () -> this.disk.failEvery(4),
					() -> this.disk.delayEvery(50, 20), this.disk::heal)) {
				fault.run();
				assertThat(Golden.generate(engine, mixture.prompt(), mixture.greedy().length).tokens())
					.isEqualTo(expected);
			}
			this.disk.fail();
			assertThatExceptionOfType(CheckpointException.class)
				.isThrownBy(() -> Golden.generate(engine, mixture.prompt(), mixture.greedy().length));
			this.disk.heal();
			assertThat(Golden.generate(engine, mixture.prompt(), mixture.greedy().length).tokens()).isEqualTo(expected);
			assertThat(this.disk.scatteredReads()).as("neighbours that were read as one").isPositive();
		}
	}

	@Test
	void errorsThatStayFailTheRequestAndTheEngineRecovers() {
		try (FlashEngine engine = load()) {
			assertRight(engine);
			for (int i = 0; i < 3; i++) {
				this.disk.fail();
				Generation failing = engine.generate(request());
				assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> Golden.finish(failing))
					.withMessageContainingAll(this.weights.getFileName().toString(), "at byte", "Input/output error",
							"Check the disk");
				this.disk.heal();
				assertRight(engine);
			}
		}
	}

	@Test
	void requestsAreServedAsSoonAsTheDiskIs() {
		try (FlashEngine engine = load()) {
			this.disk.fail();
			List<Generation> failing = List.of(engine.generate(request()), engine.generate(request()));
			for (Generation each : failing) {
				assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> Golden.finish(each));
			}
			this.disk.delayEvery(2, 1);
			Generation first = engine.generate(request());
			Generation second = engine.generate(request());
			assertThat(Golden.finish(first).tokens()).isEqualTo(this.golden.greedy());
			assertThat(Golden.finish(second).tokens()).isEqualTo(this.golden.greedy());
		}
	}

	@Test
	void anErrorInTheMiddleOfAGenerationGivesNoWrongToken() {
		try (FlashEngine engine = load()) {
			for (int reads = 1; reads < 60; reads += 7) {
				this.disk.failFrom(this.disk.reads() + reads);
				Generation failing = engine.generate(request());
				assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> Golden.finish(failing));
				this.disk.heal();
				assertRight(engine);
			}
		}
	}

	@Test
	void aTruncatedFileFailsRequestsUntilTheModelIsLoadedAgain() throws IOException {
		byte[] content = Files.readAllBytes(this.weights);
		try (FlashEngine engine = load()) {
			assertRight(engine);
			try (FileChannel channel = FileChannel.open(this.weights, StandardOpenOption.WRITE)) {
				channel.truncate(content.length / 2);
			}
			assertRefused(engine, "truncated while in use", "found " + content.length / 2);
			Files.write(this.weights, content);
			assertRefused(engine, "changed while in use", "load the model again");
		}
		try (FlashEngine engine = load()) {
			assertRight(engine);
		}
	}

	@Test
	void aFileThatIsWrittenToFailsRequests() throws IOException {
		try (FlashEngine engine = load()) {
			assertRight(engine);
			try (FileChannel channel = FileChannel.open(this.weights, StandardOpenOption.WRITE)) {
				channel.write(ByteBuffer.wrap(new byte[64]), channel.size() - 64);
			}
			assertRefused(engine, "changed while in use", "2001-09-09");
		}
	}

	@Test
	@EnabledOnOs({ OS.LINUX, OS.MAC })
	void aFileThatIsReplacedIsReadOnAsItWas() throws IOException {
		try (FlashEngine engine = load()) {
			assertRight(engine);
			Path other = Files.write(this.folder.resolve("other"), new byte[(int) Files.size(this.weights)]);
			Files.move(other, this.weights, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
			assertRight(engine);
		}
	}

	private FlashEngine load() {
		return LocalFlashEngine.load(FlashConfig.builder(this.folder.toString())
			.ramBudget(RamBudget.MINIMUM)
			.contextLength(this.golden.prompt().length + this.golden.greedy().length)
			.threads(2)
			.parallel(2)
			.build(), new OpenedBy(this.disk::of));
	}

	private GenerationRequest request() {
		return new GenerationRequest(new GenerationRequest.Tokens(this.golden.prompt()), Sampling.GREEDY,
				this.golden.greedy().length, List.of(), true);
	}

	/** The engine answers as it does without faults, reading all the while. */
	private void assertRight(FlashEngine engine) {
		int before = this.disk.reads();
		assertThat(Golden.finish(engine.generate(request())).tokens()).isEqualTo(this.golden.greedy());
		assertThat(this.disk.reads()).isGreaterThan(before + this.golden.greedy().length);
	}

	private void assertRefused(FlashEngine engine, String... parts) {
		Generation refused = engine.generate(request());
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> Golden.finish(refused))
			.withMessageContainingAll(parts)
			.withMessageContainingAll(this.weights.toString(), "at byte");
	}

}
