package io.github.flashspring.engine.checkpoint.gguf;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
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

	private final Path file;

	private final GgufTensor tensor;

	private final MemorySegment data;

	private final RowOrder order;

	private final Optional<AffineBlocks> affine;

	TensorConverter(GgufFile file, GgufTensor tensor, RowOrder order) {
		this.file = file.file();
		this.tensor = tensor;
		this.data = file.data(tensor);
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
		return Map.of(name, new TensorSource(dtype, this.tensor.shapeArray(), (channel) -> {
			for (long row = 0; row < this.tensor.rows(); row++) {
				long source = this.order.source(row) * this.tensor.rowBytes();
				TensorSource.write(channel, this.data.asSlice(source, this.tensor.rowBytes()));
			}
		}));
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
				(channel) -> eachBlock(channel, blocks.codeBytes(), blocks::putCodes)));
		sources.put(module + ".scales", new TensorSource(dtype, new long[] { rows, groups },
				(channel) -> eachBlock(channel, Float.BYTES, (data, at, to) -> blocks.putScale(data, at, to, dtype))));
		sources.put(module + ".biases", new TensorSource(dtype, new long[] { rows, groups },
				(channel) -> eachBlock(channel, Float.BYTES, (data, at, to) -> blocks.putBias(data, at, to, dtype))));
		return sources;
	}

	/** F16 if it holds every bias exactly, else F32. */
	private DType scaleType(AffineBlocks blocks) {
		boolean half = true;
		for (long at = 0; at < this.data.byteSize(); at += this.tensor.type().blockBytes()) {
			if (!blocks.isFinite(this.data, at)) {
				throw notFinite(at / this.tensor.type().blockBytes());
			}
			half &= blocks.fitsHalf(this.data, at);
		}
		return half ? DType.F16 : DType.F32;
	}

	/** Values in half precision, or single where half would overflow. */
	private Map<String, TensorSource> decoded(String name, BlockDecoder decoder) {
		int elements = this.tensor.type().blockElements();
		float[] values = new float[elements];
		boolean half = true;
		for (long at = 0; at < this.data.byteSize(); at += this.tensor.type().blockBytes()) {
			decoder.decode(this.data, at, values, 0);
			for (float value : values) {
				if (!Float.isFinite(value)) {
					throw notFinite(at / this.tensor.type().blockBytes());
				}
				half &= Float.isFinite(Float.float16ToFloat(Float.floatToFloat16(value)));
			}
		}
		DType dtype = half ? DType.F16 : DType.F32;
		return Map.of(name, new TensorSource(dtype, this.tensor.shapeArray(),
				(channel) -> eachBlock(channel, elements * dtype.bytes(), (data, at, to) -> {
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

	/** Offers every block in the order of the result and writes what the sink appends. */
	private void eachBlock(WritableByteChannel channel, int mostBytes, BlockSink sink) throws IOException {
		ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
		int blockBytes = this.tensor.type().blockBytes();
		for (long row = 0; row < this.tensor.rows(); row++) {
			long start = this.order.source(row) * this.tensor.rowBytes();
			for (long at = start; at < start + this.tensor.rowBytes(); at += blockBytes) {
				if (buffer.remaining() < mostBytes) {
					flush(buffer, channel);
				}
				sink.put(this.data, at, buffer);
			}
		}
		flush(buffer, channel);
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

	/** Appends something of a block to a buffer. */
	@FunctionalInterface
	private interface BlockSink {

		void put(MemorySegment data, long at, ByteBuffer to);

	}

}
