package io.github.flashspring.cli.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.util.SplittableRandom;

/**
 * Writes a matrix of random values block by block, so that a model of any size needs a
 * few megabytes of memory.
 */
final class RandomBlocks {

	private static final int PIECE = 1 << 20;

	/** Random bytes of a tensor before they repeat, from another place on. */
	private static final int POOL = 8 << 20;

	private RandomBlocks() {
	}

	/**
	 * The seed of one of a model's tensors.
	 * @param model seed of the model
	 * @param index which tensor
	 * @return a seed of its own
	 */
	static long seed(long model, int index) {
		return model * 1_000_003 + index;
	}

	/**
	 * Writes blocks that differ by more than their random values.
	 * @param channel target
	 * @param seed of the random values
	 * @param blocks number of blocks
	 * @param bytes bytes of a block, which the filler puts
	 * @param filler makes one block after the other
	 * @throws IOException if the target cannot be written
	 */
	static void write(WritableByteChannel channel, long seed, long blocks, int bytes, Filler filler)
			throws IOException {
		SplittableRandom random = new SplittableRandom(seed);
		ByteBuffer piece = ByteBuffer.allocate(Math.max(PIECE / bytes, 1) * bytes).order(ByteOrder.LITTLE_ENDIAN);
		for (long i = 0; i < blocks; i++) {
			filler.put(piece, random);
			if (piece.remaining() < bytes || i == blocks - 1) {
				writeAll(channel, piece.flip());
				piece.clear();
			}
		}
	}

	/**
	 * Writes blocks that are all alike but for their random values. After eight megabytes
	 * they repeat, each time from another block on: that is written as fast as a disk
	 * takes it, which making them is not.
	 * @param channel target
	 * @param seed of the random values
	 * @param blocks number of blocks
	 * @param bytes bytes of a block, which the filler puts
	 * @param filler makes one block
	 * @throws IOException if the target cannot be written
	 */
	static void repeat(WritableByteChannel channel, long seed, long blocks, int bytes, Filler filler)
			throws IOException {
		SplittableRandom random = new SplittableRandom(seed);
		int pooled = (int) Math.min(blocks, Math.max(POOL / bytes, 1));
		ByteBuffer pool = ByteBuffer.allocateDirect(pooled * bytes).order(ByteOrder.LITTLE_ENDIAN);
		for (int i = 0; i < pooled; i++) {
			filler.put(pool, random);
		}
		int first = 0;
		for (long left = blocks; left > 0;) {
			int count = (int) Math.min(left, pooled - first);
			writeAll(channel, pool.slice(first * bytes, count * bytes));
			left -= count;
			first = random.nextInt(Math.max(1, pooled / 2));
		}
	}

	private static void writeAll(WritableByteChannel channel, ByteBuffer bytes) throws IOException {
		while (bytes.hasRemaining()) {
			channel.write(bytes);
		}
	}

	/**
	 * Makes one block.
	 */
	@FunctionalInterface
	interface Filler {

		/**
		 * Puts exactly one block.
		 * @param target little-endian
		 * @param random source of values
		 */
		void put(ByteBuffer target, SplittableRandom random);

	}

}
