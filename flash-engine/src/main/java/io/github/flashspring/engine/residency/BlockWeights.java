package io.github.flashspring.engine.residency;

import io.github.flashspring.engine.pacing.BandwidthController;
import io.github.flashspring.engine.reading.BlockReader;
import io.github.flashspring.engine.reading.IoRecorder;
import java.util.ArrayList;
import java.util.List;

import io.github.flashspring.engine.device.Device;
import io.github.flashspring.engine.device.Tensor;
import io.github.flashspring.engine.metrics.IoMetrics;
import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.BlockLayout;
import io.github.flashspring.engine.weights.WeightFiles;
import io.github.flashspring.engine.weights.WeightLayout;
import io.github.flashspring.engine.weights.Weights;

/**
 * The weights of all groups, cut into blocks of one size: pinned, streamed, or cached
 * experts, read from the disk or copied from the page cache.
 */
final class BlockWeights implements AutoCloseable {

	private final WeightLayout layout;

	private final ResidentVectors vectors;

	private final Device device;

	private final IoRecorder recorder;

	private final BandwidthController controller;

	private final BlockLayout blocks;

	private final Prefetcher prefetcher;

	private final TokenEmbedding embedding;

	private final List<Weights> weights = new ArrayList<>();

	/**
	 * Begins to read what a plan pins.
	 * @param layout the weights
	 * @param files hold them
	 * @param vectors those that are no matrices
	 * @param plan which blocks are pinned
	 * @param device computes with them
	 * @param streaming how experts are streamed
	 * @param recorder hears of reads
	 * @param controller paces prefetches
	 */
	BlockWeights(WeightLayout layout, WeightFiles files, ResidentVectors vectors, ResidencyPlan plan, Device device,
			ExpertStreaming streaming, IoRecorder recorder, BandwidthController controller) {
		this.layout = layout;
		this.vectors = vectors;
		this.device = device;
		this.recorder = recorder;
		this.controller = controller;
		this.blocks = BlockLayout.cut(layout, plan.blockBytes(), plan.alignment());
		BlockReader.Settings settings = new BlockReader.Settings(plan.mapped() ? files.cached() : files.open(),
				files.turns(), plan.reads().readsInFlight(), PlanMemory.rowReadBytes(layout, plan.alignment()),
				plan.reads().readBytes(), plan.mapped());
		this.prefetcher = new Prefetcher(layout, this.blocks, settings, streaming, recorder, controller, device);
		this.embedding = new TokenEmbedding(layout, this.blocks, this.prefetcher, device, plan.chunkRows());
		plan(plan);
	}

	/** Divides the memory anew, between two passes. */
	void plan(ResidencyPlan plan) {
		boolean[] pins = new boolean[this.blocks.blocks().size()];
		long[] streamed = new long[this.layout.layers()];
		int[] layers = this.layout.layersOfGroups();
		for (Block block : this.blocks.blocks()) {
			pins[block.index()] = !block.onDemand() && plan.blocks().get(block.index()).pinned();
			int layer = layers[block.group()];
			if (!pins[block.index()] && !block.onDemand() && layer >= 0) {
				streamed[layer] += block.bytes();
			}
		}
		this.prefetcher.plan(pins, plan.windowBytes(), plan.expertBytes(), this.device);
		this.controller.plan(streamed);
		this.weights.clear();
		for (int i = 0; i < this.layout.groups().size(); i++) {
			WeightLayout.Group group = this.layout.groups().get(i);
			BlockSource source = group.onDemand() ? this.prefetcher.experts() : this.prefetcher;
			this.weights.add(new Weights(this.device, this.vectors.of(i),
					new BlockMatrices(group, this.blocks.of(i), this.device, source, this.recorder)));
		}
	}

	void beginPass(int rows, int headRounds) {
		this.prefetcher.beginPass(rows, headRounds);
	}

	/**
	 * {@return whether reads ran concurrently with compute since this was last asked}
	 */
	boolean ranConcurrently() {
		return this.prefetcher.ranConcurrently();
	}

	ExpertStore experts() {
		return this.prefetcher.experts();
	}

	/**
	 * {@return weights of a group}
	 */
	Weights of(int group) {
		return this.weights.get(group);
	}

	void embed(Tensor out, int[] tokens) {
		this.embedding.lookup(out, tokens);
	}

	IoMetrics metrics() {
		return this.prefetcher.snapshot();
	}

	@Override
	public void close() {
		this.prefetcher.close();
		this.embedding.close();
	}

}
