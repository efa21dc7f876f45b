package io.github.flashspring.engine.residency;

import java.util.List;

import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.WeightGroup.Kind;

/**
 * The cyclic order in which passes use the blocks that all of them need, and a position
 * in it. Blocks of the embedding come last: they are pinned, or read row by row. Not safe
 * for use by several threads.
 */
final class PassOrder {

	private final List<Block> order;

	private final int headStart;

	private final int headEnd;

	private int position;

	/** How often the pass that is read for goes through the head. */
	private int headRounds = 1;

	private int headRound;

	/**
	 * Starts at the first block.
	 * @param order the blocks, those of the head behind those of layers
	 */
	PassOrder(List<Block> order) {
		this.order = order;
		this.headEnd = (int) this.order.stream().filter((block) -> block.kind() != Kind.EMBEDDING).count();
		this.headStart = this.headEnd - (int) this.order.stream().filter((block) -> block.kind() == Kind.HEAD).count();
	}

	Block current() {
		return this.order.get(this.position);
	}

	/** Goes on at a block of a pass with one round of the head. */
	void jumpTo(Block block) {
		int found = 0;
		while (this.order.get(found).index() != block.index()) {
			found++;
		}
		this.position = found;
		this.headRound = 0;
	}

	/** Goes on at the first block. */
	void restart() {
		this.position = 0;
		this.headRound = 0;
		this.headRounds = 1;
	}

	/** Sets how often the pass that is read for goes through the head; 0: not at all. */
	void headRounds(int rounds) {
		this.headRounds = rounds;
	}

	/** Goes on to the block after, in the order of use. */
	void advance() {
		this.position++;
		if (this.position == this.headStart && this.headRounds == 0) {
			this.position = this.headEnd;
		}
		if (this.position == this.headEnd && this.headStart < this.headEnd && ++this.headRound < this.headRounds) {
			this.position = this.headStart;
		}
		if (this.position == this.order.size()) {
			restart();
		}
	}

}
