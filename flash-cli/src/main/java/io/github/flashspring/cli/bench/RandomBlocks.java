package io.github.flashspring.cli.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.util.SplittableRandom;

/**
 * Writes a matrix of random values block by block, so that a model of any size needs a
 * megabyte of memory.
 */
final class RandomBlocks {

	private static final int PIECE = 1 << 20;

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
	 * Writes blocks.
	 * @param channel target
	 * @param seed of the random values
	 * @param blocks number of blocks
	 * @param bytes bytes of a block, which the filler puts
	 * @param filler makes one block
	 * @throws IOException if the target cannot be written
	 */
	static void write(WritableByteChannel channel, long seed, long blocks, int bytes, Filler filler)
			throws IOException {
		SplittableRandom random = new SplittableRandom(seed);
		ByteBuffer piece = ByteBuffer.allocate(Math.max(PIECE / bytes, 1) * bytes).order(ByteOrder.LITTLE_ENDIAN);
		for (long i = 0; i < blocks; i++) {
			filler.put(piece, random);
			if (piece.remaining() < bytes || i == blocks - 1) {
				piece.flip();
				while (piece.hasRemaining()) {
					channel.write(piece);
				}
				piece.clear();
			}
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
