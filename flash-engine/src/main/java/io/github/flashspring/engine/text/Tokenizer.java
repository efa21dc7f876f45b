package io.github.flashspring.engine.text;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.jinja.MarkedText;

/**
 * A model's tokenizer: text to token ids and back, by Hugging Face's own library. It lies
 * as {@code tokenizer.json} next to the checkpoint. Thread-safe. The native memory is
 * freed by {@link #close()}.
 */
public final class Tokenizer implements AutoCloseable {

	static final String ACTION = "Download the file again, or get the model from another source.";

	static final int MAX_BYTES = 128 << 20;

	/**
	 * The native library ends the process when the expression that cuts a text into words
	 * takes more than 10 million steps back at one place. Expressions of real models take
	 * up to two per character of a run, such as one of spaces.
	 */
	static final int MAX_CHARACTERS = 4 << 20;

	/** Of the library's lists of ids, texts, places and masks, and of its own copy. */
	private static final int ENCODED_BYTES_PER_TOKEN = 384;

	private final NativeTokenizer tokenizer;

	private final TextEncoder encoder;

	private final Vocabulary vocabulary;

	private final Map<String, String> specialTokens;

	private final Set<Integer> endOfTurnTokens;

	private final ControlTokens controlTokens;

	private final BeginOfText begin;

	private Tokenizer(NativeTokenizer tokenizer, Vocabulary vocabulary, Map<String, String> specialTokens,
			Set<Integer> endOfTurnTokens, BeginOfText begin) {
		this.tokenizer = tokenizer;
		this.encoder = new TextEncoder(tokenizer);
		this.vocabulary = vocabulary;
		this.specialTokens = specialTokens;
		this.endOfTurnTokens = endOfTurnTokens;
		this.controlTokens = vocabulary.controlTokens();
		this.begin = begin;
	}

	/**
	 * Whether a model has a tokenizer.
	 * @param modelFolder the model's folder
	 * @return whether {@link #load} finds a file
	 */
	public static boolean isPresent(Path modelFolder) {
		return Files.isRegularFile(modelFolder.resolve("tokenizer.json"));
	}

	/**
	 * The tokens that end what a model says, as far as that can be known without its
	 * tokenizer.
	 * @param modelFolder the model's folder
	 * @return ids from {@code generation_config.json} and {@code config.json}; may be
	 * empty
	 * @throws CheckpointException if a configuration is damaged
	 */
	public static Set<Integer> endOfTurnTokens(Path modelFolder) {
		return EndOfTurn.ids(modelFolder);
	}

	/**
	 * Loads a model's tokenizer.
	 * @param modelFolder folder with {@code tokenizer.json}; the end of a turn is also
	 * looked for in {@code generation_config.json}, {@code config.json},
	 * {@code tokenizer_config.json} and the chat template
	 * @return the tokenizer; the caller closes it
	 * @throws TokenizerException if a file is missing or wrong
	 * @throws CheckpointException if a configuration is damaged
	 */
	public static Tokenizer load(Path modelFolder) {
		return load(modelFolder, EndOfTurn.findTemplate(modelFolder));
	}

	/**
	 * Loads the tokenizer of a model whose chat template is loaded already.
	 * @param modelFolder folder with {@code tokenizer.json}; the end of a turn is also
	 * looked for in {@code generation_config.json}, {@code config.json} and
	 * {@code tokenizer_config.json}
	 * @param template the model's chat template, null if it has none that can be used
	 * @return the tokenizer; the caller closes it
	 * @throws TokenizerException if a file is missing or wrong
	 * @throws CheckpointException if a configuration is damaged
	 */
	public static Tokenizer load(Path modelFolder, @Nullable ChatTemplate template) {
		Path file = modelFolder.resolve("tokenizer.json");
		String json = ModelFiles.readText(file, MAX_BYTES);
		if (json == null) {
			throw missing(modelFolder);
		}
		Vocabulary.Source source = VocabularyReader.read(json, file, AddedToken.ofOtherFiles(modelFolder));
		Vocabulary vocabulary = source.vocabulary();
		EndOfTurn endOfTurn = EndOfTurn.read(modelFolder, vocabulary, template);
		return new Tokenizer(NativeTokenizer.create(source.json(), file), vocabulary, endOfTurn.specialTokens(),
				endOfTurn.ids(), BeginOfText.read(modelFolder));
	}

