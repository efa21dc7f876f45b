package io.github.flashspring.engine.modelfile;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

import org.jspecify.annotations.Nullable;

/**
 * A parameter that Ollama knows: its type, and whether Flash has a use for it.
 */
public enum Parameter {

	/** Tokens that prompt and answer may have together. */
	NUM_CTX(Type.INTEGER),
	/** Most tokens of an answer; -1 and -2: what is left of the context. */
	NUM_PREDICT(Type.INTEGER),
	/** Divides the logits; 0: greedy. */
	TEMPERATURE(Type.NUMBER),
	/** Choose among the k most likely tokens; 0: all. */
	TOP_K(Type.INTEGER),
	/** Choose among tokens whose probabilities add up to p. */
	TOP_P(Type.NUMBER),
	/** Choose among tokens at least this fraction as likely as the first. */
	MIN_P(Type.NUMBER),
	/** Divides logits of tokens that occurred. */
	REPEAT_PENALTY(Type.NUMBER),
	/** Tokens to which penalties look back; 0: none, -1: all. */
	REPEAT_LAST_N(Type.INTEGER),
	/** Subtracted once from logits of tokens of the answer. */
	PRESENCE_PENALTY(Type.NUMBER),
	/** Subtracted per occurrence in the answer. */
	FREQUENCY_PENALTY(Type.NUMBER),
	/** Start of the random numbers; -1: a fresh one. */
	SEED(Type.INTEGER),
	/** A text that ends the answer; may come several times. */
	STOP(Type.TEXT),
	/** Threads that compute; 0: one per processor. */
	NUM_THREAD(Type.INTEGER),
	/** Tokens of the prompt computed at once. */
	NUM_BATCH(Type.INTEGER),
	/** Layers on a GPU; 0: compute on the CPU. */
	NUM_GPU(Type.INTEGER),
	/** Keeps tokens that are typical for their context; 1: all. */
	TYPICAL_P(Type.NUMBER, "Flash has no typical sampling"),
	/** Tokens of the prompt kept when the context is full. */
	NUM_KEEP(Type.INTEGER, "Flash ends the answer when the context is full"),
	/** The GPU that computes. */
	MAIN_GPU(Type.INTEGER, "Flash chooses the device"),
	/** Whether weights are mapped. */
	USE_MMAP(Type.FLAG, "Flash plans what is pinned and what is read"),
	/** Tokens that a draft model guesses. */
	DRAFT_NUM_PREDICT(Type.INTEGER, "Flash runs no draft model"),
	/** Of the past: whether newlines are penalised. */
	PENALIZE_NEWLINE(Type.FLAG, Parameter.DEPRECATED),
	/** Of the past: whether little memory of a GPU is used. */
	LOW_VRAM(Type.FLAG, Parameter.DEPRECATED),
	/** Of the past: whether keys and values have 16 bits. */
	F16_KV(Type.FLAG, Parameter.DEPRECATED),
	/** Of the past: whether logits of all positions are kept. */
	LOGITS_ALL(Type.FLAG, Parameter.DEPRECATED),
	/** Of the past: whether only the vocabulary is loaded. */
	VOCAB_ONLY(Type.FLAG, Parameter.DEPRECATED),
	/** Of the past: whether memory is locked. */
	USE_MLOCK(Type.FLAG, Parameter.DEPRECATED),
	/** Of the past: kind of Mirostat sampling. */
	MIROSTAT(Type.INTEGER, Parameter.DEPRECATED),
	/** Of the past: aim of Mirostat sampling. */
	MIROSTAT_TAU(Type.NUMBER, Parameter.DEPRECATED),
	/** Of the past: speed of Mirostat sampling. */
	MIROSTAT_ETA(Type.NUMBER, Parameter.DEPRECATED);

	private static final String DEPRECATED = "Ollama ignores it too";

	private final Type type;

	private final @Nullable String ignored;

	Parameter(Type type) {
		this(type, null);
	}

	Parameter(Type type, @Nullable String ignored) {
		this.type = type;
		this.ignored = ignored;
	}

	/**
	 * Finds a parameter.
	 * @param name as written, in any case
	 * @return the parameter, if there is one of that name
	 */
	public static Optional<Parameter> of(String name) {
		String lower = name.toLowerCase(Locale.ROOT);
		return Arrays.stream(values()).filter((parameter) -> parameter.key().equals(lower)).findFirst();
	}

	/**
	 * {@return the names of all parameters}
	 */
	public static List<String> keys() {
		return Arrays.stream(values()).map(Parameter::key).toList();
	}

	/**
	 * {@return the name as it is written, such as {@code num_ctx}}
	 */
	public String key() {
		return name().toLowerCase(Locale.ROOT);
	}

	/**
	 * {@return why Flash has no use for it; null if it has}
	 */
	public @Nullable String ignored() {
		return this.ignored;
	}

	/**
	 * Refuses a value of another type.
	 * @param value as written
	 * @throws IllegalArgumentException if it is of another type; says what is expected
	 */
	public void check(String value) {
		boolean right = switch (this.type) {
			case INTEGER -> value.matches("[+-]?\\d{1,18}");
			case NUMBER -> value.matches("[+-]?(\\d{1,30}(\\.\\d{0,30})?|\\.\\d{1,30})([eE][+-]?\\d{1,2})?");
			case FLAG -> value.matches("(?i)true|false|t|f|1|0");
			case TEXT -> !value.isEmpty();
		};
		if (!right) {
			throw new IllegalArgumentException(
					"%s must be %s, but is %s".formatted(key(), this.type.expected, ModelfileException.quote(value)));
		}
	}

	/** Type of a value. */
	private enum Type {

		INTEGER("a whole number"), NUMBER("a number"), FLAG("true or false"), TEXT("a text that is not empty");

		private final String expected;

		Type(String expected) {
			this.expected = expected;
		}

	}

}
