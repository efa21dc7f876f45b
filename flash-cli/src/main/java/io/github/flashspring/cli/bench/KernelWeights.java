package io.github.flashspring.cli.bench;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.Quantization;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.Tensor;

/**
 * Memory from which matrices of one format and of all widths are cut: more than caches
 * hold, so that going from one matrix to the next reads memory, as a model does.
 */
final class KernelWeights implements AutoCloseable {

	/**
	 * Numbers or codes: eight times the last-level cache that two cores usually share.
	 */
	static final long BYTES = 256L << 20;

	/** Weights of a matrix: about half a millisecond of two cores. */
	private static final int WEIGHTS = 8 << 20;

	/** The narrow matrices of models do not have more outputs. */
	private static final int MAX_OUTPUTS = 4096;

	private static final int PATTERN = 1 << 20;

	private static final long ALIGNMENT = 64;

	private final KernelFormat format;

	private final List<AnonymousMemory> memory = new ArrayList<>();

	private final Buffer codes;

	private final @Nullable Buffer scales;

	private final @Nullable Buffer biases;

	/**
	 * Takes and fills memory.
	 * @param device computes with it
	 * @param format of the weights
	 * @param widths that matrices may have
	 */
	KernelWeights(Device device, KernelFormat format, Collection<Integer> widths) {
		this.format = format;
		MemorySegment values = take(BYTES);
		ByteBuffer pattern = ByteBuffer.allocate(PATTERN).order(ByteOrder.LITTLE_ENDIAN);
		format.fill(pattern);
		repeat(values, pattern.array());
		this.codes = device.wrap(values);
		long scaleBytes = widths.stream().mapToLong((width) -> matrices(width) * scaleBytes(width)).max().orElse(0);
		Quantization quantization = format.quantization();
		this.scales = (quantization != null) ? scales(device, scaleBytes, false) : null;
		this.biases = (quantization != null && quantization.hasBiases()) ? scales(device, scaleBytes, true) : null;
	}

	private Buffer scales(Device device, long bytes, boolean bias) {
		MemorySegment segment = take(bytes);
		repeat(segment, this.format.scale(bias));
		return device.wrap(segment);
	}

	private MemorySegment take(long bytes) {
		AnonymousMemory taken = AnonymousMemory.allocate(bytes, true)
			.or(() -> AnonymousMemory.allocate(bytes, false))
			.orElseThrow();
		this.memory.add(taken);
		return taken.segment();
	}

	private static void repeat(MemorySegment target, byte[] pattern) {
		MemorySegment source = MemorySegment.ofArray(pattern);
		for (long at = 0; at < target.byteSize(); at += pattern.length) {
			MemorySegment.copy(source, 0, target, at, Math.min(pattern.length, target.byteSize() - at));
		}
	}

	/**
	 * Outputs of matrices.
	 * @param width their inputs
	 * @return a multiple of 64
	 */
	static int outputs(int width) {
		return Math.clamp(WEIGHTS / width / 64 * 64, 64, MAX_OUTPUTS);
	}

	private long codeBytes(int width) {
		return aligned((long) outputs(width) * this.format.elements(width) * this.format.type().bytes());
	}

	private long scaleBytes(int width) {
		Quantization quantization = this.format.quantization();
		return (quantization == null) ? 0 : aligned(Math.ceilDiv(outputs(width), quantization.groupRows())
				* quantization.groups(width) * this.format.scaleType().bytes());
	}

	private static long aligned(long bytes) {
		return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
	}

	private int matrices(int width) {
		return Math.toIntExact(Math.max(1, BYTES / codeBytes(width)));
	}

	/**
	 * Matrices that lie one behind the other.
	 * @param width their inputs, one that the format allows
	 * @return as many as there is memory for
	 */
	List<Matrix> cut(int width) {
		int outputs = outputs(width);
		List<Matrix> matrices = new ArrayList<>();
		for (int i = 0; i < matrices(width); i++) {
			Tensor values = Tensor.of(this.codes, i * codeBytes(width), this.format.type(), outputs,
					this.format.elements(width));
			Quantization quantization = this.format.quantization();
			if (quantization == null || this.scales == null) {
				matrices.add(new Matrix.Dense(values));
				continue;
			}
			Tensor scale = scaleTensor(this.scales, i, width, quantization);
			Tensor bias = (this.biases != null) ? scaleTensor(this.biases, i, width, quantization) : null;
			matrices.add(new Matrix.Quantized(values, scale, bias, quantization));
		}
		return matrices;
	}

	private Tensor scaleTensor(Buffer buffer, int index, int width, Quantization quantization) {
		DType type = this.format.scaleType();
		return Tensor.of(buffer, index * scaleBytes(width), type,
				Math.ceilDiv(outputs(width), quantization.groupRows()), Math.toIntExact(quantization.groups(width)));
	}

	@Override
	public void close() {
		this.codes.close();
		if (this.scales != null) {
			this.scales.close();
		}
		if (this.biases != null) {
			this.biases.close();
		}
		this.memory.forEach(AnonymousMemory::close);
	}

}
