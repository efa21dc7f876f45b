package io.github.flashspring.engine.device.cpu;

import io.github.flashspring.engine.checkpoint.DType;

/**
 * Plain numbers.
 */
abstract sealed class NumberFormat extends Format permits SingleFormat, HalfFormat, BrainFormat {

	NumberFormat(String name, DType type, BlockOrder order) {
		super(name, type.bytes() * Byte.SIZE, order);
	}

	@Override
	float number(Weights weights, int row, int column) {
		return PortableKernels.value(weights.values(), row, column);
	}

	@Override
	void lookUp(Weights weights, int row, int from, int count, float[] out) {
		PortableKernels.read(weights.values(), row, from, count, out);
	}

}