	/**
	 * What to throw when a model without a tokenizer is asked to read text.
	 * @param modelFolder the model's folder
	 * @return the exception
	 */
	public static TokenizerException missing(Path modelFolder) {
		Path file = modelFolder.resolve("tokenizer.json");
		for (String other : List.of("tokenizer.model", "tekken.json", "vocab.json", "vocab.txt")) {
			if (Files.isRegularFile(modelFolder.resolve(other))) {
				return new TokenizerException(file + " does not exist; only " + other + " does.",
						"Convert it: AutoTokenizer.from_pretrained(folder).save_pretrained(folder) of Python's transformers"
								+ " writes tokenizer.json.");
			}
		}
		return new TokenizerException(file + " does not exist.",
				"Download the model's tokenizer.json into its folder.");
	}

	/**
	 * Makes a text safe to encode: where an untrusted character is part of a control
	 * token's text, {@link #encode} will not read it as that token, but as ordinary text.
	 * Control tokens are the special ones and the markers of thinking and tools. The ids
	 * of all else stay the same.
	 * @param text what a chat template rendered
	 * @return the text to encode
	 */
	public String hideUntrusted(MarkedText text) {
		return this.controlTokens.hide(text, this::isSpelled);
	}

	/**
	 * Whether the model's own pieces make up a control token, as those of Unigram models
	 * may.
	 */
	private boolean isSpelled(String token) {
		int middle = token.offsetByCodePoints(0, 1);
		String hidden = token.substring(0, middle) + ControlTokens.SEPARATOR + token.substring(middle);
		Integer id = this.vocabulary.addedIds().get(token);
		return id != null && Arrays.stream(encode(hidden, false)).anyMatch((found) -> found == id);
	}

	/**
	 * Turns text into token ids. The texts of special tokens are read as these tokens,
	 * unless {@link #hideUntrusted} hid them.
	 * @param text any text; halves of surrogate pairs count as U+FFFD
	 * @param addSpecialTokens whether to add what the tokenizer adds to a text by
	 * default, such as the beginning-of-text token, or what {@code add_bos_token} of
	 * {@code tokenizer_config.json} says; false for texts that a chat template made
	 * @return the ids, never truncated
	 * @throws TokenizerException if the text has more than 4,194,304 characters, or the
	 * tokenizer's tables do not fit together
	 */
	public int[] encode(String text, boolean addSpecialTokens) {
		TextEncoder.checkLength(text);
		Boolean wanted = this.begin.wanted();
		if (addSpecialTokens && wanted != null) {
			OptionalInt token = wanted ? beginOfText() : OptionalInt.empty();
			IntStream first = token.isPresent() ? IntStream.of(token.getAsInt()) : IntStream.empty();
			return IntStream.concat(first, Arrays.stream(encode(text, false))).toArray();
		}
		return this.encoder.encode(text, addSpecialTokens);
	}

	/**
	 * Whether a text has surely more tokens than a limit, without encoding all of it:
	 * slices of the text are counted until there is no doubt, which is at twice the
	 * limit, since a cut changes only the tokens next to it.
	 * @param text any text
	 * @param limit a number of tokens
	 * @return true if so; false if {@link #encode} has to tell, whose work is bounded by
	 * the limit then
	 */
	public boolean exceeds(String text, int limit) {
		if (text.length() <= limit) {
			return false;
		}
		long tokens = 0;
		for (int from = 0; from < text.length() && tokens <= 2L * limit; from += NativeTokenizer.LONG_TEXT) {
			int to = Math.min(from + NativeTokenizer.LONG_TEXT, text.length());
			tokens += encode(text.substring(from, to), false).length;
		}
		return tokens > 2L * limit;
	}

	/**
	 * Native memory that encoding a text needs.
	 * @param limit a number of tokens that the text does not {@link #exceeds exceed}
	 * @return bytes
	 */
	public static long encodingBytes(int limit) {
		return 2L * limit * ENCODED_BYTES_PER_TOKEN;
	}

