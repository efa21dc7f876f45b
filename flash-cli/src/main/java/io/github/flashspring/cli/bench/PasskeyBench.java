package io.github.flashspring.cli.bench;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.ToIntFunction;

import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.Generation;
import io.github.flashspring.engine.GenerationEvent;
import io.github.flashspring.engine.GenerationRequest;
import io.github.flashspring.engine.cache.KvPrecision;
import io.github.flashspring.engine.checkpoint.ModelLocator;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.text.Tokenizer;

/**
 * Whether a model finds a number again that was hidden in a long text: at several depths,
 * with keys and values in all precisions.
 */
final class PasskeyBench {

	/** Tokens of an answer: enough for five digits and some words. */
	static final int TOKENS = 10;

	/** Where the number is hidden, in percent of the text. */
	private static final List<Integer> DEPTHS = List.of(0, 25, 50, 75, 100);

	private static final String QUESTION = "What is the secret passkey? The secret passkey is";

	private static final List<String> FILLER = List.of("Rain fell on the hills for most of the day. ",
			"A cart went by, and nobody looked up. ", "The baker closed his shop a little early. ",
			"Somewhere behind the church a dog barked twice. ", "In the evening the river was loud. ");

	private final FlashConfig.Builder config;

	private final int window;

	private final PrintWriter out;

	private final PrintWriter progress;

	/**
	 * Prepares.
	 * @param config of the engine, but for the precision and the context
	 * @param window newest tokens in half precision in hybrid mode
	 * @param out gets the table
	 * @param progress is told what is being done
	 */
	PasskeyBench(FlashConfig.Builder config, int window, PrintWriter out, PrintWriter progress) {
		this.config = config;
		this.window = window;
		this.out = out;
		this.progress = progress;
	}

	/**
	 * Asks for numbers.
	 * @param lengths tokens of the texts
	 * @param rounds numbers for each depth, the same for all precisions
	 * @return how many were found
	 */
	Report run(List<Integer> lengths, int rounds) {
		List<Result> results = new ArrayList<>();
		this.out.printf(Locale.ROOT, "%-8s %8s", "kv", "tokens");
		DEPTHS.forEach((depth) -> this.out.printf(Locale.ROOT, " %6d%%", depth));
		this.out.printf(Locale.ROOT, " %8s%n", "found");
		for (int length : lengths) {
			List<Task> tasks = tasks(length, rounds);
			for (KvPrecision.Mode mode : KvPrecision.Mode.values()) {
				this.progress.println("%d tokens, %s".formatted(length, KvOptions.name(mode)));
				this.progress.flush();
				Result result = ask(mode, length, tasks);
				print(result);
				results.add(result);
			}
		}
		return new Report(rounds, results);
	}

	private List<Task> tasks(int length, int rounds) {
		Path folder = ModelLocator.ofSystem().locate(this.config.build().model());
		List<Task> tasks = new ArrayList<>();
		try (Tokenizer tokenizer = Tokenizer.load(folder)) {
			Random random = new Random(length);
			for (int depth : DEPTHS) {
				for (int round = 0; round < rounds; round++) {
					int number = random.nextInt(10_000, 100_000);
					tasks.add(new Task(depth, number,
							text(number, depth, length, (text) -> tokenizer.encode(text, true).length)));
				}
			}
		}
		return tasks;
	}

	/** The longest text that has at most so many tokens. */
	static String text(int number, int depth, int length, ToIntFunction<String> tokens) {
		int low = 0;
		int high = length;
		while (low < high) {
			int middle = (low + high + 1) >>> 1;
			if (tokens.applyAsInt(text(number, depth, middle)) <= length) {
				low = middle;
			}
			else {
				high = middle - 1;
			}
		}
		return text(number, depth, low);
	}

	private static String text(int number, int depth, int sentences) {
		StringBuilder text = new StringBuilder();
		int before = sentences * depth / 100;
		for (int i = 0; i <= sentences; i++) {
			if (i == before) {
				text.append("The secret passkey is ").append(number).append(". Remember it. ");
			}
			if (i < sentences) {
				text.append(FILLER.get(i % FILLER.size()));
			}
		}
		return text.append(QUESTION).toString();
	}

	private Result ask(KvPrecision.Mode mode, int length, List<Task> tasks) {
		int[] found = new int[DEPTHS.size()];
		try (FlashEngine engine = FlashEngine.load(this.config.contextLength(length + TOKENS)
			.kv(new KvPrecision(mode, this.window, KvPrecision.F32.bits()))
			.build())) {
			for (Task task : tasks) {
				String answer = answer(engine.generate(new GenerationRequest(new GenerationRequest.Text(task.text()),
						Sampling.GREEDY, TOKENS, List.of(), true)));
				found[DEPTHS.indexOf(task.depth())] += answer.contains(String.valueOf(task.number())) ? 1 : 0;
			}
		}
		List<Hits> hits = new ArrayList<>();
		for (int i = 0; i < found.length; i++) {
			hits.add(new Hits(DEPTHS.get(i), found[i]));
		}
		return new Result(KvOptions.name(mode), length, hits, tasks.size());
	}

	private static String answer(Generation generation) {
		StringBuilder text = new StringBuilder();
		try (generation) {
			GenerationEvent event = generation.next();
			while (event != null) {
				if (event instanceof GenerationEvent.Text chunk) {
					text.append(chunk.text());
				}
				event = generation.next();
			}
		}
		return text.toString();
	}

	private void print(Result result) {
		this.out.printf(Locale.ROOT, "%-8s %8d", result.kv(), result.tokens());
		result.depths().forEach((hits) -> this.out.printf(Locale.ROOT, " %7d", hits.found()));
		int all = result.depths().stream().mapToInt(Hits::found).sum();
		this.out.printf(Locale.ROOT, " %4d/%d%n", all, result.asked());
		this.out.flush();
	}

	/**
	 * A number to find.
	 *
	 * @param depth where it is hidden, in percent
	 * @param number five digits
	 * @param text hides it, and asks for it
	 */
	private record Task(int depth, int number, String text) {

	}

	/**
	 * What was found.
	 *
	 * @param numbers hidden at each depth
	 * @param results for each length and precision
	 */
	record Report(int numbers, List<Result> results) {

	}

	/**
	 * What was found in texts of a length.
	 *
	 * @param kv precision of keys and values
	 * @param tokens of each text at most
	 * @param depths hits at each depth
	 * @param asked numbers at all depths together
	 */
	record Result(String kv, int tokens, List<Hits> depths, int asked) {

	}

	/**
	 * Hits at a depth.
	 *
	 * @param percent of the text before the number
	 * @param found how many numbers
	 */
	record Hits(int percent, int found) {

	}

}
