package io.github.flashspring.engine.checkpoint;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.util.Arrays;

/**
 * A tensor to be written: type, shape, and a body that delivers its bytes when its turn
 * comes.
 *
 * @param dtype element type
 * @param shape sizes of the dimensions, slowest first
 * @param body writes the elements, row by row, little-endian
 */
public record TensorSource(DType dtype, long[] shape, Body body) {

	/** Largest piece handed to a channel at once, in bytes. */
	private static final long PIECE = 8 << 20;

	/**
	 * Checks the shape.
	 * @throws IllegalArgumentException if a size is negative or the tensor exceeds 2^63
	 * bytes
	 */
	public TensorSource {
		shape = shape.clone();
		try {
			TensorInfo.byteSize(dtype, shape);
		}
		catch (ArithmeticException ex) {
			throw new IllegalArgumentException("Bad shape " + Arrays.toString(shape) + " of " + dtype, ex);
		}
	}

	@Override
	public long[] shape() {
		return this.shape.clone();
	}

	/**
	 * Number of bytes that the body writes.
	 * @return elements × bytes per element
	 */
	public long byteSize() {
		return TensorInfo.byteSize(this.dtype, this.shape);
	}

	/**
	 * A tensor whose bytes are in memory.
	 * @param dtype element type
	 * @param data exactly the tensor's bytes, little-endian
	 * @param shape sizes of the dimensions, slowest first
	 * @return the source
	 */
	public static TensorSource of(DType dtype, MemorySegment data, long... shape) {
		return new TensorSource(dtype, shape, (channel) -> write(channel, data));
	}

	/**
	 * An F32 tensor.
	 * @param values its elements, row by row
	 * @param shape sizes of the dimensions, slowest first
	 * @return the source
	 */
	public static TensorSource of(float[] values, long... shape) {
		MemorySegment data = MemorySegment.ofArray(new byte[Math.multiplyExact(values.length, Float.BYTES)]);
		MemorySegment.copy(values, 0, data, ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0,
				values.length);
		return of(DType.F32, data, shape);
	}

	/**
	 * Writes a whole segment, of any size, to a channel.
	 * @param channel the target
	 * @param data what to write
	 * @throws IOException if the channel fails
	 */
	public static void write(WritableByteChannel channel, MemorySegment data) throws IOException {
		for (long position = 0; position < data.byteSize(); position += PIECE) {
			var piece = data.asSlice(position, Math.min(PIECE, data.byteSize() - position)).asByteBuffer();
			while (piece.hasRemaining()) {
				channel.write(piece);
			}
		}
	}

	/**
	 * Delivers a tensor's bytes.
	 */
	@FunctionalInterface
	public interface Body {

		/**
		 * Writes exactly the tensor's bytes.
		 * @param channel where to; every write takes all bytes offered
		 * @throws IOException if the channel fails or the data cannot be made
		 */
		void writeTo(WritableByteChannel channel) throws IOException;

	}

}
