package io.github.flashspring.engine.checkpoint.gguf;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.Quantization;
import io.github.flashspring.engine.checkpoint.TensorSource;

/**
 * The tensors of a Llama in the Hugging Face layout: names, rows put back, and the module
 * settings that follow from their types.
 */
final class LlamaTensors {

	private static final Pattern BLOCK = Pattern.compile("blk\\.(\\d{1,5})\\.(\\w+)\\.(weight|bias)");

	private static final Map<String, String> LAYER_PARTS = Map.of("attn_norm", "input_layernorm", "ffn_norm",
			"post_attention_layernorm", "attn_q", "self_attn.q_proj", "attn_k", "self_attn.k_proj", "attn_v",
			"self_attn.v_proj", "attn_output", "self_attn.o_proj", "ffn_gate", "mlp.gate_proj", "ffn_up", "mlp.up_proj",
			"ffn_down", "mlp.down_proj");

	private static final Map<String, String> OUTER = Map.of("token_embd.weight", "model.embed_tokens.weight",
			"output_norm.weight", "model.norm.weight", "output.weight", "lm_head.weight");

	private final GgufFile file;

	private final LlamaShape shape;

	private final Map<String, TensorSource> sources = new LinkedHashMap<>();

	/** By module, for every matrix; empty: stored plainly. */
	private final Map<String, Optional<Quantization>> quantization = new LinkedHashMap<>();

	/** Names of decoded tensors by what happened to their type. */
	private final Map<Decoded, List<String>> decoded = new LinkedHashMap<>();

	LlamaTensors(GgufFile file, LlamaShape shape) {
		this.file = file;
		this.shape = shape;
		Set<String> found = new LinkedHashSet<>();
		for (GgufTensor tensor : file.tensors().values()) {
			if (!tensor.name().equals("rope_freqs.weight")) {
				found.add(add(tensor));
			}
		}
		requireComplete(found);
		completeBiases(found);
	}

	Map<String, TensorSource> sources() {
		return this.sources;
	}

	Map<String, Optional<Quantization>> quantization() {
		return this.quantization;
	}

	Map<Decoded, List<String>> decoded() {
		return this.decoded;
	}

	boolean hasHead() {
		return this.sources.containsKey("lm_head.weight");
	}

	boolean hasAttentionBias() {
		return this.sources.containsKey("model.layers.0.self_attn.q_proj.bias");
	}

	boolean hasMlpBias() {
		return this.sources.containsKey("model.layers.0.mlp.up_proj.bias");
	}

	/** Rows of the embedding. */
	int vocabSize() {
		GgufTensor embedding = this.file.tensors().get("token_embd.weight");
		if (embedding == null || embedding.shape().size() != 2 || embedding.columns() != this.shape.hiddenSize()
				|| embedding.rows() > 1 << 24) {
			throw failure("Tensor 'token_embd.weight' should have the shape [vocabulary, " + this.shape.hiddenSize()
					+ "], found " + ((embedding != null) ? embedding.shape() : "nothing"));
		}
		return (int) embedding.rows();
	}

	private String add(GgufTensor tensor) {
		String name = OUTER.get(tensor.name());
		RowOrder order = RowOrder.SAME;
		if (name == null) {
			Matcher block = BLOCK.matcher(tensor.name());
			String part = block.matches() ? LAYER_PARTS.get(block.group(2)) : null;
			if (part == null || Integer.parseInt(block.group(1)) >= this.shape.layers()) {
				throw new CheckpointException(
						"Tensor '" + tensor.name() + "' of " + this.file.file() + " does not belong to a Llama of "
								+ this.shape.layers() + " layers.",
						"The model is another architecture under this name: use its original safetensors.");
			}
			name = "model.layers." + Integer.parseInt(block.group(1)) + "." + part + "." + block.group(3);
			order = switch (block.group(2)) {
				case "attn_q" -> this.shape.rotaryOrder(tensor, this.shape.heads());
				case "attn_k" -> this.shape.rotaryOrder(tensor, this.shape.keyValueHeads());
				default -> RowOrder.SAME;
			};
		}
		if (order != RowOrder.SAME && tensor.shape().size() == 1) {
			addPermutedVector(name, tensor, order);
			return name;
		}
		TensorConverter converter = new TensorConverter(this.file, tensor, order);
		if (tensor.shape().size() == 2 && name.endsWith(".weight")) {
			this.quantization.put(name.substring(0, name.length() - ".weight".length()), converter.quantization());
		}
		Map<String, TensorSource> written = converter.sources(name);
		this.sources.putAll(written);
		if (BlockDecoder.of(tensor.type()).isPresent()) {
			written.forEach((key, source) -> this.decoded
				.computeIfAbsent(new Decoded(tensor.type(), source.dtype()), (kind) -> new ArrayList<>())
				.add(key));
		}
		return name;
	}

	/** A bias of q or k: its elements are what the matrix's rows are. */
	private void addPermutedVector(String name, GgufTensor tensor, RowOrder order) {
		GgufTensor column = new GgufTensor(tensor.name(), tensor.type(), List.of(tensor.columns(), 1L), tensor.offset(),
				tensor.byteSize());
		new TensorConverter(this.file, column, order).sources(name)
			.forEach((key, source) -> this.sources.put(key,
					new TensorSource(source.dtype(), tensor.shapeArray(), source.body())));
	}

	private void requireComplete(Set<String> found) {
		Set<String> expected = new LinkedHashSet<>(List.of("model.embed_tokens.weight", "model.norm.weight"));
		for (int layer = 0; layer < this.shape.layers(); layer++) {
			for (String part : LAYER_PARTS.values()) {
				expected.add("model.layers." + layer + "." + part + ".weight");
			}
		}
		expected.removeAll(found);
		if (!expected.isEmpty()) {
			throw failure("It lacks " + expected.size() + " tensors of a Llama, such as the one for '"
					+ expected.iterator().next() + "'");
		}
	}

	/**
	 * Hugging Face's Llama has biases for all projections of the attention, or of the
	 * MLP, or for none: those that a file leaves out are zero.
	 */
	private void completeBiases(Set<String> found) {
		for (List<String> parts : List.of(
				List.of("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"),
				List.of("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"))) {
			String kind = parts.getFirst().substring(0, parts.getFirst().indexOf('.'));
			if (found.stream().noneMatch((name) -> name.endsWith(".bias") && name.contains("." + kind + "."))) {
				continue;
			}
			for (int layer = 0; layer < this.shape.layers(); layer++) {
				for (String part : parts) {
					String name = "model.layers." + layer + "." + part + ".bias";
					if (!found.contains(name)) {
						this.sources.put(name, TensorSource.of(new float[rows(part)], rows(part)));
					}
				}
			}
		}
	}

	private int rows(String part) {
		return switch (part) {
			case "self_attn.q_proj" -> this.shape.heads() * this.shape.headDim();
			case "self_attn.k_proj", "self_attn.v_proj" -> this.shape.keyValueHeads() * this.shape.headDim();
			case "mlp.gate_proj", "mlp.up_proj" -> this.shape.intermediateSize();
			default -> this.shape.hiddenSize();
		};
	}

	private CheckpointException failure(String problem) {
		return new CheckpointException("Bad GGUF file " + this.file.file() + ": " + problem + ".",
				"The file is damaged or made for another program: use another one.");
	}

	/**
	 * What happened to the type of a tensor that was decoded.
	 *
	 * @param from its type in the file
	 * @param to its type in the checkpoint
	 */
	record Decoded(GgufType from, DType to) {

	}

}
