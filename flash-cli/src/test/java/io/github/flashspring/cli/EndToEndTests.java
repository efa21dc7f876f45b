package io.github.flashspring.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.FlashEngine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/**
 * The commands with the real engine on small checkpoints.
 */
class EndToEndTests {

	private static final Path DATA = Path.of("..", "flash-engine", "src", "test", "resources");

	@TempDir
	Path folder;

	@ParameterizedTest
	@ValueSource(strings = { "golden/llama", "golden/qwen3", "golden-mlx/llama-4bit-g32" })
	void greedyIdsAreThoseOfTheReference(String model) throws IOException {
		String golden = Files.readString(DATA.resolve(model).resolve("golden.json"));
		String greedy = numbers(golden, "greedy");
		Call call = flash("run", "--model", DATA.resolve(model).toString(), "--token-ids", numbers(golden, "prompt"),
				"--max-tokens", Integer.toString(greedy.split(",").length), "--print-ids");
		assertThat(call.out()).isEqualTo(greedy + "\n");
		assertThat(call.code()).isZero();
	}

	@Test
	void logitsAreThoseOfTheReferenceWhateverTheMemoryThreadsAndChunk() throws IOException {
		Path model = DATA.resolve("golden/llama");
		String prompt = numbers(Files.readString(model.resolve("golden.json")), "prompt");
		byte[] whole = logits(model, prompt);
		float[] expected = tensor(Files.readAllBytes(model.resolve("golden.safetensors")));
		assertThat(tensor(whole)).containsExactly(expected, within(5e-5f));
		for (List<String> options : List.of(List.of("--ram", "min"), List.of("--threads", "1", "--chunk", "1"),
				List.of("--threads", "3", "--chunk", "7", "--ram", "1000KB"))) {
			assertThat(logits(model, prompt, options.toArray(String[]::new))).as(options.toString()).isEqualTo(whole);
		}
	}

	@Test
	void importedFileRunsAsTheOriginal() throws IOException {
		Path gguf = DATA.resolve("models/stories260K/gguf/stories260K-f32.gguf");
		Path model = this.folder.resolve("imported");
		Call imported = flash("import", gguf.toString(), "--out", model.toString());
		assertThat(imported.code()).as(imported.err()).isZero();
		assertThat(imported.out()).isEmpty();
		assertThat(imported.err()).contains(" tensors, ").endsWith("flash run --model " + model + "\n");
		String[] ids = { "--token-ids", "1,403,407", "--max-tokens", "30", "--print-ids" };
		assertThat(run(model, ids)).isEqualTo(run(DATA.resolve("models/stories260K/f32"), ids));
		Call again = flash("import", gguf.toString(), "--out", model.toString());
		assertThat(again.code()).isOne();
		assertThat(again.err()).startsWith("flash import: ").contains("not empty").hasLineCount(1);
	}

	@Test
	void onlyFilesOfTheFormatAreImported() {
		String out = this.folder.resolve("out").toString();
		Call missing = flash("import", "/no/such.gguf", "--out", out);
		assertThat(missing.code()).isEqualTo(2);
		assertThat(missing.err()).startsWith("flash import: There is no file /no/such.gguf.");
		Call foreign = flash("import", "pom.xml", "--out", out);
		assertThat(foreign.code()).isOne();
		assertThat(foreign.err()).startsWith("flash import: ").contains("pom.xml").hasLineCount(1);
		assertThat(this.folder).isEmptyDirectory();
	}

	@Test
	void missingModelIsOneClearMessage() {
		Call call = flash("run", "--model", "/no/such/model", "--token-ids", "1");
		assertThat(call.code()).isOne();
		assertThat(call.out()).isEmpty();
		assertThat(call.err()).startsWith("flash run: ").contains("/no/such/model").hasLineCount(1);
	}

	@Test
	void budgetTooSmallIsRefusedWithTheArithmetic() {
		Call call = flash("run", "--model", DATA.resolve("golden/llama").toString(), "--token-ids", "1", "--ram",
				"1KB");
		assertThat(call.code()).isOne();
		assertThat(call.err()).startsWith("flash run: ").contains("budget");
	}

	@Test
	void idsBeyondTheVocabularyAreRefused() {
		Call call = flash("run", "--model", DATA.resolve("golden/llama").toString(), "--token-ids", "1,99999");
		assertThat(call.code()).isOne();
		assertThat(call.err()).contains("99999").contains("0 to 255");
	}

	private static String run(Path model, String... options) {
		List<String> args = new ArrayList<>(List.of("run", "--model", model.toString()));
		args.addAll(List.of(options));
		Call call = flash(args.toArray(String[]::new));
		assertThat(call.code()).as(call.err()).isZero();
		assertThat(call.out()).isNotBlank();
		return call.out();
	}

	private byte[] logits(Path model, String prompt, String... options) throws IOException {
		Path file = this.folder.resolve("logits.safetensors");
		List<String> args = new ArrayList<>(
				List.of("logits", "--model", model.toString(), "--token-ids", prompt, "--out", file.toString()));
		args.addAll(List.of(options));
		Call call = flash(args.toArray(String[]::new));
		assertThat(call.err()).startsWith("logits [24, 256]");
		return Files.readAllBytes(file);
	}

	/** Values of the tensor {@code logits} of a safetensors file. */
	private static float[] tensor(byte[] file) {
		ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
		int header = Math.toIntExact(bytes.getLong());
		String json = new String(file, 8, header, StandardCharsets.UTF_8);
		Matcher place = Pattern.compile("\"logits\":\\{[^}]*\"data_offsets\":\\[(\\d+),(\\d+)]").matcher(json);
		assertThat(place.find()).isTrue();
		int from = Integer.parseInt(place.group(1));
		int to = Integer.parseInt(place.group(2));
		float[] values = new float[(to - from) / Float.BYTES];
		bytes.position(8 + header + from).slice().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
		return values;
	}

	/** A list of numbers from a JSON text, with commas and nothing else between them. */
	private static String numbers(String json, String name) {
		Matcher list = Pattern.compile("\"" + name + "\":\\s*\\[([\\d,\\s]*)]").matcher(json);
		assertThat(list.find()).isTrue();
		return list.group(1).replaceAll("\\s", "");
	}

	private static Call flash(String... args) {
		return Call.of(FlashEngine::load, args);
	}

}
