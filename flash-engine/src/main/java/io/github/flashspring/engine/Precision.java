package io.github.flashspring.engine;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.Quantization;
import io.github.flashspring.engine.checkpoint.TensorInfo;

/**
 * Describes the numbers of a checkpoint.
 */
final class Precision {

	/** Ends of names of tensors that only scale others. */
	private static final List<String> SCALES = List.of(".scales", ".biases", "_scales", "_scale_inv");

	private Precision() {
	}

	/** The quantisation of most weights, or else the type of most bytes. */
	static String describe(Checkpoint checkpoint) {
		return checkpoint.config()
			.quantization()
			.standard()
			.map(Quantization::toString)
			.orElseGet(() -> checkpoint.tensors()
				.values()
				.stream()
				.collect(Collectors.groupingBy(TensorInfo::dtype, Collectors.summingLong(TensorInfo::byteSize)))
				.entrySet()
				.stream()
				.max(Comparator.comparingLong(Map.Entry::getValue))
				.map((entry) -> entry.getKey().name())
				.orElse("empty"));
	}

	/** Number of weights; the codes of a quantised matrix count, its scales do not. */
	static long parameters(Checkpoint checkpoint) {
		long parameters = 0;
		for (TensorInfo tensor : checkpoint.tensors().values()) {
			String name = tensor.name();
			if (SCALES.stream().anyMatch(name::endsWith)) {
				continue;
			}
			String end = name.endsWith("_blocks") ? "_blocks" : ".weight";
			int bits = name.endsWith(end) && !tensor.dtype().isPlainFloat()
					? checkpoint.quantization(name.substring(0, name.length() - end.length()))
						.map(Quantization::bits)
						.orElse(0)
					: 0;
			parameters += (bits > 0) ? tensor.byteSize() * Byte.SIZE / bits : tensor.elements();
		}
		return parameters;
	}

}
