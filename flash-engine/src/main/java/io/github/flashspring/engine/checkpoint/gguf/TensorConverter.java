package io.github.flashspring.engine.checkpoint.gguf;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.Quantization;
import io.github.flashspring.engine.checkpoint.TensorSource;

/**
 * Turns one GGUF tensor into safetensors, row by row, without holding it in memory.
 */
final class TensorConverter {

	private static final int BUFFER_BYTES = 1 << 20;

	private final GgufFile file;

	private final GgufTensor tensor;

	private final RowOrder order;

	private final Optional<AffineBlocks> affine;

	TensorConverter(GgufFile file, GgufTensor tensor, RowOrder order) {
		this.file = file;
		this.tensor = tensor;
		this.order = order;
		this.affine = AffineBlocks.of(tensor.type());
	}

	/** How the result is quantised; empty if it is stored plainly. */
	Optional<Quantization> quantization() {
		return this.affine.map(AffineBlocks::quantization);
	}

	/**
	 * The tensors to write.
	 * @param name name of the result, ending in {@code .weight} if it is quantised
	 * @return the result, or its codes, scales and biases
	 * @throws CheckpointException if the type is not supported or values are not numbers
	 */
	Map<String, TensorSource> sources(String name) {
		return switch (this.tensor.type()) {
			case F32 -> plain(name, DType.F32);
			case F16 -> plain(name, DType.F16);
			case BF16 -> plain(name, DType.BF16);
			default -> {
				if (this.affine.isPresent()) {
					yield affine(name, this.affine.get());
				}
				BlockDecoder decoder = BlockDecoder.of(this.tensor.type())
					.orElseThrow(() -> new CheckpointException(
							"Tensor '" + this.tensor.name() + "' of " + this.file + " has type " + this.tensor.type()
									+ ", which import does not read.",
							"Use a version of the model in F16, BF16, Q8_0, Q4_1 or Q4_0 "
									+ "(Q2_K to Q6_K, Q5_0, Q5_1, IQ4_NL and IQ4_XS are read too)."));
				yield decoded(name, decoder);
			}
		};
	}

	private Map<String, TensorSource> plain(String name, DType dtype) {
		return Map.of(name, new TensorSource(dtype, this.tensor.shapeArray(),
				(channel) -> eachPiece(this.order, (data, from) -> TensorSource.write(channel, data))));
	}

	private Map<String, TensorSource> affine(String name, AffineBlocks blocks) {
		if (!name.endsWith(".weight") || this.tensor.shape().size() != 2) {
			throw new CheckpointException(
					"Tensor '" + this.tensor.name() + "' of " + this.file + " has type " + this.tensor.type()
							+ "; expected a plain type for a tensor of this kind.",
					"Use another version of the model.");
		}
		String module = name.substring(0, name.length() - ".weight".length());
		DType dtype = scaleType(blocks);
		long rows = this.tensor.rows();
		long groups = this.tensor.columns() / AffineBlocks.GROUP;
		Map<String, TensorSource> sources = new LinkedHashMap<>();
		sources.put(name, new TensorSource(DType.U32, new long[] { rows, groups * blocks.codeBytes() / Integer.BYTES },
				(channel) -> writeBlocks(channel, blocks.codeBytes(), blocks::putCodes)));
		sources.put(module + ".scales",
				new TensorSource(dtype, new long[] { rows, groups }, (channel) -> writeBlocks(channel, Float.BYTES,
						(data, at, to) -> blocks.putScale(data, at, to, dtype))));
		sources.put(module + ".biases", new TensorSource(dtype, new long[] { rows, groups },
				(channel) -> writeBlocks(channel, Float.BYTES, (data, at, to) -> blocks.putBias(data, at, to, dtype))));
		return sources;
	}

	/** F16 if it holds every bias exactly, else F32. */
	private DType scaleType(AffineBlocks blocks) {
		boolean[] half = { true };
		eachBlock(RowOrder.SAME, (data, at, block) -> {
			if (!blocks.isFinite(data, at)) {
				throw notFinite(block);
			}
			half[0] &= blocks.fitsHalf(data, at);
		});
		return half[0] ? DType.F16 : DType.F32;
	}

