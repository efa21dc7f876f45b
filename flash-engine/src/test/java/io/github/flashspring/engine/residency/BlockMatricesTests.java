package io.github.flashspring.engine.residency;

import io.github.flashspring.engine.reading.BlockRead;
import io.github.flashspring.engine.reading.IoRecorder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;

import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.BlockLayout;
import io.github.flashspring.engine.weights.Weight;
import io.github.flashspring.engine.weights.WeightLayout;
import io.github.flashspring.engine.weights.WeightGroup;
import io.github.flashspring.engine.weights.Weights;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.TensorBytes;
import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.DeviceProvider;
import io.github.flashspring.engine.device.Fence;
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
		Path folder = folder();
		try (Checkpoint checkpoint = Checkpoint.open(folder)) {
			WeightLayout layout = layout(checkpoint);
			List<Weight> weights = layout.groups().getFirst().weights();
			int compared = 0;
			for (Block block : BlockLayout.cut(layout, blockBytes, 512).blocks()) {
				if (block.group() > 0) {
					continue;
				}
				Buffer buffer = this.device.wrap(read(block));
				for (Block.Tile tile : block.tiles()) {
					Weight weight = weights.get(tile.weight());
					float[][] found = values(BlockMatrices.view(weight, tile, 0, buffer));
					float[][] whole = values(weight.matrix(0, (part) -> read(checkpoint, part)));
					assertThat(found)
						.isDeepEqualTo(Arrays.copyOfRange(whole, tile.firstRow(), tile.firstRow() + tile.rows()));
					compared += tile.rows();
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
		Path folder = folder();
		try (Checkpoint checkpoint = Checkpoint.open(folder)) {
			List<Weight> weights = layout(checkpoint).groups().getFirst().weights();
			float[][] whole = values(weights.get(3).matrix(0, (part) -> read(checkpoint, part)));
			float[][] keys = values(weights.get(4 + 2 * head).matrix(0, (part) -> read(checkpoint, part)));
			float[][] values = values(weights.get(5 + 2 * head).matrix(0, (part) -> read(checkpoint, part)));
			assertThat(keys).isDeepEqualTo(Arrays.copyOfRange(whole, 88 * head, 88 * head + 48));
			assertThat(values).isDeepEqualTo(Arrays.copyOfRange(whole, 88 * head + 48, 88 * head + 88));
		}
	}

	@Test
	void whatStreamsIsComputedFirstAndWhatStaysWhileItIsOnItsWay() throws Exception {
		try (Checkpoint checkpoint = Checkpoint.open(folder())) {
			WeightLayout layout = layout(checkpoint);
			List<Block> blocks = BlockLayout.cut(layout, 8192, 512).of(0);
			List<Integer> gate = blocksOf(blocks, 0);
			List<Integer> down = blocksOf(blocks, 1);
			List<Integer> used = Stream.concat(gate.stream(), down.stream()).distinct().toList();
			assertThat(used).hasSizeGreaterThan(8);
			Script script = new Script();
			script.pinned.addAll(List.of(gate.get(1), down.get(2)));
			script.ready.addAll(List.of(gate.get(1), gate.get(2), down.get(2)));
			List<Integer> order = new ArrayList<>(List.of(gate.get(2), gate.get(1), down.get(2)));
			// The others come backwards, each when there is nothing else to do.
			for (int index : used.reversed()) {
				if (!order.contains(index)) {
					script.arrivals.add(index);
					order.add(index);
				}
			}
			int late = script.arrivals.size();
			BlockMatrices matrices = new BlockMatrices(layout.groups().getFirst(), blocks, this.device, script,
					new IoRecorder(new String[] { "layers.0" }, (unit) -> 0));
			Set<Integer> computed = new LinkedHashSet<>();
			float[][][] found = { new float[300][], new float[200][] };
			matrices.forEach(new int[] { 0, 1 }, (matrix, firstRow, rows) -> {
				computed.add(blockOf(blocks, matrix, firstRow));
				float[][] values = values(rows);
				System.arraycopy(values, 0, found[matrix], firstRow, values.length);
			});
			assertThat(computed).as("blocks in the order in which they were computed with")
				.containsExactlyElementsOf(order);
			assertThat(script.waits).isEqualTo(late);
			assertThat(script.released).as("streamed blocks of which nothing is left to compute")
				.containsExactlyElementsOf(order.stream()
					.filter((index) -> !script.pinned.contains(index)
							&& blocks.get(index).tiles().getLast().weight() < 2)
					.toList());
			matrices.release();
			assertThat(script.released).hasSize(used.size() - 2).doesNotHaveDuplicates();
			for (int i = 0; i < 2; i++) {
				assertThat(found[i]).isDeepEqualTo(values(
						layout.groups().getFirst().weights().get(i).matrix(0, (part) -> read(checkpoint, part))));
			}
		}
	}

	@Test
	void matricesComeTogetherOnceAllArePresent() throws Exception {
		try (Checkpoint checkpoint = Checkpoint.open(folder())) {
			WeightLayout layout = layout(checkpoint);
			List<Block> blocks = BlockLayout.cut(layout, 8192, 512).of(0);
			List<Integer> gate = blocksOf(blocks, 0);
			List<Integer> both = Stream.concat(gate.stream(), blocksOf(blocks, 1).stream()).distinct().toList();
			Script script = new Script();
			script.arrivals.addAll(both);
			BlockMatrices matrices = new BlockMatrices(layout.groups().getFirst(), blocks, this.device, script,
					new IoRecorder(new String[] { "layers.0" }, (unit) -> 0));
			assertThat(matrices.together(new int[] { 0, 1 })).as("nothing is there").isNull();
			matrices.keep(true);
			matrices.forEach(new int[] { 0, 1 }, (matrix, firstRow, rows) -> {
			});
			matrices.keep(false);
			List<Weights.Rows> found = Objects.requireNonNull(matrices.together(new int[] { 0, 1 }));
			assertThat(script.released).as("blocks are held while they are computed with").isEmpty();
			for (int i = 0; i < 2; i++) {
				float[][] whole = values(
						layout.groups().getFirst().weights().get(i).matrix(0, (part) -> read(checkpoint, part)));
				for (Weights.Rows rows : found) {
					if (rows.index() == i) {
						assertThat(values(rows.rows())).isDeepEqualTo(
								Arrays.copyOfRange(whole, rows.firstRow(), rows.firstRow() + rows.rows().rows()));
					}
				}
			}
			assertThat(found.stream().mapToInt((rows) -> rows.rows().rows()).sum()).isEqualTo(500);
			matrices.used(new int[] { 0, 1 }, () -> Fence.DONE);
			assertThat(script.released).contains(gate.getFirst()).doesNotHaveDuplicates();
			matrices.release();
			assertThat(script.released).containsExactlyInAnyOrderElementsOf(both);
		}
	}

	@Test
	void matricesInBlocksThatWereReadComeTogetherWithoutWaiting() throws Exception {
		try (Checkpoint checkpoint = Checkpoint.open(folder())) {
			WeightLayout layout = layout(checkpoint);
			List<Block> blocks = BlockLayout.cut(layout, 8192, 512).of(0);
			List<Integer> gate = blocksOf(blocks, 0);
			assertThat(gate).hasSizeGreaterThan(2);
			Script script = new Script();
			script.ready.addAll(gate.subList(1, gate.size()));
			BlockMatrices matrices = new BlockMatrices(layout.groups().getFirst(), blocks, this.device, script,
					new IoRecorder(new String[] { "layers.0" }, (unit) -> 0));
			assertThat(matrices.together(new int[] { 0 })).as("a block is on its way").isNull();
			script.ready.add(gate.getFirst());
			List<Weights.Rows> found = Objects.requireNonNull(matrices.together(new int[] { 0 }));
			assertThat(found.stream().mapToInt((rows) -> rows.rows().rows()).sum()).isEqualTo(300);
			assertThat(script.waits).isZero();
			matrices.used(new int[] { 0 }, () -> Fence.DONE);
			matrices.release();
			assertThat(script.released).containsExactlyInAnyOrderElementsOf(gate);
		}
	}

	@Test
	void whatIsUsedAgainIsKept() throws Exception {
		try (Checkpoint checkpoint = Checkpoint.open(folder())) {
			WeightLayout layout = layout(checkpoint);
			List<Block> blocks = BlockLayout.cut(layout, 8192, 512).of(0);
			List<Integer> gate = blocksOf(blocks, 0);
			Script script = new Script();
			script.arrivals.addAll(gate.reversed());
			BlockMatrices matrices = new BlockMatrices(layout.groups().getFirst(), blocks, this.device, script,
					new IoRecorder(new String[] { "layers.0" }, (unit) -> 0));
			matrices.keep(true);
			matrices.forEach(new int[] { 0 }, (matrix, firstRow, rows) -> {
			});
			assertThat(script.released).isEmpty();
			matrices.keep(false);
			List<Integer> firstRows = new ArrayList<>();
			matrices.forEach(new int[] { 0 }, (matrix, firstRow, rows) -> firstRows.add(firstRow));
			assertThat(firstRows).as("all is there, so it goes in order").isSorted();
			assertThat(script.waits).isEqualTo(gate.size());
			matrices.release();
			assertThat(script.released).containsExactlyInAnyOrderElementsOf(gate);
		}
	}

	private static Path folder() throws Exception {
		return Path
			.of(Objects.requireNonNull(BlockMatricesTests.class.getResource("/golden-variants/deepseek_v3-fp8-odd"))
				.toURI());
	}

	/** Indices of the blocks that hold rows of a matrix. */
	private static List<Integer> blocksOf(List<Block> blocks, int weight) {
		return blocks.stream()
			.filter((block) -> block.tiles().stream().anyMatch((tile) -> tile.weight() == weight))
			.map(Block::index)
			.toList();
	}

	private static int blockOf(List<Block> blocks, int weight, int firstRow) {
		return blocks.stream()
			.filter((block) -> block.tiles()
				.stream()
				.anyMatch((tile) -> tile.weight() == weight && tile.firstRow() == firstRow))
			.findFirst()
			.orElseThrow()
			.index();
	}

	private static WeightLayout layout(Checkpoint checkpoint) {
		WeightGroup unit = new WeightGroup("layers.0", "model.layers.0.");
		unit.matrix("mlp.gate_proj", 300, 200);
		unit.matrix("mlp.down_proj", 200, 300);
		unit.matrix("self_attn.q_a_proj", 136, 200);
		unit.matrix("self_attn.kv_b_proj", HEADS * 88, 72);
		for (int head = 0; head < HEADS; head++) {
			unit.rows("self_attn.kv_b_proj", HEADS * 88, 88 * head, 48, 72);
			unit.rows("self_attn.kv_b_proj", HEADS * 88, 88 * head + 48, 40, 72);
		}
		WeightGroup embedding = WeightGroup.embedding("embed_tokens", "model.");
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

	private Tensor read(Checkpoint checkpoint, TensorInfo part) {
		return Tensor.of(this.device.wrap(TensorBytes.read(checkpoint, part)), 0, part.dtype(),
				Math.toIntExact(part.dimension(0)), Math.toIntExact(part.dimension(1)));
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

	/** Blocks that come into memory when the test wants it. */
	private final class Script implements BlockSource {

		private final Set<Integer> pinned = new HashSet<>();

		private final Set<Integer> ready = new HashSet<>();

		/** What comes next when somebody waits. */
		private final Deque<Integer> arrivals = new ArrayDeque<>();

		private final List<Integer> released = new ArrayList<>();

		private int waits;

		@Override
		public BlockRead acquire(Block block) {
			throw new AssertionError("Products that do not depend on each other are not acquired in order");
		}

		@Override
		public @Nullable BlockRead poll(List<Block> wanted) {
			return wanted.stream().filter((block) -> this.ready.contains(block.index())).findFirst().map((block) -> {
				try {
					return new BlockRead(block, read(block), 0, Fence.DONE);
				}
				catch (IOException ex) {
					throw new UncheckedIOException(ex);
				}
			}).orElse(null);
		}

		@Override
		public BlockRead take(List<Block> wanted) {
			BlockRead read = poll(wanted);
			while (read == null) {
				this.waits++;
				this.ready.add(this.arrivals.removeFirst());
				read = poll(wanted);
			}
			return read;
		}

		@Override
		public void release(BlockRead read, Fence fence) {
			this.released.add(read.block().index());
		}

		@Override
		public boolean pins(Block block) {
			return this.pinned.contains(block.index());
		}

		@Override
		public Buffer buffer(BlockRead read, Device device) {
			return device.wrap(read.memory());
		}

	}

}
