package io.github.flashspring.engine;

import java.util.Comparator;
import java.util.Map;
import java.util.stream.Collectors;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.Quantization;
import io.github.flashspring.engine.checkpoint.TensorInfo;

/**
 * Describes the numbers of a checkpoint.
 */
final class Precision {

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
			if (name.endsWith(".scales") || name.endsWith(".biases")) {
				continue;
			}
			if (tensor.dtype() == DType.U32 && name.endsWith(".weight")) {
				String module = name.substring(0, name.length() - ".weight".length());
				parameters += tensor.elements()
						* checkpoint.quantization(module).map((quantization) -> 32 / quantization.bits()).orElse(1);
			}
			else {
				parameters += tensor.elements();
			}
		}
		return parameters;
	}

}
