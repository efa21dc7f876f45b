package io.github.flashspring.engine.residency;

/**
 * Which blocks stay in memory when not all can: chosen so that those that stream are
 * spread evenly along the pass and reading overlaps computing everywhere.
 */
final class PinSelector {

	private static final int STEPS = 40;

	private PinSelector() {
	}

	/**
	 * Chooses blocks.
	 * @param bytes sizes of the blocks in the order of use
	 * @param available memory for those that stay
	 * @return which blocks stay; together at most {@code available} bytes
	 */
	static boolean[] of(long[] bytes, long available) {
		double least = 0;
		double most = 1;
		boolean[] best = new boolean[bytes.length];
		for (int step = 0; step < STEPS; step++) {
			double share = (step == 0) ? 0 : (least + most) / 2;
			boolean[] pinned = diffuse(bytes, share);
			if (sum(bytes, pinned) <= available) {
				best = pinned;
				most = share;
				if (share == 0) {
					break;
				}
			}
			else {
				least = share;
			}
		}
		long left = available - sum(bytes, best);
		for (int i = 0; i < bytes.length; i++) {
			if (!best[i] && bytes[i] <= left) {
				best[i] = true;
				left -= bytes[i];
			}
		}
		return best;
	}

	/**
	 * Streams a share of the bytes by error diffusion: up to every block, the bytes that
	 * stream differ from the share of those so far by at most half a block.
	 */
	private static boolean[] diffuse(long[] bytes, double share) {
		boolean[] pinned = new boolean[bytes.length];
		double owed = 0;
		for (int i = 0; i < bytes.length; i++) {
			owed += share * bytes[i];
			pinned[i] = owed < bytes[i] / 2.0 || share == 0;
			if (!pinned[i]) {
				owed -= bytes[i];
			}
		}
		return pinned;
	}

	/**
	 * Memory of the blocks that stay.
	 * @param bytes sizes of the blocks
	 * @param pinned which stay
	 * @return bytes
	 */
	static long sum(long[] bytes, boolean[] pinned) {
		long sum = 0;
		for (int i = 0; i < bytes.length; i++) {
			sum += pinned[i] ? bytes[i] : 0;
		}
		return sum;
	}

}