	/**
	 * Turns token ids into text.
	 * @param ids token ids; those that the tokenizer does not know give no text
	 * @param skipSpecialTokens whether special tokens give no text
	 * @return the text, with U+FFFD for bytes that are not characters
	 */
	public String decode(int[] ids, boolean skipSpecialTokens) {
		long[] wide = new long[ids.length];
		for (int i = 0; i < ids.length; i++) {
			wide[i] = checkId(ids[i]);
		}
		return this.tokenizer.decode(wide, skipSpecialTokens);
	}

	private static int checkId(int id) {
		if (id < 0) {
			throw new IllegalArgumentException("A token id must not be negative, but is " + id);
		}
		return id;
	}

	/**
	 * A decoder for tokens that come one by one.
	 * @param skipSpecialTokens whether special tokens give no text
	 * @return the decoder, for one thread and one text
	 */
	public StreamDecoder streamDecoder(boolean skipSpecialTokens) {
		return new StreamDecoder(this, this.vocabulary, skipSpecialTokens ? this.vocabulary.special() : Set.of());
	}

	/**
	 * A decoder for tokens that come one by one, without special tokens but for these.
	 * @param kept texts of special tokens to keep, such as {@link OutputParser#markers()}
	 * @return the decoder, for one thread and one text
	 */
	public StreamDecoder streamDecoder(Set<String> kept) {
		Set<Integer> skipped = new HashSet<>(this.vocabulary.special());
		for (String text : kept) {
			tokenId(text).ifPresent(skipped::remove);
		}
		return new StreamDecoder(this, this.vocabulary, skipped);
	}

	/**
	 * A decoder for tokens that come one by one, without special tokens.
	 * @return the decoder, for one thread and one text
	 */
	public StreamDecoder streamDecoder() {
		return streamDecoder(true);
	}

	/**
	 * How many ids there are.
	 * @return one more than the highest id; the model's table may have more rows
	 */
	public int vocabularySize() {
		return this.vocabulary.size();
	}

	/**
	 * The id of a special or added token.
	 * @param text its text, such as {@code <|im_end|>}
	 * @return the id; empty if there is no such token
	 */
	public OptionalInt tokenId(String text) {
		Integer id = this.vocabulary.addedIds().get(text);
		return (id != null) ? OptionalInt.of(id) : OptionalInt.empty();
	}

	/**
	 * The text of a special or added token.
	 * @param id its id
	 * @return the text, null if the id is an ordinary token's or unknown
	 */
	public @Nullable String tokenText(int id) {
		return this.vocabulary.addedTexts().get(id);
	}

	/**
	 * Whether a token is special: not part of the text.
	 * @param id a token id
	 * @return whether it is
	 */
	public boolean isSpecial(int id) {
		return this.vocabulary.special().contains(id);
	}

	/**
	 * The bytes that each token writes. They are read from the file each time.
	 * @param modelFolder the folder that the tokenizer was loaded from
	 * @return [vocabulary]; the text of special tokens; null for ids that stand for
	 * nothing
	 * @throws TokenizerException if tokens have no bytes of their own
	 */
	public List<byte @Nullable []> tokenBytes(Path modelFolder) {
		return TokenBytes.read(modelFolder.resolve("tokenizer.json"), this.vocabulary.size(),
				this.vocabulary.addedTexts());
	}

	/**
	 * The token that begins a text.
	 * @return the id of the {@code bos_token} of {@code tokenizer_config.json}; empty if
	 * there is none
	 */
	public OptionalInt beginOfText() {
		String text = this.specialTokens.get("bos_token");
		return (text != null) ? tokenId(text) : OptionalInt.empty();
	}

	/**
	 * The tokens that end what a model says.
	 * @return ids from {@code generation_config.json}, {@code config.json},
	 * {@code tokenizer_config.json} and the chat template; may be empty
	 */
	public Set<Integer> endOfTurnTokens() {
		return this.endOfTurnTokens;
	}

	/**
	 * Frees the native memory. The tokenizer cannot be used afterwards.
	 */
	@Override
	public void close() {
		this.tokenizer.close();
	}

}
