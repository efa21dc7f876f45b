package io.github.flashspring.engine.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

import static io.github.flashspring.engine.checkpoint.CheckpointException.quote;

/**
 * Looks for numbers in a checkpoint that are none. Loading does not read all weights, so
 * a damaged scale shows only when logits are no numbers; then this says where it is.
 */
public final class NonFiniteScan {

	private static final int PIECE = 1 << 20;

	private NonFiniteScan() {
	}

	/**
	 * Finds the first infinite number, or the first that is none, among weights, scales,
	 * biases and vectors. Codes are always numbers.
	 * @param checkpoint the files, which are read whole
	 * @return which element of which tensor of which file; empty if there is none
	 * @throws CheckpointException if a file cannot be read
	 */
	public static Optional<String> find(Checkpoint checkpoint) {
		ByteBuffer piece = ByteBuffer.allocate(PIECE).order(ByteOrder.LITTLE_ENDIAN);
		for (TensorInfo tensor : checkpoint.tensors().values()) {
			boolean scales = tensor.dtype() == DType.U8 && tensor.name().endsWith("scales");
			int bytes = tensor.dtype().bytes();
			for (long from = 0; from < tensor.byteSize() && (scales || hasNone(tensor.dtype())); from += PIECE) {
				checkpoint.read(tensor, from, piece.clear().limit((int) Math.min(PIECE, tensor.byteSize() - from)));
				for (int at = 0; at < piece.limit(); at += bytes) {
					float value = scales ? scale(piece.get(at)) : value(tensor.dtype(), piece, at);
					if (!Float.isFinite(value)) {
						return Optional.of("Element " + (from + at) / bytes + " of the tensor " + quote(tensor.name())
								+ " in " + tensor.file() + " is " + value);
					}
				}
			}
		}
		return Optional.empty();
	}

	private static boolean hasNone(DType dtype) {
		return dtype.isPlainFloat() || dtype == DType.F8_E4M3 || dtype == DType.F8_E8M0;
	}

	private static float value(DType dtype, ByteBuffer piece, int at) {
		return switch (dtype) {
			case F32 -> piece.getFloat(at);
			case F16 -> Float.float16ToFloat(piece.getShort(at));
			case BF16 -> Float.intBitsToFloat(piece.getShort(at) << 16);
			case F8_E4M3 -> ((piece.get(at) & 0x7f) == 0x7f) ? Float.NaN : 0;
			default -> scale(piece.get(at));
		};
	}

	/** All bits are set in what is no number among scales of a byte, of both kinds. */
	private static float scale(byte bits) {
		return (bits == -1) ? Float.NaN : 0;
	}

}
