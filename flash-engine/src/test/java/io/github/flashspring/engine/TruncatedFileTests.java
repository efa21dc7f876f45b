package io.github.flashspring.engine;

import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.DamagedModel.Damage;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.generate.Sampling;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Another process truncates the file of weights that stay in the page cache, again and
 * again, while a JVM of its own computes with them: were a mapping of the file computed
 * with, that JVM would end.
 */
@Timeout(600)
class TruncatedFileTests {

	private static final int ROUNDS = Integer.getInteger("flash.truncate-rounds", 20);

	@TempDir
	private Path folder;

	@ParameterizedTest
	@ValueSource(strings = { "golden/llama", "golden/qwen3_moe" })
	void truncationDuringPassesEndsRequestsNotTheJvm(String name) throws Exception {
		DamagedModel model = new DamagedModel(name, this.folder);
		Path errors = Files.createTempFile("truncated", ".txt");
		Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
				"-XX:+UseSerialGC", "-Xmx256m", "-cp", System.getProperty("java.class.path"),
				Generating.class.getName(), name, this.folder.toString())
			.redirectError(errors.toFile())
			.start();
		try (BufferedReader answers = process.inputReader()) {
			Random random = new Random(1);
			assertThat(answers.readLine()).isEqualTo("right");
			for (int round = 0; round < ROUNDS; round++) {
				Thread.sleep(0, random.nextInt(999_999));
				model.apply((round % 2 == 0) ? Damage.EMPTY : Damage.HALF);
				assertThat(answers.readLine()).as("round %d: %s", round, Files.readString(errors))
					.startsWith("refused")
					.contains(model.weights().toString(), "truncated while in use", "needs reload");
				model.restore();
				assertThat(answers.readLine()).as("round %d: %s", round, Files.readString(errors)).isEqualTo("right");
			}
			process.outputWriter().append('.').close();
			assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
			assertThat(process.exitValue()).as(Files.readString(errors)).isZero();
		}
		finally {
			process.destroyForcibly();
			Files.delete(errors);
		}
	}

	/** Answers until its input ends, and says so whenever answers change their kind. */
	static final class Generating {

		private Generating() {
		}

		public static void main(String[] args) throws Exception {
			Golden golden = Golden.load(args[0]);
			GenerationRequest request = new GenerationRequest(new GenerationRequest.Tokens(golden.prompt()),
					Sampling.GREEDY, golden.greedy().length, List.of(), true);
			FlashConfig config = FlashConfig.builder(args[1])
				.contextLength(golden.prompt().length + golden.greedy().length)
				.threads(2)
				.reading(FlashConfig.Reading.DEFAULT.mapped(true))
				.build();
			String said = "";
			try (FlashEngine engine = FlashEngine.load(config)) {
				int[] expected = Golden.finish(engine.generate(request)).tokens();
				while (System.in.available() == 0) {
					String answer;
					try {
						int[] tokens = Golden.finish(engine.generate(request)).tokens();
						answer = Arrays.equals(tokens, expected) ? "right" : "wrong " + Arrays.toString(tokens);
					}
					catch (CheckpointException ex) {
						FlashEngine.Failure failure = engine.lastFailure();
						boolean down = failure != null && failure.needsReload();
						answer = "refused, " + (down ? "needs reload: " : "goes on: ") + ex.getMessage();
					}
					if (!answer.substring(0, 5).equals(said)) {
						System.out.println(answer.replace('\n', ' '));
						said = answer.substring(0, 5);
					}
				}
			}
		}

	}

}
