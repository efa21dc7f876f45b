package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

import io.github.flashspring.engine.device.KvPages;

/**
 * Brings keys and values of a tile to single precision, at addresses that were checked.
 * Halves and codes are finite: {@link KvWriter} stores no others.
 */
final class VectorKeyValues {

	private static final VectorSpecies<Float> FLOATS = Lanes.WIDE;

	private static final VectorSpecies<Integer> INTS = Lanes.WIDE_INTS;

	private static final int STEP = FLOATS.length();

	/** As many bytes as a register has lanes, but at least a register of 64 bits. */
	private static final VectorSpecies<Byte> BYTES = ByteVector.SPECIES_64
		.withShape(VectorShape.forBitSize(Math.max(64, Byte.SIZE * STEP)));

	private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

	private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ORDER);

	/** Sign, exponent and fraction of a half that was shifted by 13 bits. */
	private static final int HALF_BITS = 0x8fffe000;

	/** Moves the bias of the exponent from 15 to 127, also of subnormal halves. */
	private static final float HALF_BIAS = 0x1p112f;

	private VectorKeyValues() {
	}

	/**
	 * Unpacks transposed keys.
	 * @param run has them
	 * @param before positions to unpack before those of the run
	 * @param count positions to unpack, a multiple of {@link Kernels#LANES}
	 * @param bounds of groups of codes
	 * @param to address of [keyDim, positions]
	 * @param stride bytes from a row there to the next
	 */
	static void transposedKeys(KvRun run, int before, int count, int[] bounds, long to, long stride) {
		int keyDim = bounds[bounds.length - 1];
		long first = run.key() - before * run.tokenStride();
		long keys = Addresses.of(run.memory(), first,
				(keyDim - 1) * run.keyStride() + count * (long) run.format().bytes());
		if (run.format() == KvPages.Format.F16) {
			if (run.keyStride() == 2L * count && stride == 4L * count) {
				halves(keys, keyDim * count, to);
				return;
			}
			for (int d = 0; d < keyDim; d++) {
				halves(keys + d * run.keyStride(), count, to + d * stride);
			}
			return;
		}
		long bytes = (bounds.length - 2) * run.keyScales().groupStride() + 2L * count;
		long scales = Addresses.of(run.memory(), run.keyScales().scale(-before, 0), bytes);
		long biases = Addresses.of(run.memory(), run.keyScales().bias(-before, 0), bytes);
		for (int g = 0; g < bounds.length - 1; g++) {
			long offset = g * run.keyScales().groupStride();
			columns(keys + bounds[g] * run.keyStride(), run.keyStride(), bounds[g + 1] - bounds[g], scales + offset,
					biases + offset, count, to + bounds[g] * stride, stride);
		}
	}

	/**
	 * Unpacks keys that are values too.
	 * @param run has them
	 * @param before positions to unpack before those of the run
	 * @param count positions to unpack
	 * @param bounds of groups of codes
	 * @param to address of [positions, keyDim]
	 * @param stride bytes from a row there to the next
	 */
	static void keys(KvRun run, int before, int count, int[] bounds, long to, long stride) {
		rows(run, run.key() - before * run.tokenStride(), run.tokenStride(), run.keyScales(), -before, count, bounds,
				to, stride);
	}

	/**
	 * Unpacks values.
	 * @param run has them
	 * @param bounds of groups of codes
	 * @param to address of [positions, valueDim]
	 * @param stride bytes from a row there to the next
	 */
	static void values(KvRun run, int[] bounds, long to, long stride) {
		rows(run, run.value(), run.valueStride(), run.valueScales(), 0, run.count(), bounds, to, stride);
	}

	private static void rows(KvRun run, long first, long tokenStride, KvRun.Scales scales, int token, int count,
			int[] bounds, long to, long stride) {
		int dim = bounds[bounds.length - 1];
		long from = Addresses.of(run.memory(), first, (count - 1) * tokenStride + (long) dim * run.format().bytes());
		if (run.format() == KvPages.Format.F16) {
			if (tokenStride == 2L * dim && stride == 4L * dim) {
				halves(from, count * dim, to);
				return;
			}
			for (int i = 0; i < count; i++) {
				halves(from + i * tokenStride, dim, to + i * stride);
			}
			return;
		}
		int groups = bounds.length - 1;
		long bytes = (count - 1) * scales.tokenStride() + 2L * groups;
		long scale = Addresses.of(run.memory(), scales.scale(token, 0), bytes);
		long bias = Addresses.of(run.memory(), scales.bias(token, 0), bytes);
		for (int i = 0; i < count; i++) {
			for (int g = 0; g < groups; g++) {
				long at = i * scales.tokenStride() + 2L * g;
				codes(from + i * tokenStride + bounds[g], bounds[g + 1] - bounds[g], half(scale + at), half(bias + at),
						to + i * stride + 4L * bounds[g]);
			}
		}
	}

	/**
	 * Calls of vector code that compute nothing, see {@link Exercise}.
	 * @param calls number of calls
	 */
	static void callEmpty(int calls) {
		for (int i = 0; i < calls; i++) {
			halves(0, 0, 0);
			columns(0, 0, 0, 0, 0, 0, 0, 0);
			codes(0, 0, 0f, 0f, 0);
		}
	}

	/** Neighbouring halves: those of a whole tile, where its rows have no gaps. */
	private static void halves(long from, int count, long to) {
		int i = 0;
		for (; i <= count - STEP; i += STEP) {
			halves(from + 2L * i).intoMemorySegment(Addresses.MEMORY, Addresses.known(to + 4L * i), ORDER);
		}
		for (; i < count; i++) {
			Addresses.MEMORY.set(PortableKernels.FLOAT, Addresses.known(to + 4L * i), half(from + 2L * i));
		}
	}

	private static FloatVector halves(long from) {
		return ((IntVector) ShortVector
			.fromMemorySegment(Lanes.WIDE_SHORTS, Addresses.MEMORY, Addresses.known(from), ORDER)
			.convertShape(VectorOperators.S2I, INTS, 0)).lanewise(VectorOperators.LSHL, 13)
			.and(HALF_BITS)
			.reinterpretAsFloats()
			.mul(HALF_BIAS);
	}

	private static float half(long at) {
		return Float.float16ToFloat(Addresses.MEMORY.get(PortableKernels.SHORT, Addresses.known(at)));
	}

	/** Rows of codes of which each column has a scale and a bias. */
	private static void columns(long from, long fromStride, int rows, long scales, long biases, int count, long to,
			long toStride) {
		for (int i = 0; i < count; i += STEP) {
			FloatVector scale = halves(scales + 2L * i);
			FloatVector bias = halves(biases + 2L * i);
			long at = from + i;
			long target = to + 4L * i;
			for (int row = 0; row < rows; row++) {
				codes(at).fma(scale, bias).intoMemorySegment(Addresses.MEMORY, Addresses.known(target), ORDER);
				at += fromStride;
				target += toStride;
			}
		}
	}

	/** Neighbouring codes with the same scale and bias. */
	private static void codes(long from, int count, float scale, float bias, long to) {
		FloatVector scales = FloatVector.broadcast(FLOATS, scale);
		FloatVector biases = FloatVector.broadcast(FLOATS, bias);
		int i = 0;
		for (; i <= count - STEP; i += STEP) {
			codes(from + i).fma(scales, biases)
				.intoMemorySegment(Addresses.MEMORY, Addresses.known(to + 4L * i), ORDER);
		}
		for (; i < count; i++) {
			float code = Addresses.MEMORY.get(ValueLayout.JAVA_BYTE, Addresses.known(from + i)) & 0xff;
			Addresses.MEMORY.set(PortableKernels.FLOAT, Addresses.known(to + 4L * i), Math.fma(code, scale, bias));
		}
	}

	private static FloatVector codes(long from) {
		IntVector codes;
		if (STEP == 4) {
			// four bytes are no vector
			codes = IntVector.broadcast(INTS, Addresses.MEMORY.get(INT, Addresses.known(from)))
				.lanewise(VectorOperators.LSHR, IntVector.zero(INTS).addIndex(Byte.SIZE))
				.and(0xff);
		}
		else {
			codes = (IntVector) ByteVector.fromMemorySegment(BYTES, Addresses.MEMORY, Addresses.known(from), ORDER)
				.convertShape(VectorOperators.ZERO_EXTEND_B2I, INTS, 0);
		}
		return (FloatVector) codes.convertShape(VectorOperators.I2F, FLOATS, 0);
	}

}
