package io.github.flashspring.engine.checkpoint.gguf;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes a GGUF vocabulary as {@code tokenizer.json} of Hugging Face's tokenizers.
 */
final class TokenizerJson {

	/** SentencePiece's mark for a space. */
	private static final String SPACE = "▁";

	private final JsonMapper json;

	private final GgufMetadata metadata;

	private final GgufVocabulary vocabulary;

	TokenizerJson(JsonMapper json, GgufMetadata metadata, GgufVocabulary vocabulary) {
		this.json = json;
		this.metadata = metadata;
		this.vocabulary = vocabulary;
	}

	ObjectNode build() {
		ObjectNode root = this.json.createObjectNode();
		root.put("version", "1.0");
		root.putNull("truncation");
		root.putNull("padding");
		root.set("added_tokens", addedTokens());
		if (this.vocabulary.byteLevel()) {
			byteLevel(root);
		}
		else {
			sentencePiece(root);
		}
		return root;
	}

	private ArrayNode addedTokens() {
		ArrayNode added = this.json.createArrayNode();
		for (int id = 0; id < this.vocabulary.tokens().size(); id++) {
			if (this.vocabulary.isAdded(id)) {
				ObjectNode token = added.addObject();
				token.put("id", id);
				describe(token, id);
			}
		}
		return added;
	}

	/** The properties that a token has here and in {@code tokenizer_config.json}. */
	void describe(ObjectNode token, int id) {
		token.put("content", this.vocabulary.tokens().get(id));
		token.put("single_word", false);
		token.put("lstrip", false);
		token.put("rstrip", false);
		token.put("normalized", false);
		token.put("special", this.vocabulary.isSpecial(id));
	}

	private void byteLevel(ObjectNode root) {
		String name = this.metadata.findString("tokenizer.ggml.pre").orElse("default");
		PreTokenizers pre = PreTokenizers.find(name)
			.orElseThrow(() -> this.metadata.wrong("tokenizer.ggml.pre",
					"a known way to cut text (gpt-2, smollm, llama-bpe, qwen2, tekken, falcon, default, …)", name));
		root.putNull("normalizer");
		ArrayNode steps = root.putObject("pre_tokenizer").put("type", "Sequence").putArray("pretokenizers");
		if (pre.individualDigits()) {
			steps.addObject().put("type", "Digits").put("individual_digits", true);
		}
		for (String pattern : pre.patterns()) {
			ObjectNode split = steps.addObject().put("type", "Split");
			split.putObject("pattern").put("Regex", pattern);
			split.put("behavior", "Isolated").put("invert", false);
		}
		byteLevel(steps.addObject(), false, pre.byteLevelPattern());
		if (this.vocabulary.addBos() || this.vocabulary.addEos()) {
			template(root.putObject("post_processor"));
		}
		else {
			byteLevel(root.putObject("post_processor"), true, true);
		}
		byteLevel(root.putObject("decoder"), true, true);
		ObjectNode model = model(root, false, pre.ignoreMerges());
		ArrayNode merges = model.putArray("merges");
		for (String merge : this.metadata.requireStrings("tokenizer.ggml.merges")) {
			merges.add(checked(merge));
		}
	}

	private static void byteLevel(ObjectNode step, boolean addPrefixSpace, boolean useRegex) {
		step.put("type", "ByteLevel")
			.put("add_prefix_space", addPrefixSpace)
			.put("trim_offsets", true)
			.put("use_regex", useRegex);
	}

	private String checked(String merge) {
		int space = merge.indexOf(' ');
		boolean two = space > 0 && space < merge.length() - 1 && merge.indexOf(' ', space + 1) < 0;
		for (String token : two ? List.of(merge.substring(0, space), merge.substring(space + 1), merge.replace(" ", ""))
				: List.of(merge)) {
			if (!two || !this.vocabulary.ids().containsKey(token)) {
				throw this.metadata.wrong("tokenizer.ggml.merges",
						"pairs of tokens with a space between, whose parts and result are in the vocabulary", merge);
			}
		}
		return merge;
	}

	private void sentencePiece(ObjectNode root) {
		boolean prefix = this.metadata.getBoolean("tokenizer.ggml.add_space_prefix", true);
		ArrayNode normalizers = root.putObject("normalizer").put("type", "Sequence").putArray("normalizers");
		if (prefix) {
			normalizers.addObject().put("type", "Prepend").put("prepend", SPACE);
		}
		replace(normalizers.addObject(), " ", SPACE);
		root.putNull("pre_tokenizer");
		template(root.putObject("post_processor"));
		boolean byteFallback = hasAllBytes();
		ArrayNode decoders = root.putObject("decoder").put("type", "Sequence").putArray("decoders");
		replace(decoders.addObject(), SPACE, " ");
		if (byteFallback) {
			decoders.addObject().put("type", "ByteFallback");
		}
		decoders.addObject().put("type", "Fuse");
		if (prefix) {
			decoders.addObject().put("type", "Strip").put("content", " ").put("start", 1).put("stop", 0);
		}
		ArrayNode merges = model(root, byteFallback, false).putArray("merges");
		mergesByScore().forEach(merges::add);
	}

