package io.github.flashspring.engine;

import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import io.github.flashspring.engine.generate.Constraint;
import io.github.flashspring.engine.generate.Sampler;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.generate.grammar.Calls;
import io.github.flashspring.engine.generate.grammar.Structure;
import io.github.flashspring.engine.text.AnswerSyntax;
import io.github.flashspring.engine.text.ChatTemplate;
import io.github.flashspring.engine.text.Tokenizer;
import io.github.flashspring.engine.text.ToolDefinition;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * CPU time of masks while typical answers are written, each time with a new structure, of
 * which no mask is known. {@code -Dflash.test.tokenizer=FOLDER} measures another
 * tokenizer.
 */
@Tag("slow")
class MaskCostTests {

	private static final Path TOKENIZERS = Path.of("src/test/resources/tokenizers");

	private static final int ROUNDS = Integer.getInteger("flash.test.rounds", 30);

	/** Rounds before the JIT compiler has seen enough. */
	private static final int WARM_UP = 10;

	private static final ChatTemplate TEMPLATE = ChatTemplate.parse(
			"{{ tools }}<think></think><tool_call>{\"name\": , \"arguments\": }</tool_call>", "hermes", Map.of(),
			Clock.systemUTC());

	private static final String SCHEMA = """
			{"type":"object","$comment":"%d","properties":{"title":{"type":"string"},
			"author":{"type":"object","properties":{"name":{"type":"string","maxLength":60},"born":{"type":"integer"}},
			"required":["name"],"additionalProperties":false},"published":{"type":"string","format":"date"},
			"isbn":{"type":"string","pattern":"^[0-9]{13}$"},"genre":{"enum":["novel","poem","play","essay"]},
			"tags":{"type":"array","items":{"type":"string"},"maxItems":5},"price":{"type":["number","null"]},
			"available":{"type":"boolean"}},"required":["title","author","genre","tags"],"additionalProperties":false}""";

	private static final String TEXT = "The user asks for a novel about the sea. Hemingway's fits: it is short, and "
			+ "everybody knows it (or says so).\n\n1. It has *one* old man & <one> fish — \"naïve\", 老人と海.\n";

	private static final List<Segment> VALUE = List.of(new Segment(Place.REASONING, "<think>\n" + TEXT),
			new Segment(Place.STRUCTURE, "</think>\n\n{\n  \"title\": \""),
			new Segment(Place.STRING, "The Old Man and the Sea, or: \\\"El viejo y el mar\\\""),
			new Segment(Place.STRUCTURE, "\",\n  \"author\": {\"name\": \""),
			new Segment(Place.STRING, "Ernest Hemingway"),
			new Segment(Place.STRUCTURE,
					"\", \"born\": 1899},\n  \"published\": \"1952-09-01\",\n"
							+ "  \"isbn\": \"9780684801223\",\n  \"genre\": \"novel\",\n  \"tags\": [\""),
			new Segment(Place.STRING, "fishing"), new Segment(Place.STRUCTURE, "\", \""),
			new Segment(Place.STRING, "old age"),
			new Segment(Place.STRUCTURE, "\"],\n  \"price\": 12.5,\n  \"available\": true\n}"));

	private static final List<Segment> CALL = List.of(new Segment(Place.FREE, "</think>\n\n" + TEXT),
			new Segment(Place.STRUCTURE, "<tool_call>\n{\"name\": \"find_book\", \"arguments\": {\"title\": \""),
			new Segment(Place.STRING, "The Old Man and the Sea"),
			new Segment(Place.STRUCTURE, "\", \"author\": {\"name\": \""), new Segment(Place.STRING, "Hemingway"),
			new Segment(Place.STRUCTURE, "\"}, \"genre\": \"novel\", \"tags\": []}}\n</tool_call>"));

	@TempDir
	private Path folder;

	static Stream<Path> tokenizers() {
		return Optional.ofNullable(System.getProperty("flash.test.tokenizer"))
			.map((folder) -> Stream.of(Path.of(folder)))
			.orElseGet(() -> Stream.of("mistral-v1", "qwen3", "gpt-oss").map(TOKENIZERS::resolve));
	}

