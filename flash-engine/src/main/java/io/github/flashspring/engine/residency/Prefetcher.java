package io.github.flashspring.engine.residency;

import io.github.flashspring.engine.pacing.BandwidthController;
import io.github.flashspring.engine.reading.BlockRead;
import io.github.flashspring.engine.reading.BlockReader;
import io.github.flashspring.engine.reading.ComputeWait;
import io.github.flashspring.engine.reading.IoRecorder;
import io.github.flashspring.engine.reading.PacingGate;
import io.github.flashspring.engine.reading.ReadQueue;
import io.github.flashspring.engine.reading.RowBatch;
import java.util.List;

import io.github.flashspring.engine.device.Buffer;
import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Fence;
import io.github.flashspring.engine.metrics.IoMetrics;
import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.BlockLayout;
import io.github.flashspring.engine.weights.WeightLayout;
import org.jspecify.annotations.Nullable;

/**
 * Brings the blocks into memory that every pass needs, and lets the thread that computes
 * wait for them. Blocks on demand belong to the {@link ExpertStore} next to it.
 */
final class Prefetcher implements BlockSource, AutoCloseable {

	private final BlockLayout layout;

	private final IoRecorder recorder;

	private final PacingGate gate;

	private final PassBlocks blocks;

	private final ReadQueue queue;

	private final ComputeWait wait;

	private final ExpertStore experts;

	/**
	 * Starts readers; they wait until there is a {@link #plan}.
	 * @param layout the weights
	 * @param blocks all blocks
	 * @param settings how to read
	 * @param streaming how experts are streamed
	 * @param recorder hears of reads
	 * @param controller paces prefetches
	 * @param device computes with the blocks
	 */
	Prefetcher(WeightLayout layout, BlockLayout blocks, BlockReader.Settings settings, ExpertStreaming streaming,
			IoRecorder recorder, BandwidthController controller, Device device) {
		this.layout = blocks;
		this.recorder = recorder;
		int[] layers = layout.layersOfGroups();
		this.gate = new PacingGate(controller, (group) -> layers[group], settings.cached());
		this.blocks = new PassBlocks(blocks.blocks(), new BlockReader(settings, recorder, controller), this.gate,
				settings, device);
		this.queue = this.blocks.queue();
		this.wait = new ComputeWait(this.queue, this.gate, recorder);
		this.experts = new ExpertStore(blocks, this.queue, this.wait, 2 * settings.threads(), streaming, device);
	}

	ExpertStore experts() {
		return this.experts;
	}

	/**
	 * Divides the memory anew. Waits for reads under way; nothing may be held.
	 * @param pins which blocks to pin; those that are in memory stay there
	 * @param windowBytes size of the window
	 * @param expertBytes memory for blocks on demand
	 * @param device computes with them
	 */
	void plan(boolean[] pins, long windowBytes, long expertBytes, Device device) {
		StreamWindow window = new StreamWindow(windowBytes, device);
		this.queue.pause();
		this.experts.resize(expertBytes);
		this.blocks.plan(pins, window);
		this.queue.resume(!readsAgain(pins, expertBytes));
	}

	/** Whether anything is read more than once, or row by row. */
	private boolean readsAgain(boolean[] pins, long expertBytes) {
		for (Block block : this.layout.blocks()) {
			if (!block.onDemand() && !pins[block.index()]) {
				return true;
			}
		}
		return this.layout.onDemandBytes() > expertBytes;
	}

	/**
	 * Begins a pass.
	 * @param rows its tokens
	 * @param rounds how often the pass goes through the head
	 */
	void beginPass(int rows, int rounds) {
		this.experts.beginPass(rows);
		this.blocks.beginPass(rounds);
	}

	@Override
	public BlockRead acquire(Block block) {
		return take(List.of(block));
	}

	@Override
	public @Nullable BlockRead poll(List<Block> wanted) {
		// Where layers are to compute alone, whoever waits also waits for that.
		return this.gate.isColdStart() ? null : hold(wanted);
	}

	@Override
	public BlockRead take(List<Block> wanted) {
		this.gate.computeWaits(true);
		try {
			BlockRead read = poll(wanted);
			if (read != null) {
				return read;
			}
			BlockRead first = find(wanted.getFirst());
			first.hold(true);
			RuntimeException failure;
			try {
				failure = this.wait.await(first, () -> this.blocks.ready(wanted) != null);
			}
			finally {
				first.hold(false);
			}
			if (failure != null) {
				this.blocks.release(first, Fence.DONE);
				throw failure;
			}
			read = hold(wanted);
			if (read == null) {
				throw new IllegalStateException("Waiting ended with nothing in memory");
			}
			return read;
		}
		finally {
			this.gate.computeWaits(false);
		}
	}

	/**
	 * {@return the first of some blocks that is in memory, held; null if none is}
	 */
	private @Nullable BlockRead hold(List<Block> wanted) {
		BlockRead read = this.blocks.ready(wanted);
		if (read != null) {
			read.hold(true);
		}
		return read;
	}

	/**
	 * {@return a block that is needed next, begun now if nobody did so before}
	 */
	private BlockRead find(Block block) {
		BlockRead read = this.blocks.begin(block);
		while (read == null) {
			long seen = this.queue.completions().count();
			read = this.blocks.beginStreamed(block);
			this.queue.signal();
			if (read == null) {
				this.queue.completions().await(seen);
			}
		}
		return read;
	}

	@Override
	public void release(BlockRead read, Fence fence) {
		this.blocks.release(read, fence);
	}

	@Override
	public boolean pins(Block block) {
		return this.blocks.pins(block);
	}

	@Override
	public @Nullable BlockRead present(Block block) {
		return pins(block) ? this.blocks.ready(List.of(block)) : null;
	}

	@Override
	public Buffer buffer(BlockRead read, Device device) {
		return this.blocks.buffer(read, device);
	}

	/**
	 * Reads rows before anything else.
	 * @param rows what to read
	 * @throws io.github.flashspring.engine.checkpoint.CheckpointException if one cannot
	 * be read
	 */
	void readRows(List<RowBatch.Row> rows) {
		RowBatch batch = new RowBatch(rows);
		this.queue.change((schedule) -> schedule.addRows(batch));
		batch.await();
	}

	/**
	 * {@return whether reads ran concurrently with compute since this was last asked}
	 */
	boolean ranConcurrently() {
		return this.gate.ranConcurrently();
	}

	/**
	 * {@return reads so far and now}
	 */
	IoMetrics snapshot() {
		return this.queue.metrics(this.recorder, this.blocks.prefetchedBytes());
	}

	/** Ends the readers, after the reads under way, and frees all memory. */
	@Override
	public void close() {
		this.queue.close();
		this.experts.close();
		this.blocks.close();
	}

}