	private static void replace(ObjectNode step, String from, String to) {
		step.put("type", "Replace").putObject("pattern").put("String", from);
		step.put("content", to);
	}

	private boolean hasAllBytes() {
		Set<String> bytes = new HashSet<>();
		for (int id = 0; id < this.vocabulary.tokens().size(); id++) {
			if (this.vocabulary.kinds()[id] == GgufVocabulary.BYTE) {
				bytes.add(this.vocabulary.tokens().get(id));
			}
		}
		for (int value = 0; value < 256; value++) {
			if (!bytes.contains("<0x%02X>".formatted(value))) {
				return false;
			}
		}
		return true;
	}

	/**
	 * SentencePiece joins the neighbours whose joint piece has the best score. As merges:
	 * every split of a piece into two pieces, ordered by the piece's score.
	 */
	private List<String> mergesByScore() {
		record Merge(double score, int left, int right) {
		}
		List<String> tokens = this.vocabulary.tokens();
		double[] scores = this.metadata.requireDoubles("tokenizer.ggml.scores", tokens.size());
		List<Merge> merges = new ArrayList<>();
		for (int id = 0; id < tokens.size(); id++) {
			String piece = tokens.get(id);
			if (this.vocabulary.kinds()[id] != GgufVocabulary.NORMAL) {
				continue;
			}
			for (int cut = 1; cut < piece.length(); cut++) {
				Integer left = this.vocabulary.ids().get(piece.substring(0, cut));
				Integer right = this.vocabulary.ids().get(piece.substring(cut));
				if (left != null && right != null && this.vocabulary.kinds()[left] == GgufVocabulary.NORMAL
						&& this.vocabulary.kinds()[right] == GgufVocabulary.NORMAL) {
					merges.add(new Merge(scores[id], left, right));
				}
			}
		}
		merges.sort(Comparator.comparingDouble((Merge merge) -> -merge.score())
			.thenComparingInt(Merge::left)
			.thenComparingInt(Merge::right));
		return merges.stream().map((merge) -> tokens.get(merge.left()) + " " + tokens.get(merge.right())).toList();
	}

	private ObjectNode model(ObjectNode root, boolean byteFallback, boolean ignoreMerges) {
		ObjectNode model = root.putObject("model");
		model.put("type", "BPE");
		model.putNull("dropout");
		if (this.vocabulary.unk().isPresent() && !this.vocabulary.byteLevel()) {
			model.put("unk_token", this.vocabulary.text(this.vocabulary.unk()));
		}
		else {
			model.putNull("unk_token");
		}
		model.putNull("continuing_subword_prefix");
		model.putNull("end_of_word_suffix");
		model.put("fuse_unk", !this.vocabulary.byteLevel());
		model.put("byte_fallback", byteFallback);
		model.put("ignore_merges", ignoreMerges);
		ObjectNode ids = model.putObject("vocab");
		this.vocabulary.ids().forEach(ids::put);
		return model;
	}

	/** Adds the begin and end of a sequence. */
	private void template(ObjectNode processor) {
		processor.put("type", "TemplateProcessing");
		sequence(processor.putArray("single"), "A", 0);
		ArrayNode pair = processor.putArray("pair");
		sequence(pair, "A", 0);
		sequence(pair, "B", 1);
		ObjectNode special = processor.putObject("special_tokens");
		if (this.vocabulary.addBos()) {
			special(special, this.vocabulary.bos().getAsInt());
		}
		if (this.vocabulary.addEos()) {
			special(special, this.vocabulary.eos().getAsInt());
		}
	}

	private void sequence(ArrayNode template, String name, int typeId) {
		if (this.vocabulary.addBos()) {
			piece(template, "SpecialToken", this.vocabulary.text(this.vocabulary.bos()), typeId);
		}
		piece(template, "Sequence", name, typeId);
		if (this.vocabulary.addEos()) {
			piece(template, "SpecialToken", this.vocabulary.text(this.vocabulary.eos()), typeId);
		}
	}

	private static void piece(ArrayNode template, String kind, String id, int typeId) {
		template.addObject().putObject(kind).put("id", id).put("type_id", typeId);
	}

	private void special(ObjectNode tokens, int id) {
		String text = this.vocabulary.tokens().get(id);
		ObjectNode token = tokens.putObject(text);
		token.put("id", text);
		token.putArray("ids").add(id);
		token.putArray("tokens").add(text);
	}

}
