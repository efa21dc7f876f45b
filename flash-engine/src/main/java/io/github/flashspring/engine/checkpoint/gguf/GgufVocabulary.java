package io.github.flashspring.engine.checkpoint.gguf;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/**
 * The tokens of a GGUF file, their kinds, and which of them mean something special.
 *
 * @param tokens texts by id
 * @param kinds kinds by id, see the constants
 * @param ids ids by text
 * @param byteLevel byte-level BPE with merges; false: SentencePiece-style with scores
 * @param bos begin of sequence
 * @param eos end of sequence
 * @param unk unknown
 * @param pad padding
 * @param addBos whether a text begins with {@code bos}
 * @param addEos whether a text ends with {@code eos}
 */
record GgufVocabulary(List<String> tokens, int[] kinds, Map<String, Integer> ids, boolean byteLevel, OptionalInt bos,
		OptionalInt eos, OptionalInt unk, OptionalInt pad, boolean addBos, boolean addEos) {

	static final int NORMAL = 1;

	static final int UNKNOWN = 2;

	static final int CONTROL = 3;

	static final int USER_DEFINED = 4;

	static final int BYTE = 6;

	/** Tokens that end a turn in the templates of well-known model families. */
	private static final Set<String> TURN_ENDS = Set.of("<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>",
			"<|endoftext|>", "<|eom_id|>", "<EOT>", "<|end_of_text|>");

	static GgufVocabulary of(GgufMetadata metadata, int vocabSize) {
		String model = metadata.requireString("tokenizer.ggml.model");
		boolean byteLevel = switch (model) {
			case "gpt2" -> true;
			case "llama" -> false;
			default -> throw metadata.wrong("tokenizer.ggml.model",
					"'gpt2' (byte-level BPE) or 'llama' (SentencePiece-style)", model);
		};
		List<String> tokens = new ArrayList<>(metadata.requireStrings("tokenizer.ggml.tokens"));
		if (tokens.size() > vocabSize) {
			throw metadata.wrong("tokenizer.ggml.tokens", "at most " + vocabSize + " tokens, the rows of the embedding",
					tokens);
		}
		Map<String, Integer> ids = LinkedHashMap.newLinkedHashMap(tokens.size());
		for (int id = 0; id < tokens.size(); id++) {
			if (tokens.get(id).isEmpty()) {
				tokens.set(id, "[EMPTY_" + id + "]");
			}
			Integer other = ids.put(tokens.get(id), id);
			if (other != null) {
				throw metadata.wrong("tokenizer.ggml.tokens", "different tokens",
						"token " + other + " again as token " + id);
			}
		}
		PreTokenizers pre = PreTokenizers.find(metadata.findString("tokenizer.ggml.pre").orElse("default"))
			.orElse(null);
		boolean beginsByDefault = byteLevel ? pre != null && pre.addsBeginning() : true;
		return new GgufVocabulary(List.copyOf(tokens), kinds(metadata, tokens.size()), ids, byteLevel,
				special(metadata, "bos", tokens.size(), byteLevel ? -1 : 1),
				special(metadata, "eos", tokens.size(), byteLevel ? -1 : 2),
				special(metadata, "unknown", tokens.size(), byteLevel ? -1 : 0),
				special(metadata, "padding", tokens.size(), -1),
				metadata.getBoolean("tokenizer.ggml.add_bos_token", beginsByDefault),
				metadata.getBoolean("tokenizer.ggml.add_eos_token", false))
			.check(metadata);
	}

	private GgufVocabulary check(GgufMetadata metadata) {
		if (this.addBos && this.bos.isEmpty()) {
			throw metadata.wrong("tokenizer.ggml.bos_token_id", "a token, since add_bos_token is true", null);
		}
		if (this.addEos && this.eos.isEmpty()) {
			throw metadata.wrong("tokenizer.ggml.eos_token_id", "a token, since add_eos_token is true", null);
		}
		return this;
	}

	private static int[] kinds(GgufMetadata metadata, int count) {
		int[] kinds = new int[count];
		if (!metadata.has("tokenizer.ggml.token_type")) {
			Arrays.fill(kinds, NORMAL);
			return kinds;
		}
		long[] stored = metadata.requireLongs("tokenizer.ggml.token_type", count);
		for (int id = 0; id < count; id++) {
			kinds[id] = (int) stored[id];
		}
		return kinds;
	}

	private static OptionalInt special(GgufMetadata metadata, String name, int count, int usual) {
		OptionalInt id = metadata.findInt("tokenizer.ggml." + name + "_token_id", 0, count - 1);
		return (id.isEmpty() && usual >= 0 && usual < count) ? OptionalInt.of(usual) : id;
	}

	/** The text of a token that may be absent. */
	String text(OptionalInt id) {
		return this.tokens.get(id.getAsInt());
	}

	boolean isSpecial(int id) {
		return this.kinds[id] == CONTROL || this.kinds[id] == UNKNOWN;
	}

	/** Tokens that are found in a text before anything else. */
	boolean isAdded(int id) {
		return isSpecial(id) || this.kinds[id] == USER_DEFINED;
	}

	/** Tokens after which a model has finished, the file's own first. */
	Set<Integer> turnEnds(GgufMetadata metadata) {
		Set<Integer> ends = new LinkedHashSet<>();
		this.eos.ifPresent(ends::add);
		for (String name : List.of("eot", "eom")) {
			special(metadata, name, this.tokens.size(), -1).ifPresent(ends::add);
		}
		for (String text : TURN_ENDS.stream().sorted().toList()) {
			Integer id = this.ids.get(text);
			if (id != null && isAdded(id)) {
				ends.add(id);
			}
		}
		return ends;
	}

}
