package io.github.flashspring.engine.text;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.function.Executable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Published test vectors, the tokenizers they belong to, and the list of cases that are
 * known to fail.
 */
public final class TextVectors {

	private static final Path RESOURCES = Path.of("src/test/resources");

	/** Tokenizers that are part of the test resources. */
	static final List<String> TOKENIZERS = List.of("babyllama105", "stories260K", "qwen3", "gpt-oss", "mistral-v1",
			"mistral-v3", "phi-2", "phi-3-mini");

	/** As well as those whose vocabulary is cut, with all added tokens. */
	static final List<String> ALL_TOKENIZERS = Stream
		.concat(TOKENIZERS.stream(), Stream.of("deepseek-v3", "falcon", "roberta-base", "whisper"))
		.toList();

	private static final Map<String, Tokenizer> LOADED = new ConcurrentHashMap<>();

	private TextVectors() {
	}

	/**
	 * Reads a file of vectors.
	 * @param name its name below {@code vectors}
	 * @return its content
	 */
	public static JsonNode read(String name) {
		return JsonMapper.shared().readTree(RESOURCES.resolve("vectors").resolve(name).toFile());
	}

	/**
	 * Whole chat templates, of the vectors of flash-jinja.
	 * @return an array of objects with {@code name} and {@code chat_template}
	 */
	public static JsonNode jinjaTemplates() {
		return JsonMapper.shared()
			.readTree(Path.of("../flash-jinja/src/test/resources/vectors/jinja-e2e.json").toFile());
	}

	/**
	 * A test of one case; one that is known to fail must fail.
	 * @param suite the suite's name
	 * @param name the case's name
	 * @param executable the test
	 * @return the test
	 */
	public static DynamicTest test(String suite, String name, Executable executable) {
		String reason = knownFailures().get(suite + " / " + name);
		if (reason == null) {
			return DynamicTest.dynamicTest(name, executable);
		}
		return DynamicTest.dynamicTest(name + " (fails: " + reason + ")",
				() -> Assertions.assertThatThrownBy(executable::execute)
					.as("listed in known-failures.txt, but passes: take it off the list")
					.isInstanceOf(Throwable.class));
	}

	private static Map<String, String> knownFailures() {
		Map<String, String> reasons = new HashMap<>();
		try (Stream<String> lines = Files.lines(RESOURCES.resolve("vectors/known-failures.txt"))) {
			lines.filter((line) -> !line.startsWith("#"))
				.forEach((line) -> reasons.put(line.substring(0, line.indexOf(": ")),
						line.substring(line.indexOf(": ") + 2)));
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
		return reasons;
	}

	/**
	 * A tokenizer, loaded once for all tests; nobody closes it.
	 * @param name one of {@link #ALL_TOKENIZERS}
	 * @return the tokenizer
	 */
	public static Tokenizer tokenizer(String name) {
		return LOADED.computeIfAbsent(name, (key) -> Tokenizer.load(tokenizerFolder(key)));
	}

	/**
	 * A folder with a tokenizer's files.
	 * @param name one of {@link #ALL_TOKENIZERS}
	 * @return the folder
	 */
	static Path tokenizerFolder(String name) {
		if (name.equals("babyllama105") || name.equals("stories260K")) {
			return RESOURCES.resolve("models").resolve(name).resolve("f32");
		}
		Path source = RESOURCES.resolve("tokenizers").resolve(name);
		Path target = Path.of("target/test-tokenizers").resolve(name);
		try (Stream<Path> files = Files.list(source)) {
			Files.createDirectories(target);
			for (Path file : files.toList()) {
				String fileName = file.getFileName().toString();
				Path copy = target.resolve(fileName.replace(".gz", ""));
				if (Files.exists(copy)) {
					continue;
				}
				Path unfinished = Files.createTempFile(target, fileName, ".part");
				try (InputStream stream = fileName.endsWith(".gz") ? new GZIPInputStream(Files.newInputStream(file))
						: Files.newInputStream(file)) {
					Files.copy(stream, unfinished, StandardCopyOption.REPLACE_EXISTING);
				}
				Files.move(unfinished, copy, StandardCopyOption.ATOMIC_MOVE);
			}
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
		return target;
	}

	static int[] ints(JsonNode array) {
		return array.valueStream().mapToInt(JsonNode::intValue).toArray();
	}

}
