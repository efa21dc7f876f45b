package io.github.flashspring.cli.bench;

import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import java.util.SplittableRandom;
import java.util.function.IntToDoubleFunction;
import java.util.function.ToDoubleFunction;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.TensorSource;

/**
 * The random tensors of a model, in BF16 or quantised as MLX does it, and the format of
 * each module.
 */
final class TensorList {

	private final long seed;

	private final SequencedMap<String, TensorSource> matrices = new LinkedHashMap<>();

	private final SequencedMap<String, TensorSource> numbers = new LinkedHashMap<>();

	private final SequencedMap<String, WeightFormat> formats = new LinkedHashMap<>();

	/**
	 * Begins without tensors.
	 * @param seed of the model
	 */
	TensorList(long seed) {
		this.seed = seed;
	}

	/** All tensors, the small ones last: streamed ones lie together. */
	SequencedMap<String, TensorSource> tensors() {
		SequencedMap<String, TensorSource> all = new LinkedHashMap<>(this.matrices);
		all.putAll(this.numbers);
		return all;
	}

	/** The formats of matrices by their modules. */
	SequencedMap<String, WeightFormat> formats() {
		return Collections.unmodifiableSequencedMap(this.formats);
	}

	/** The seed of the next tensor. */
	long nextSeed() {
		return RandomBlocks.seed(this.seed, this.matrices.size() + this.numbers.size());
	}

	/**
	 * Puts a matrix, or several of one shape.
	 * @param module its name
	 * @param format how it is stored
	 * @param factor of the size of usual weights
	 * @param shape [outputs, inputs], or [matrices, outputs, inputs]
	 * @throws IllegalArgumentException if the format does not allow so many inputs
	 */
	void matrix(String module, WeightFormat format, float factor, long... shape) {
		long seed = begin(module, format, shape);
		long values = Arrays.stream(shape).reduce(1, Math::multiplyExact);
		if (!format.quantised()) {
			put(module + ".weight", DType.BF16, shape, (channel) -> RandomBlocks.repeat(channel, seed, values, 2,
					(target, random) -> target.putShort(bfloat(factor * SyntheticWeights.weight(random)))));
			return;
		}
		int bits = format.bits();
		put(module + ".weight", DType.U32, last(shape, format.words(inputs(shape))),
				(channel) -> RandomBlocks.repeat(channel, seed, values * bits / Integer.SIZE, Integer.BYTES,
						(target, random) -> target.putInt((int) format.codes(random))));
		long groups = values / format.groupSize();
		long[] groupShape = last(shape, inputs(shape) / format.groupSize());
		if (!format.hasBiases()) {
			byte scale = format.scale(factor);
			put(module + ".scales", DType.U8, groupShape,
					(channel) -> RandomBlocks.repeat(channel, seed, groups, 1, (target, random) -> target.put(scale)));
			return;
		}
		float middle = ((1 << bits) - 1) / 2f;
		put(module + ".scales", DType.BF16, groupShape, (channel) -> RandomBlocks.repeat(channel, seed, groups, 2,
				(target, random) -> target.putShort(bfloat(factor * SyntheticWeights.scale(random, bits)))));
		// The same seed gives the same scales again, for biases that centre the values.
		put(module + ".biases", DType.BF16, groupShape, (channel) -> RandomBlocks.repeat(channel, seed, groups, 2,
				(target, random) -> target.putShort(bfloat(-middle * factor * SyntheticWeights.scale(random, bits)))));
	}

	/**
	 * Puts a matrix each of whose rows begins with one number,
	 * {@value SyntheticRouting#CONSTANT} times or, where a group is longer, as often as
	 * that.
	 * @param module its name
	 * @param format how it is stored
	 * @param deviation of the other numbers
	 * @param lead the number of each row; in formats without biases it must be 1
	 * @param rows number of rows
	 * @param columns more than a group
	 */
	void leading(String module, WeightFormat format, double deviation, IntToDoubleFunction lead, int rows,
			int columns) {
		long seed = begin(module, format, rows, columns);
		LeadingRows leading = new LeadingRows(format, deviation, lead, columns);
		leading.tensors(seed, rows).forEach((suffix, tensor) -> this.matrices.put(module + suffix, tensor));
	}

	private long begin(String module, WeightFormat format, long... shape) {
		if (!format.allows(inputs(shape))) {
			throw new IllegalArgumentException("%s would have %d inputs, but %s needs a multiple of %d"
				.formatted(module, inputs(shape), format.name(), format.multiple()));
		}
		this.formats.put(module, format);
		return nextSeed();
	}

	/**
	 * Puts plain numbers.
	 * @param name of the tensor
	 * @param type F32 or BF16
	 * @param value makes a number
	 * @param shape sizes of the dimensions
	 */
	void numbers(String name, DType type, ToDoubleFunction<SplittableRandom> value, long... shape) {
		long seed = nextSeed();
		long values = Arrays.stream(shape).reduce(1, Math::multiplyExact);
		this.numbers.put(name, new TensorSource(type, shape,
				(channel) -> RandomBlocks.write(channel, seed, values, type.bytes(), (target, random) -> {
					float number = (float) value.applyAsDouble(random);
					if (type == DType.F32) {
						target.putFloat(number);
					}
					else {
						target.putShort(bfloat(number));
					}
				})));
	}

	/**
	 * Puts the weight of a norm.
	 * @param module its name
	 * @param width number of ones
	 */
	void norm(String module, long width) {
		numbers(module + ".weight", DType.BF16, (random) -> 1, width);
	}

	private void put(String name, DType type, long[] shape, TensorSource.Body body) {
		this.matrices.put(name, new TensorSource(type, shape, body));
	}

	private static long inputs(long[] shape) {
		return shape[shape.length - 1];
	}

	private static long[] last(long[] shape, long size) {
		long[] result = shape.clone();
		result[result.length - 1] = size;
		return result;
	}

	static short bfloat(float value) {
		return (short) (Float.floatToRawIntBits(value) >>> 16);
	}

}
