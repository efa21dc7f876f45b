package io.github.flashspring.engine.residency;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceProvider;
import io.github.flashspring.engine.device.Matrix;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.device.cpu.CpuDeviceProvider;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Rows of matrices that several rows share scales in, wherever blocks cut them.
 */
class BlockMatricesTests {

	private static final int HEADS = 3;

	private final Arena arena = Arena.ofAuto();

	private final Device device = new CpuDeviceProvider().create(new DeviceProvider.Options(1));

	@AfterEach
	void close() {
		this.device.close();
	}

	@ParameterizedTest
	@ValueSource(longs = { 4096, 8192, 20_000, 1 << 20 })
	void rowsHaveTheirOwnScales(long blockBytes) throws Exception {
		Path folder = Path
			.of(Objects.requireNonNull(BlockMatricesTests.class.getResource("/golden-variants/deepseek_v3-fp8-odd"))
				.toURI());
		try (Checkpoint checkpoint = Checkpoint.open(folder)) {
			WeightLayout layout = layout(checkpoint);
			List<WeightLayout.Weight> weights = layout.units().getFirst().weights();
			int compared = 0;
			for (Block block : BlockLayout.cut(layout, blockBytes, 512).blocks()) {
				if (block.unit() > 0) {
					continue;
				}
				Buffer buffer = this.device.wrap(read(block));
				for (Block.Piece piece : block.pieces()) {
					WeightLayout.Weight weight = weights.get(piece.weight());
					float[][] found = values(BlockMatrices.view(weight, piece, 0, buffer));
					float[][] whole = values(weight.matrix(0, (part) -> map(checkpoint, part)));
					assertThat(found)
						.isDeepEqualTo(Arrays.copyOfRange(whole, piece.firstRow(), piece.firstRow() + piece.rows()));
					compared += piece.rows();
				}
			}
			assertThat(compared).isEqualTo(weights.stream().mapToInt((weight) -> weight.parameter().rows()).sum());
		}
	}

	/**
	 * A part of a matrix that begins between two scales is the same rows of the whole.
	 */
	@ParameterizedTest
	@ValueSource(ints = { 0, 1, 2 })
	void partsOfMatricesHaveTheirOwnScales(int head) throws Exception {
		Path folder = Path
			.of(Objects.requireNonNull(BlockMatricesTests.class.getResource("/golden-variants/deepseek_v3-fp8-odd"))
				.toURI());
		try (Checkpoint checkpoint = Checkpoint.open(folder)) {
			List<WeightLayout.Weight> weights = layout(checkpoint).units().getFirst().weights();
			float[][] whole = values(weights.get(3).matrix(0, (part) -> map(checkpoint, part)));
			float[][] keys = values(weights.get(4 + 2 * head).matrix(0, (part) -> map(checkpoint, part)));
			float[][] values = values(weights.get(5 + 2 * head).matrix(0, (part) -> map(checkpoint, part)));
			assertThat(keys).isDeepEqualTo(Arrays.copyOfRange(whole, 88 * head, 88 * head + 48));
			assertThat(values).isDeepEqualTo(Arrays.copyOfRange(whole, 88 * head + 48, 88 * head + 88));
		}
	}

	private static WeightLayout layout(Checkpoint checkpoint) {
		WeightUnit unit = new WeightUnit("layers.0", "model.layers.0.");
		unit.matrix("mlp.gate_proj", 300, 200);
		unit.matrix("mlp.down_proj", 200, 300);
		unit.matrix("self_attn.q_a_proj", 136, 200);
		unit.matrix("self_attn.kv_b_proj", HEADS * 88, 72);
		for (int head = 0; head < HEADS; head++) {
			unit.rows("self_attn.kv_b_proj", HEADS * 88, 88 * head, 48, 72);
			unit.rows("self_attn.kv_b_proj", HEADS * 88, 88 * head + 48, 40, 72);
		}
		WeightUnit embedding = new WeightUnit("embed_tokens", "model.");
		embedding.matrix("embed_tokens", 131, 200);
		return WeightLayout.of(checkpoint, List.of(unit), embedding, List.of(""));
	}

	private MemorySegment read(Block block) throws IOException {
		MemorySegment memory = this.arena.allocate(block.bytes(), 64);
		for (Block.Extent extent : block.extents()) {
			try (FileChannel channel = FileChannel.open(extent.file(), StandardOpenOption.READ)) {
				ByteBuffer target = memory.asSlice(extent.position(), extent.length()).asByteBuffer();
				long position = extent.offset();
				while (target.hasRemaining() && position < channel.size()) {
					position += channel.read(target, position);
				}
			}
		}
		return memory;
	}

	private Tensor map(Checkpoint checkpoint, TensorInfo part) {
		return Tensor.of(this.device.wrap(checkpoint.map(part)), 0, part.dtype(), Math.toIntExact(part.dimension(0)),
				Math.toIntExact(part.dimension(1)));
	}

	private float[][] values(Matrix matrix) {
		Tensor out = Tensor.floats(this.device.allocate(4L * matrix.rows() * matrix.columns()), 0, matrix.rows(),
				matrix.columns());
		int[] rows = new int[matrix.rows()];
		Arrays.setAll(rows, (i) -> i);
		this.device.embed(out, matrix, rows);
		float[] flat = new float[matrix.rows() * matrix.columns()];
		this.device.read(out, flat);
		float[][] values = new float[matrix.rows()][];
		Arrays.setAll(values, (row) -> Arrays.copyOfRange(flat, row * matrix.columns(), (row + 1) * matrix.columns()));
		return values;
	}

}
