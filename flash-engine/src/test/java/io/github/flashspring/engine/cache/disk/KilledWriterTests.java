package io.github.flashspring.engine.cache.disk;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A process that writes prefixes is killed at any moment: what has a name is whole.
 */
@Tag("slow")
class KilledWriterTests {

	private static final int KILLS = Integer.getInteger("flash.kills", 100);

	private static final byte[] MODEL = PageHash.of(new byte[] { 1 });

	private static final int FLOATS = 200_000;

	private static final long MAX = 20L << 20;

	@TempDir
	Path parent;

	private static Segment segment(int number) {
		float[] floats = new float[FLOATS];
		Random random = new Random(number);
		for (int i = 0; i < FLOATS; i++) {
			floats[i] = random.nextFloat();
		}
		int[] tokens = new int[16];
		tokens[0] = number;
		return new Segment(MODEL, MODEL, 0, 16, tokens, List.of(new Segment.Part(0, 0, floats)));
	}

	@Test
	void whatHasANameIsWholeAfterAnyKill() throws Exception {
		Path folder = this.parent.resolve("prefixes");
		Random random = new Random(3);
		int whole = 0;
		for (int kill = 0; kill < KILLS; kill++) {
			Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
					"-cp", System.getProperty("java.class.path"), "-XX:TieredStopAtLevel=1", Child.class.getName(),
					folder.toString(), String.valueOf(kill * 1000))
				.redirectErrorStream(true)
				.start();
			assertThat(process.getInputStream().read()).as("the child's first word").isEqualTo('w');
			Thread.sleep(random.nextInt(400));
			process.destroyForcibly().waitFor();
			PrefixFolder opened = PrefixFolder.open(folder, MAX);
			for (int number = kill * 1000; opened.has(segment(number).hash()); number++) {
				Segment found = Objects.requireNonNull(opened.read(segment(number).hash(), MODEL, SHAPE));
				assertThat(found.parts().getFirst().floats()).isEqualTo(segment(number).parts().getFirst().floats());
				whole++;
			}
			assertThat(opened.metrics(0, 0).damaged()).isZero();
			assertThat(opened.metrics(0, 0).bytes()).isLessThanOrEqualTo(MAX);
		}
		assertThat(whole).isPositive();
		try (Stream<Path> files = Files.list(folder)) {
			// unfinished ones are removed when they are old
			assertThat(files.count()).isLessThanOrEqualTo(MAX / (4 * FLOATS) + KILLS);
		}
	}

	private static final PrefixFolder.Shape SHAPE = new PrefixFolder.Shape() {

		@Override
		public long bytes(int group) {
			return 4L * FLOATS;
		}

		@Override
		public long maxBytes() {
			return 4L * FLOATS;
		}

	};

	/** Writes until it is killed. */
	static final class Child {

		private Child() {
		}

		public static void main(String[] arguments) throws Exception {
			PrefixFolder folder = PrefixFolder.open(Path.of(arguments[0]), MAX);
			System.out.println("writes");
			System.out.flush();
			for (int number = Integer.parseInt(arguments[1]);; number++) {
				folder.write(segment(number), () -> true);
			}
		}

	}

}