	@ParameterizedTest
	@MethodSource("tokenizers")
	void answersAreAdmittedAndTheirMasksMeasured(Path source) throws IOException {
		Path model = unpacked(source);
		List<Cost> first = new ArrayList<>();
		List<Cost> costs = new ArrayList<>();
		try (Tokenizer tokenizer = Tokenizer.load(model)) {
			Map<String, Integer> vocabulary = vocabulary(tokenizer.tokenBytes(model));
			Structures structures = new Structures(tokenizer, model,
					Structures.memoryBytes(Files.size(model.resolve("tokenizer.json"))));
			for (int round = 0; round < WARM_UP + ROUNDS; round++) {
				List<Cost> measured = new ArrayList<>();
				String schema = SCHEMA.formatted(round);
				measured.addAll(write(VALUE, structures, vocabulary, structures
					.constraint(new Structure.JsonSchema(schema, true, false), null, AnswerSyntax.of(TEMPLATE, ""))));
				Calls calls = new Calls(List.of(new ToolDefinition("find_book", "", schema)), false, true);
				measured.addAll(write(CALL, structures, vocabulary,
						structures.constraint(null, calls, AnswerSyntax.of(TEMPLATE, "<think>"))));
				if (round == 0) {
					first.addAll(measured);
				}
				if (round >= WARM_UP) {
					costs.addAll(measured);
				}
			}
			System.out.printf("%s: %,d tokens, ms of CPU time%n", source.getFileName(), tokenizer.vocabularySize());
		}
		print("first answer", first, Cost::mask);
		for (Place place : Place.values()) {
			print("new: " + place.text, costs.stream().filter((cost) -> cost.place() == place && cost.isNew()).toList(),
					Cost::mask);
		}
		print("known", costs.stream().filter((cost) -> !cost.isNew()).toList(), Cost::mask);
		print("token, all in all", costs, (cost) -> cost.mask() + cost.rest());
	}

	private static List<Cost> write(List<Segment> segments, Structures structures, Map<String, Integer> vocabulary,
			Constraint constraint) {
		Sampler sampler = new Sampler(Sampling.GREEDY, new int[0]);
		float[] logits = new float[Collections.max(vocabulary.values()) + 1];
		List<Cost> costs = new ArrayList<>();
		Place before = segments.getFirst().place();
		for (Segment segment : segments) {
			for (int token : longest(segment.text(), vocabulary)) {
				long known = structures.metrics().ready();
				long mask = time(constraint::admitted);
				boolean isNew = structures.metrics().ready() == known;
				float[] free = logits.clone();
				float[] restricted = logits.clone();
				long rest = time(() -> sampler.next(restricted, constraint, Set.of()))
						- time(() -> sampler.next(free, null, Set.of()));
				assertThat(restricted[token]).as("%d in %s", token, segment).isZero();
				rest += time(() -> constraint.advance(token));
				costs.add(new Cost(before, isNew, mask, rest));
				before = segment.place();
			}
		}
		assertThat(constraint.mayEnd()).isTrue();
		return costs;
	}

	/** Tokens by their bytes, as characters. */
	private static Map<String, Integer> vocabulary(List<byte @Nullable []> tokens) {
		Map<String, Integer> vocabulary = new HashMap<>();
		for (int id = 0; id < tokens.size(); id++) {
			byte[] token = tokens.get(id);
			if (token != null) {
				vocabulary.put(new String(token, StandardCharsets.ISO_8859_1), id);
			}
		}
		return vocabulary;
	}

	/** A text in the longest tokens, without what a tokenizer puts before a text. */
	private static List<Integer> longest(String text, Map<String, Integer> vocabulary) {
		String bytes = new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
		List<Integer> tokens = new ArrayList<>();
		for (int from = 0, to = bytes.length(); from < bytes.length(); to--) {
			Integer token = vocabulary.get(bytes.substring(from, to));
			if (token != null) {
				tokens.add(token);
				from = to;
				to = bytes.length() + 1;
			}
		}
		return tokens;
	}

	private static long time(Runnable work) {
		long began = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
		work.run();
		return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - began;
	}

	private static void print(String name, List<Cost> costs, ToLongFunction<Cost> nanos) {
		double[] sorted = costs.stream().mapToLong(nanos).sorted().mapToDouble((each) -> each / 1e6).toArray();
		if (sorted.length == 0) {
			return;
		}
		System.out.printf("  %-18s %6d: mean %.3f, median %.3f, 99 %% below %.3f, longest %.3f%n", name, sorted.length,
				Arrays.stream(sorted).average().orElse(0), sorted[sorted.length / 2], sorted[sorted.length * 99 / 100],
				sorted[sorted.length - 1]);
	}

	private Path unpacked(Path source) throws IOException {
		Path zipped = source.resolve("tokenizer.json.gz");
		if (!Files.exists(zipped)) {
			return source;
		}
		try (InputStream json = new GZIPInputStream(Files.newInputStream(zipped))) {
			Files.copy(json, this.folder.resolve("tokenizer.json"));
		}
		Files.copy(source.resolve("tokenizer_config.json"), this.folder.resolve("tokenizer_config.json"));
		return this.folder;
	}

	/** Where in an answer a mask is needed. */
	private enum Place {

		REASONING("reasoning"), FREE("free text"), STRING("JSON string"), STRUCTURE("other JSON");

		private final String text;

		Place(String text) {
			this.text = text;
		}

	}

	/** A part of an answer. */
	private record Segment(Place place, String text) {

	}

	/**
	 * What a token costs.
	 *
	 * @param place where it stands
	 * @param isNew whether its mask was not known
	 * @param mask nanoseconds of its mask
	 * @param rest nanoseconds of removing the other tokens, and of going on
	 */
	private record Cost(Place place, boolean isNew, long mask, long rest) {

	}

}
