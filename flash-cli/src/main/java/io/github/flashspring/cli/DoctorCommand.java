package io.github.flashspring.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.lang.management.ManagementFactory;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import io.github.flashspring.cli.bench.SynthesizeCommand;
import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.Generation;
import io.github.flashspring.engine.GenerationEvent;
import io.github.flashspring.engine.GenerationRequest;
import io.github.flashspring.engine.checkpoint.CacheFolder;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.memory.MemoryLimits;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.metrics.ByteSize;
import io.github.flashspring.engine.storage.DirectFile;
import io.github.flashspring.engine.storage.DirectFiles;
import io.github.flashspring.engine.storage.DiskProbe;
import io.github.flashspring.engine.storage.ReadPattern;

/**
 * {@code flash doctor}: whether this machine is ready, and what to do where it is not.
 */
@Command(name = "doctor", mixinStandardHelpOptions = true, customSynopsis = "flash doctor",
		description = "Check Java, processor, memory, disk and huge pages, and run a small model from end to end.",
		footer = { "", "Writes about 80 MB below the cache folder for the test, and removes them." })
@SuppressWarnings("NullAway.Init") // picocli sets @Spec
final class DoctorCommand implements Callable<Integer> {

	/** Below that, decoding waits for the disk even with small models. */
	private static final double SLOW_DISK = 500e6;

	private static final long SMALL_MEMORY = 2L << 30;

	private static final int[] PROMPT = { 1, 5, 7 };

	private static final int ANSWER = 8;

	@Spec
	private CommandSpec spec;

	private boolean failed;

	private String device = "";

	@Override
	public Integer call() throws IOException {
		java();
		vectors();
		memory();
		hugePages();
		Path folder = CacheFolder.ofSystem().resolve("doctor-" + ProcessHandle.current().pid());
		try {
			model(folder);
		}
		finally {
			delete(folder);
		}
		return this.failed ? 1 : 0;
	}

	private void java() {
		String java = "Java " + Runtime.version() + ", " + System.getProperty("java.vendor");
		List<String> missing = new ArrayList<>();
		List<String> given = ManagementFactory.getRuntimeMXBean().getInputArguments();
		if (!vectorModule()) {
			missing.add("--add-modules jdk.incubator.vector");
		}
		if (given.stream().noneMatch((one) -> one.startsWith("--enable-native-access"))) {
			missing.add("--enable-native-access=ALL-UNNAMED");
		}
		say(missing.isEmpty(), "java", java + (missing.isEmpty() ? "" : "; missing " + String.join(" ", missing)),
				"Start with the script flash, or add these options.");
	}

	private static boolean vectorModule() {
		return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
	}

	private void vectors() {
		int processors = Runtime.getRuntime().availableProcessors();
		String device = System.getProperty("os.arch") + ", " + processors + " processors";
		say(vectorModule(), "processor", device + (vectorModule() ? ", vector kernels" : ", without vector kernels"),
				"Add --add-modules jdk.incubator.vector: plain kernels are several times slower.");
	}

	private void memory() {
		MemoryLimits limits = MemoryLimits.ofSystem();
		say(limits.limitBytes() >= SMALL_MEMORY, "memory",
				ByteSize.readable(limits.availableBytes()) + " available of " + ByteSize.readable(limits.limitBytes())
						+ " (" + limits.source() + ")",
				"Little memory streams most of each model from disk. Raise the limit of the container if there is one.");
	}

	private void hugePages() throws IOException {
		Path setting = Path.of("/sys/kernel/mm/transparent_hugepage/enabled");
		if (!Files.isReadable(setting)) {
			say(true, "huge pages", "not a setting of this system", "");
			return;
		}
		String modes = Files.readString(setting).strip();
		say(!modes.contains("[never]"), "huge pages", modes,
				"Let programs ask for them: echo madvise | sudo tee " + setting);
	}

	private void model(Path folder) throws IOException {
		Files.createDirectories(folder);
		Path model = folder.resolve("model");
		CommandLine synthesize = new CommandLine(new SynthesizeCommand((what, done, total) -> {
			// takes a second
		}));
		synthesize.setErr(new PrintWriter(Writer.nullWriter()));
		int code = synthesize.execute("--format", "mlx-4bit", "--hidden", "1024", "--mlp", "4096", "--heads", "8",
				"--kv-heads", "8", "--layers", "8", "--vocabulary", "1024", "--out", model.toString());
		if (code != CommandLine.ExitCode.OK) {
			say(false, "model", "cannot be written to " + folder, "Free some space, or set FLASH_CACHE_DIR.");
			return;
		}
		disk(model.resolve("model.safetensors"));
		int[] resident = answer(model, RamBudget.UNLIMITED);
		long start = System.nanoTime();
		int[] streamed = answer(model, RamBudget.MINIMUM);
		double seconds = (System.nanoTime() - start) * 1e-9;
		say(Arrays.equals(resident, streamed), "model",
				String.format(Locale.ROOT, "%d tokens streamed from disk in %.1f s, %s those with all in memory",
						ANSWER, seconds, Arrays.equals(resident, streamed) ? "the same as" : "not the same as"),
				"This is a defect. Please report it with the output of flash --version.");
	}

	private void disk(Path file) {
		try (DirectFile open = DirectFiles.open(file)) {
			double rate = DiskProbe.ofSystem()
				.profile(open, 64 << 20)
				.patterns()
				.stream()
				.mapToDouble(ReadPattern::bytesPerSecond)
				.max()
				.orElse(0);
			String found = ByteSize.readable((long) rate) + "/s, "
					+ (open.direct() ? "direct reads" : "reads through the page cache");
			say(rate >= SLOW_DISK && open.direct(), "disk", found,
					open.direct() ? "Models that do not fit into memory will be slow. Keep them on an NVMe disk."
							: "The file system refuses direct reads. Keep models on a local ext4, xfs, btrfs or APFS.");
		}
	}

	private int[] answer(Path model, RamBudget budget) {
		FlashConfig config = FlashConfig.builder(model.toString()).ramBudget(budget).contextLength(64).build();
		GenerationRequest request = new GenerationRequest(new GenerationRequest.Tokens(PROMPT), Sampling.GREEDY, ANSWER,
				List.of(), true);
		try (FlashEngine engine = FlashEngine.load(config); Generation generation = engine.generate(request)) {
			this.device = engine.snapshot().device();
			for (GenerationEvent event = generation.next(); event != null; event = generation.next()) {
				if (event instanceof GenerationEvent.Finished finished) {
					return finished.tokens();
				}
			}
			throw new IllegalStateException("The generation ended without saying why");
		}
	}

	private void say(boolean good, String what, String found, String advice) {
		PrintWriter out = this.spec.commandLine().getOut();
		out.printf("%-5s %-11s %s%n", good ? "ok" : "WARN", what, found);
		if (!good) {
			this.failed = true;
			out.printf("%-5s %-11s %s%n", "", "", advice);
		}
		out.flush();
	}

	private static void delete(Path folder) throws IOException {
		if (!Files.exists(folder)) {
			return;
		}
		Files.walkFileTree(folder, new SimpleFileVisitor<>() {

			@Override
			public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
				Files.delete(file);
				return FileVisitResult.CONTINUE;
			}

			@Override
			public FileVisitResult postVisitDirectory(Path visited, IOException failure) throws IOException {
				Files.delete(visited);
				return FileVisitResult.CONTINUE;
			}

		});
	}

}
