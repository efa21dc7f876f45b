package io.github.flashspring.engine.residency;

import java.util.ArrayList;
import java.util.List;

import io.github.flashspring.engine.weights.Block;
import io.github.flashspring.engine.weights.WeightGroup.Kind;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class PassOrderTests {

	/**
	 * Blocks 0 and 1 of layers, 3 and 4 of the head, 5 of the embedding; 2 is an
	 * expert's.
	 */
	private final List<Block> blocks = List.of(block(0, Kind.LAYER), block(1, Kind.LAYER), block(3, Kind.HEAD),
			block(4, Kind.HEAD), block(5, Kind.EMBEDDING));

	private final PassOrder order = new PassOrder(this.blocks);

	private static Block block(int index, Kind kind) {
		return new Block(index, index, kind, List.of(), List.of(), 1);
	}

	private List<Integer> next(int count) {
		List<Integer> indices = new ArrayList<>();
		for (int i = 0; i < count; i++) {
			indices.add(this.order.current().index());
			this.order.advance();
		}
		return indices;
	}

	@Test
	void passGoesThroughTheHeadOnceByDefault() {
		assertThat(next(10)).containsExactly(0, 1, 3, 4, 5, 0, 1, 3, 4, 5);
	}

	@Test
	void headIsRepeatedAsOftenAsThePassSays() {
		this.order.headRounds(3);
		assertThat(next(12)).containsExactly(0, 1, 3, 4, 3, 4, 3, 4, 5, 0, 1, 3);
	}

	@Test
	void headIsSkippedByPassesWithoutLogits() {
		this.order.headRounds(0);
		assertThat(next(5)).containsExactly(0, 1, 5, 0, 1);
	}

	@Test
	void jumpGoesOnBehindTheBlock() {
		next(2);
		this.order.jumpTo(this.blocks.get(1));
		assertThat(next(3)).containsExactly(1, 3, 4);
	}

}
