package io.github.flashspring.engine;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.Safetensors;
import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.residency.ResidencyPlan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Checkpoints that were rewritten in the order of use.
 */
@Timeout(120)
class RepackTests {

	private static final int PAGE = 4096;

	@TempDir
	private Path folder;

	private Path repack(Golden golden) throws IOException {
		Path target = this.folder.resolve("new/packed");
		long bytes = FlashEngine.repack(golden.folder().toString(), target, (what, done, total) -> {
		});
		assertThat(bytes).isEqualTo(Files.size(target.resolve("model.safetensors")));
		return target;
	}

	private static FlashConfig.Builder config(Golden golden, Path model) {
		return FlashConfig.builder(model.toString())
			.contextLength(golden.prompt().length + golden.greedy().length)
			.threads(2)
			.parallel(1);
	}

	@ParameterizedTest
	@ValueSource(strings = { "golden/llama", "golden/gemma2", "golden/phi3", "golden/mamba2", "golden/mixtral",
			"golden/qwen2_moe", "golden/deepseek_v3", "golden/nemotron_h", "golden/gpt_oss",
			"golden-mlx/qwen3_moe-4bit-g32", "golden-mlx/mixtral-4bit-g32", "golden-mlx/nemotron_h-4bit-g32",
			"golden-mlx/deepseek_v3-4bit-g32", "golden-mlx/gpt_oss-4bit-g32", "golden-mlx/gpt_oss-mxfp4-q8",
			"golden-mlx/gpt_oss-mxfp4-original", "golden-mlx/deepseek_v3-fp8", "golden-mlx/llama-mixed",
			"golden-variants/nemotron_h-latent", "golden-variants/qwen3_moe-mlx-global" })
	void givesTheSameBitsFromMemoryAndFromDisk(String name) throws Exception {
		Golden golden = Golden.load(name);
		Path packed = repack(golden);
		List<float[]> expected;
		try (FlashEngine engine = FlashEngine.load(config(golden, golden.folder()).build())) {
			expected = Golden.logits(engine, golden.prompt());
		}
		for (RamBudget budget : List.of(RamBudget.UNLIMITED, RamBudget.MINIMUM)) {
			try (FlashEngine engine = FlashEngine.load(config(golden, packed).ramBudget(budget).build())) {
				List<float[]> found = Golden.logits(engine, golden.prompt());
				assertThat(found).hasSameSizeAs(expected);
				for (int row = 0; row < found.size(); row++) {
					assertThat(found.get(row)).isEqualTo(expected.get(row));
				}
				assertThat(Golden.generate(engine, golden.prompt(), golden.greedy().length).tokens())
					.isEqualTo(golden.greedy());
			}
		}
	}

	@ParameterizedTest
	@ValueSource(strings = { "golden/mixtral", "golden-mlx/qwen3_moe-4bit-g32", "golden-mlx/gpt_oss-4bit-g32",
			"golden/gpt_oss", "golden-mlx/gpt_oss-mxfp4-original" })
	void tensorsBeginPagesAndThoseOfAnExpertLieTogether(String name) throws Exception {
		Golden golden = Golden.load(name);
		Path packed = repack(golden);
		Collection<TensorInfo> written = Safetensors.readHeader(packed.resolve("model.safetensors")).tensors().values();
		assertThat(written).anyMatch((tensor) -> tensor.name().startsWith(Checkpoint.PADDING));
		String before = "";
		List<String> experts = new ArrayList<>();
		for (TensorInfo tensor : written) {
			String expert = expert(tensor.name());
			if (!tensor.name().startsWith(Checkpoint.PADDING) && (expert.isEmpty() || !expert.equals(before))) {
				assertThat(tensor.offset() % PAGE).as(tensor.name()).isZero();
				experts.add(expert);
			}
			before = expert;
		}
		experts.removeIf(String::isEmpty);
		assertThat(experts).isNotEmpty().doesNotHaveDuplicates();
		try (Checkpoint old = Checkpoint.open(golden.folder()); Checkpoint now = Checkpoint.open(packed)) {
			assertThat(now.totalBytes()).isEqualTo(old.totalBytes());
			assertThat(now.tensors().keySet()).noneMatch((tensor) -> tensor.startsWith(Checkpoint.PADDING));
		}
	}

	/** Such as {@code model.layers.0.mlp.experts.3}, or nothing. */
	private static String expert(String tensor) {
		Matcher matcher = Pattern.compile(".*\\.experts\\.\\d+(?=\\.)").matcher(tensor);
		return matcher.lookingAt() ? matcher.group() : "";
	}

	/** What strict readers accept: the same names, and no others. */
	@ParameterizedTest
	@ValueSource(strings = { "golden/mixtral", "golden/mamba2", "golden-mlx/qwen3_moe-4bit-g32",
			"golden-mlx/gpt_oss-mxfp4-original", "golden-mlx/llama-mixed", "golden-mlx/deepseek_v3-fp8" })
	void reorderedFilesHaveTheSameNamesAndNoPadding(String name) throws Exception {
		Golden golden = Golden.load(name);
		Path target = this.folder.resolve("reordered");
		long bytes = FlashEngine.reorder(golden.folder().toString(), target, (what, done, total) -> {
		});
		Path file = target.resolve("model.safetensors");
		assertThat(bytes).isEqualTo(Files.size(file));
		assertThat(target.resolve("config.json")).hasSameBinaryContentAs(golden.folder().resolve("config.json"));
		Collection<TensorInfo> written = Safetensors.readHeader(file).tensors().values();
		long end = written.iterator().next().offset();
		boolean packed = false;
		for (TensorInfo tensor : written) {
			packed |= tensor.byteSize() % PAGE != 0;
			assertThat(tensor.offset()).as(tensor.name()).isEqualTo(end);
			assertThat(tensor.offset() % (packed ? tensor.dtype().bytes() : PAGE)).as(tensor.name()).isZero();
			end = tensor.offset() + tensor.byteSize();
		}
		try (Checkpoint old = Checkpoint.open(golden.folder()); Checkpoint now = Checkpoint.open(target)) {
			assertThat(now.tensors().keySet()).isEqualTo(old.tensors().keySet());
			assertThat(written).hasSize(old.tensors().size());
			assertThat(now.totalBytes()).isEqualTo(old.totalBytes());
		}
		try (FlashEngine engine = FlashEngine.load(config(golden, target).ramBudget(RamBudget.MINIMUM).build())) {
			assertThat(Golden.generate(engine, golden.prompt(), golden.greedy().length).tokens())
				.isEqualTo(golden.greedy());
		}
	}

