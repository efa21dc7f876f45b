package io.github.flashspring.cli.bench;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * Options of {@code flash bench} that choose another measurement than that of budgets.
 */
@SuppressWarnings("NullAway.Init") // picocli sets options
public final class ModeOptions {

	/** What the sentence with the number and the question take in any tokenizer. */
	private static final int MIN_PASSKEY_TOKENS = 128;

	@Option(names = "--positions", paramLabel = "LIST", split = ",",
			description = "Measure instead the speed of prompts of so many tokens and of decoding after them, such as"
					+ " 512,4096,16384, in the first of the budgets. The share of attention in decoding is one minus the"
					+ " time of a token at position 0 over that at the position.")
	private List<Integer> positions = new ArrayList<>();

	@Option(names = "--clients", paramLabel = "LIST", split = ",",
			description = "Measure instead, in each of the budgets, how fast so many clients at once generate, such as"
					+ " 1,2,4,8. Their requests have no limit of tokens and are cancelled when together they have --tokens"
					+ " each. Fails if a client gets other tokens than alone.")
	private List<Integer> clients = new ArrayList<>();

	@Option(names = "--passkey", paramLabel = "LIST", split = ",", arity = "0..1", fallbackValue = "1024",
			description = "Measure instead whether the model finds numbers that are hidden in texts of so many tokens,"
					+ " at several depths, in each precision of keys and values; as many numbers for each depth as --rounds."
					+ " Default: ${FALLBACK-VALUE}.")
	private List<Integer> passkey = new ArrayList<>();

	@Option(names = "--first-answer",
			description = "Measure instead how long a fresh JVM takes, started with the options of this one, as 'flash run'"
					+ " starts: wall and CPU time (user and system) from before its start to the first and the eighth token"
					+ " and to its end, and the rate of the first 200 tokens over that of the next 200. With --budgets in"
					+ " the first of them, otherwise with the memory that 'flash run' takes. Files are in the page cache.")
	private boolean firstAnswer;

	@Option(names = "--answer-once", hidden = true, paramLabel = "N",
			description = "Answer once with so many tokens, and print when they came.")
	private @Nullable Integer answerOnce;

	@Option(names = "--degradation",
			description = "Measure instead how much concurrent reads slow down a model that is wholly in memory,"
					+ " with and without the bandwidth controller.")
	private boolean degradation;

	@Option(names = "--load",
			description = "Measure instead, once, how long this fresh process takes until the model is ready, and until"
					+ " its first token, in the first of the budgets. For a cold disk, have the system drop its caches"
					+ " before, on Linux: sync; echo 3 > /proc/sys/vm/drop_caches")
	private boolean load;

	List<Integer> positions() {
		return this.positions;
	}

	List<Integer> clients() {
		return this.clients;
	}

	List<Integer> passkey() {
		return this.passkey;
	}

	@Nullable Integer answerOnce() {
		return this.answerOnce;
	}

	/**
	 * What is measured.
	 * @param kernels whether that are kernels
	 * @param severalThreads whether several numbers of threads are given
	 * @return the measurement
	 * @throws IllegalArgumentException if options exclude each other
	 */
	Mode mode(boolean kernels, boolean severalThreads) {
		List<Mode> chosen = new ArrayList<>();
		add(chosen, kernels, Mode.KERNELS);
		add(chosen, this.firstAnswer, Mode.FIRST_ANSWER);
		add(chosen, this.degradation, Mode.DEGRADATION);
		add(chosen, this.load, Mode.LOAD);
		add(chosen, !this.positions.isEmpty(), Mode.SCALING);
		add(chosen, !this.clients.isEmpty(), Mode.CLIENTS);
		add(chosen, !this.passkey.isEmpty(), Mode.PASSKEY);
		if (chosen.size() > 1) {
			throw new IllegalArgumentException(
					"--kernels, --first-answer, --degradation, --clients, --passkey, --load and --positions exclude each other");
		}
		if (this.positions.stream().anyMatch((position) -> position < 1)) {
			throw new IllegalArgumentException("--positions must be at least 1, but are " + this.positions);
		}
		if (this.clients.stream().anyMatch((number) -> number < 1 || number > 1024)) {
			throw new IllegalArgumentException("--clients must be 1 to 1024, but are " + this.clients);
		}
		if (this.passkey.stream().anyMatch((length) -> length < MIN_PASSKEY_TOKENS)) {
			throw new IllegalArgumentException(
					"--passkey must be at least " + MIN_PASSKEY_TOKENS + " tokens, but are " + this.passkey);
		}
		Mode mode = chosen.isEmpty() ? Mode.BUDGETS : chosen.getFirst();
		if (mode == Mode.BUDGETS && severalThreads) {
			return Mode.SCALING;
		}
		if (severalThreads && mode != Mode.KERNELS && mode != Mode.SCALING) {
			throw new IllegalArgumentException(
					"--first-answer, --degradation, --clients, --load and --passkey take one number of --threads");
		}
		return mode;
	}

	private static void add(List<Mode> chosen, boolean is, Mode mode) {
		if (is) {
			chosen.add(mode);
		}
	}

	/** What is measured. */
	enum Mode {

		/** Speed in several budgets. */
		BUDGETS,

		/** Speed at several numbers of threads and positions. */
		SCALING,

		/** Several clients at once. */
		CLIENTS,

		/** Numbers hidden in long texts. */
		PASSKEY,

		/** Linear layers alone. */
		KERNELS,

		/** A fresh JVM until its first tokens. */
		FIRST_ANSWER,

		/** Reads concurrent with compute. */
		DEGRADATION,

		/** A fresh process until its model is ready. */
		LOAD

	}

}
