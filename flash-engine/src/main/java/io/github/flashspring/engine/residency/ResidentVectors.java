package io.github.flashspring.engine.residency;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.weights.Weight;
import io.github.flashspring.engine.weights.WeightLayout;
import org.jspecify.annotations.Nullable;

/** Norms and biases of all weight groups, which are always in memory. */
final class ResidentVectors implements AutoCloseable {

	private final Arena arena = Arena.ofShared();

	private final Buffer buffer;

	private final List<@Nullable Tensor[]> vectors = new ArrayList<>();

	/**
	 * Reads the vectors.
	 * @param layout says where they lie
	 * @param device computes with them
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if they cannot
	 * be read
	 */
	ResidentVectors(WeightLayout layout, Device device) {
		MemorySegment memory = this.arena.allocate(Math.max(1, layout.vectorBytes()), 64);
		boolean complete = false;
		try {
			read(layout, memory);
			this.buffer = device.wrap(memory);
			complete = true;
		}
		finally {
			if (!complete) {
				this.arena.close();
			}
		}
		view(layout);
	}

	private static void read(WeightLayout layout, MemorySegment memory) {
		long offset = 0;
		for (WeightLayout.Group group : layout.groups()) {
			for (Weight weight : group.weights()) {
				if (weight.parameter().vector()) {
					TensorInfo tensor = weight.codes();
					layout.checkpoint().read(tensor, 0, memory.asSlice(offset, tensor.byteSize()).asByteBuffer());
					offset += WeightLayout.alignVector(tensor.byteSize());
				}
			}
		}
		layout.checkpoint().requireUnchanged("loading it");
	}

	private void view(WeightLayout layout) {
		long offset = 0;
		for (WeightLayout.Group group : layout.groups()) {
			@Nullable Tensor[] tensors = new Tensor[group.weights().size()];
			for (int i = 0; i < tensors.length; i++) {
				Weight weight = group.weights().get(i);
				if (weight.parameter().vector()) {
					TensorInfo tensor = weight.codes();
					tensors[i] = Tensor.of(this.buffer, offset, tensor.dtype(), 1, weight.parameter().columns());
					offset += WeightLayout.alignVector(tensor.byteSize());
				}
			}
			this.vectors.add(tensors);
		}
	}

	/**
	 * Vectors of a weight group.
	 * @param group its index
	 * @return by the index of the weight; null for matrices
	 */
	@Nullable Tensor[] of(int group) {
		return this.vectors.get(group);
	}

	@Override
	public void close() {
		this.buffer.close();
		this.arena.close();
	}

}