	/** Values in half precision, or single where half would overflow. */
	private Map<String, TensorSource> decoded(String name, BlockDecoder decoder) {
		int elements = this.tensor.type().blockElements();
		float[] values = new float[elements];
		boolean[] half = { true };
		eachBlock(RowOrder.SAME, (data, at, block) -> {
			decoder.decode(data, at, values, 0);
			for (float value : values) {
				if (!Float.isFinite(value)) {
					throw notFinite(block);
				}
				half[0] &= Float.isFinite(Float.float16ToFloat(Float.floatToFloat16(value)));
			}
		});
		DType dtype = half[0] ? DType.F16 : DType.F32;
		return Map.of(name, new TensorSource(dtype, this.tensor.shapeArray(),
				(channel) -> writeBlocks(channel, elements * dtype.bytes(), (data, at, to) -> {
					float[] block = new float[elements];
					decoder.decode(data, at, block, 0);
					for (float value : block) {
						if (dtype == DType.F16) {
							to.putShort(Float.floatToFloat16(value));
						}
						else {
							to.putFloat(value);
						}
					}
				})));
	}

	/** Writes what a sink makes of every block, in the order of the result. */
	private void writeBlocks(WritableByteChannel channel, int maxBytes, BlockSink sink) throws IOException {
		ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
		eachBlock(this.order, (data, at, block) -> {
			if (buffer.remaining() < maxBytes) {
				flush(buffer, channel);
			}
			sink.put(data, at, buffer);
		});
		flush(buffer, channel);
	}

	/** Offers every block. */
	private <E extends Exception> void eachBlock(RowOrder order, BlockReader<E> reader) throws E {
		int blockBytes = this.tensor.type().blockBytes();
		eachPiece(order, (data, from) -> {
			for (long at = 0; at < data.byteSize(); at += blockBytes) {
				reader.read(data, at, (from + at) / blockBytes);
			}
		});
	}

	/**
	 * Reads the tensor in pieces of whole blocks: rows that stay where they are at once,
	 * others one by one.
	 */
	private <E extends Exception> void eachPiece(RowOrder order, PieceReader<E> reader) throws E {
		boolean same = order == RowOrder.SAME;
		long runs = same ? 1 : this.tensor.rows();
		long runBytes = same ? this.tensor.byteSize() : this.tensor.rowBytes();
		int blockBytes = this.tensor.type().blockBytes();
		ByteBuffer buffer = ByteBuffer.allocate((int) Math.min(runBytes, BUFFER_BYTES / blockBytes * blockBytes));
		for (long run = 0; run < runs; run++) {
			long start = order.source(run) * runBytes;
			for (long at = start; at < start + runBytes; at += buffer.capacity()) {
				buffer.clear().limit((int) Math.min(buffer.capacity(), start + runBytes - at));
				this.file.read(this.tensor, at, buffer);
				reader.read(MemorySegment.ofBuffer(buffer.flip()), at);
			}
		}
	}

	private static void flush(ByteBuffer buffer, WritableByteChannel channel) throws IOException {
		buffer.flip();
		while (buffer.hasRemaining()) {
			channel.write(buffer);
		}
		buffer.clear();
	}

	private CheckpointException notFinite(long block) {
		return new CheckpointException(
				"Tensor '" + this.tensor.name() + "' of " + this.file
						+ " holds values that are not finite numbers (block " + block + ").",
				"The file is damaged: download or convert it again.");
	}

	/** Takes a piece of the tensor. */
	@FunctionalInterface
	private interface PieceReader<E extends Exception> {

		void read(MemorySegment data, long from) throws E;

	}

	/** Takes a block. */
	@FunctionalInterface
	private interface BlockReader<E extends Exception> {

		void read(MemorySegment data, long at, long block) throws E;

	}

	/** Appends something of a block to a buffer. */
	@FunctionalInterface
	private interface BlockSink {

		void put(MemorySegment data, long at, ByteBuffer to);

	}

}