	/**
	 * Of experts as small as these, neighbours share blocks of the file and are read as
	 * one before packing as well.
	 */
	@ParameterizedTest
	@CsvSource({ "golden-mlx/qwen3_moe-4bit-g32, 0.9", "golden-mlx/llama-4bit-g32, 0.75" })
	void itStreamsInFewerReads(String name, double share) throws Exception {
		Golden golden = Golden.load(name);
		long[] reads = new long[2];
		Path[] models = { golden.folder(), repack(golden) };
		for (int i = 0; i < models.length; i++) {
			FlashConfig.Builder config = config(golden, models[i]);
			ResidencyPlan least = FlashEngine.plan(config.ramBudget(RamBudget.MINIMUM).build());
			RamBudget budget = RamBudget.ofBytes(least.minimumBytes() + least.weightBytes() / 4);
			try (FlashEngine engine = FlashEngine.load(config.ramBudget(budget).build())) {
				for (int round = 0; round < 3; round++) {
					Golden.generate(engine, golden.prompt(), golden.greedy().length);
				}
				reads[i] = engine.snapshot().io().reads();
			}
		}
		assertThat((double) reads[1]).isLessThan(reads[0] * share);
	}

	@Test
	void settingsAndTokenizerComeAlong() throws Exception {
		Path source = Golden.path("models/stories260K/bf16");
		Path target = this.folder.resolve("packed");
		FlashEngine.repack(source.toString(), target, (what, done, total) -> {
		});
		try (Stream<Path> files = Files.list(source)) {
			for (Path file : files.filter((path) -> path.toString().endsWith(".json")).toList()) {
				assertThat(target.resolve(file.getFileName().toString())).hasSameBinaryContentAs(file);
			}
		}
	}

	@Test
	void progressEndsWhereAllIsWrittenAndChecked() throws Exception {
		Golden golden = Golden.load("golden/llama");
		List<Long> done = new ArrayList<>();
		long[] whole = new long[1];
		FlashEngine.repack(golden.folder().toString(), this.folder.resolve("packed"), (what, now, total) -> {
			assertThat(what).matches("(writing|checking) .+");
			done.add(now);
			whole[0] = total;
		});
		assertThat(done).isSorted();
		assertThat(done.getLast()).isEqualTo(whole[0]);
	}

	@Test
	void aTargetThatExistsIsLeftAlone() throws Exception {
		Golden golden = Golden.load("golden/llama");
		Path other = Files.writeString(this.folder.resolve("other.txt"), "mine");
		assertThatExceptionOfType(CheckpointException.class)
			.isThrownBy(() -> FlashEngine.repack(golden.folder().toString(), this.folder, (what, done, total) -> {
			}))
			.withMessageContainingAll(this.folder.toString(), "is not empty", "delete it first");
		assertThatExceptionOfType(CheckpointException.class)
			.isThrownBy(() -> FlashEngine.repack(golden.folder().toString(), other, (what, done, total) -> {
			}))
			.withMessageContaining("is a file");
		assertThat(other).hasContent("mine");
		assertThat(this.folder).isDirectoryNotContaining((path) -> path.toString().endsWith(".tmp"));
	}

	@Test
	void aFailureLeavesNothingBehind() throws Exception {
		Golden golden = Golden.load("golden/llama");
		Path target = this.folder.resolve("packed");
		IllegalStateException stop = new IllegalStateException("stop");
		assertThatExceptionOfType(IllegalStateException.class)
			.isThrownBy(() -> FlashEngine.repack(golden.folder().toString(), target, (what, done, total) -> {
				if (what.startsWith("checking") && done > total * 3 / 4) {
					throw stop;
				}
			}))
			.isSameAs(stop);
		assertThat(this.folder).isEmptyDirectory();
	}

	@Test
	void whatIsWrittenWronglyIsNoticed() throws Exception {
		Golden golden = Golden.load("golden/llama");
		Path source = Files.createDirectory(this.folder.resolve("source"));
		for (String name : List.of("config.json", "model.safetensors")) {
			Files.copy(golden.folder().resolve(name), source.resolve(name));
		}
		Path target = this.folder.resolve("packed");
		boolean[] changed = new boolean[1];
		assertThatExceptionOfType(CheckpointException.class)
			.isThrownBy(() -> FlashEngine.repack(source.toString(), target, (what, done, total) -> {
				if (what.startsWith("checking") && !changed[0]) {
					changed[0] = true;
					try (RandomAccessFile file = new RandomAccessFile(source.resolve("model.safetensors").toFile(),
							"rw")) {
						file.seek(file.length() - 1);
						int last = file.read();
						file.seek(file.length() - 1);
						file.write(last ^ 1);
					}
					catch (IOException ex) {
						throw new UncheckedIOException(ex);
					}
				}
			}))
			.withMessageContaining("written wrongly");
		assertThat(target).doesNotExist();
	}

}
